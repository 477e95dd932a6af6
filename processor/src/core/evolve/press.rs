//! Somebody asks for help: opens an alert, or joins the open one of that call point (P3).
//!
//! Invariant: a press never lowers anything, and after RESOLVED it opens a new alert, always.

use std::sync::Arc;

use sos_proto::alert::v1::{AlertKind, AlertPriority};
use sos_proto::device::v1::Press;
use sos_proto::trace::trace_id;

use super::{Happened, open, window};
use crate::core::rules::Rules;
use crate::core::state::{AlertNumber, AlertView, Opening, State};

/// Presses at a site belong to one incident as long as they follow each other within this time, in
/// microseconds (10 minutes).
const INCIDENT_GAP: i64 = 10 * 60 * 1_000_000;

pub(super) fn fold(state: &mut State, happened: Happened<'_>, press: &Press) -> Option<Opening> {
    let status = window::status(state, happened.point, happened.recorded_at);
    let joined = state
        .open_at(happened.point, AlertKind::Press)
        .rfind(|(_, view)| window::may_join(view, status))
        .map(|(number, _)| number);
    if let Some(number) = joined {
        let rules = Arc::clone(state.rules());
        let opening = state.change(number, |view| join(view, happened, press, &rules));
        pressed(state, number, happened);
        return opening;
    }
    let mut view = open::view(state, happened, happened.point, AlertKind::Press);
    view.alert.category = press.category().into();
    view.alert.press_count = 1;
    view.alert.silent = press.silent;
    view.alert.note = press.note.clone();
    view.trace_id = trace_id(happened.event);
    rank(&mut view, state.rules());
    let incident = state.newest_incident(happened.point).filter(|(_, incident, first)| {
        incident.open_count > 0
            && first.alert.status == view.alert.status
            && happened.recorded_at.saturating_sub(incident.recorded_at) <= INCIDENT_GAP
    });
    let (incident, incident_id) = match incident {
        Some((incident, _, first)) => (Some(incident), first.alert.alert_id.clone()),
        None => (None, view.alert.alert_id.clone()),
    };
    view.alert.incident_id = incident_id;
    let number = state.open(happened.point, view);
    state.join_incident(number, incident);
    pressed(state, number, happened);
    Some(happened.position)
}

fn pressed(state: &mut State, number: AlertNumber, happened: Happened<'_>) {
    state.with_incident(number, |incident| {
        incident.press_count += 1;
        incident.last_at = happened.received();
        incident.recorded_at = happened.recorded_at;
    });
}

/// How urgent a press alert is, which only rises.
pub(super) fn rank(view: &mut AlertView, rules: &Rules) {
    let priority = rules.priority(&view.alert, view.site_kind(), AlertPriority::High);
    view.alert.set_priority(priority);
}

/// `silent` stays what the first press made it: a later one cannot know who stands beside the button.
fn join(view: &mut AlertView, happened: Happened<'_>, press: &Press, rules: &Rules) -> bool {
    let alert = &mut view.alert;
    alert.press_count = alert.press_count.saturating_add(1);
    alert.attention = true;
    // The graver of the two: fire before medical before police before a general call, as their numbers on the
    // wire are. A press may raise the category and never lowers it.
    alert.category = alert.category.max(press.category().into());
    if !press.note.is_empty() {
        alert.note = press.note.clone();
    }
    open::hear(view, happened);
    view.trace_id = trace_id(happened.event);
    rank(view, rules);
    true
}
