//! Somebody asks for help: opens an alert, or joins the open one of that call point (P3).
//!
//! Invariant: a press never lowers anything, and after RESOLVED it opens a new alert, always.

use sos_proto::alert::v1::{AlertKind, AlertPriority};
use sos_proto::device::v1::{Category, Press};

use super::{Happened, open};
use crate::core::state::{AlertView, Opening, State};
use sos_proto::trace::trace_id;

pub(super) fn fold(state: &mut State, happened: Happened<'_>, press: &Press) -> Option<Opening> {
    let event = happened.event;
    if let Some(opening) = state.open_at(&event.site_id, &event.device_id, AlertKind::Press) {
        return state.change(opening, happened.position, |view| join(view, happened, press));
    }
    let mut alert = open::alert(state, happened, AlertKind::Press, AlertPriority::High);
    alert.category = press.category().into();
    alert.press_count = 1;
    alert.silent = press.silent;
    alert.note = press.note.clone();
    state.open(alert, happened.position, trace_id(event), None);
    Some(happened.position)
}

/// The graver of two categories: fire before medical before police before a general call, which is the order
/// of their numbers on the wire. A press may raise the category and never lowers it.
fn raised(before: Category, asked: Category) -> Category {
    if i32::from(asked) > i32::from(before) { asked } else { before }
}

/// `silent` stays what the first press made it: a later one cannot know who stands beside the button.
fn join(view: &mut AlertView, happened: Happened<'_>, press: &Press) -> bool {
    let alert = &mut view.alert;
    alert.press_count = alert.press_count.saturating_add(1);
    alert.attention = true;
    alert.category = raised(alert.category(), press.category()).into();
    if !press.note.is_empty() {
        alert.note = press.note.clone();
    }
    open::hear(alert, happened);
    view.trace_id = trace_id(happened.event);
    true
}
