//! Exercises and tests: what a call point does meanwhile opens alerts of that status. Who presses does not
//! decide about it, and cannot.
//!
//! Invariant: nothing in earnest is ever hidden in an exercise. Outside of a window a press never joins an
//! alert of one, and an alert in earnest takes every press.

use sos_proto::alert::v1::{AlertState, AlertStatus};
use sos_proto::event::v1::WindowStarted;
use sos_proto::registry::v1::{Window, WindowKind};
use sos_proto::window::kind_at;

use super::Happened;
use crate::core::state::{AlertView, Opening, PointNumber, State};

/// What status an alert gets that a call point opens at a time of the log.
pub(super) fn status(state: &State, point: PointNumber, now: i64) -> AlertStatus {
    let Some(point) = state.point(point) else { return AlertStatus::Actual };
    let of_site = state.site_of(point).and_then(|site| site.window.as_deref());
    match kind_at(point.window.as_deref(), of_site, now) {
        Some(WindowKind::Exercise) => AlertStatus::Exercise,
        Some(WindowKind::Test) => AlertStatus::Test,
        Some(WindowKind::Unspecified) | None => AlertStatus::Actual,
    }
}

/// Whether an event of this status may join an alert.
pub(super) fn may_join(view: &AlertView, status: AlertStatus) -> bool {
    view.alert.status() == AlertStatus::Actual || view.alert.status() == status
}

pub(super) fn started(state: &mut State, happened: Happened<'_>, started: &WindowStarted) -> Option<Opening> {
    set(state, happened, started.window.clone().map(Box::new))
}

pub(super) fn ended(state: &mut State, happened: Happened<'_>) -> Option<Opening> {
    set(state, happened, None)
}

/// Alerts that are open stay what they are.
fn set(state: &mut State, happened: Happened<'_>, window: Option<Box<Window>>) -> Option<Opening> {
    if happened.event.device_id.is_empty() {
        state.site_mut(happened.point)?.window = window;
    } else {
        state.point_mut(happened.point)?.window = window;
        state.point_changed(happened.point);
    }
    None
}

/// A real emergency during an exercise. Nobody may have waited for it, so it rings from now on.
pub(super) fn declared_actual(state: &mut State, happened: Happened<'_>) -> Option<Opening> {
    happened.change(state, |view| {
        let alert = &mut view.alert;
        if alert.status() == AlertStatus::Actual || alert.state() == AlertState::Resolved {
            return false;
        }
        alert.set_status(AlertStatus::Actual);
        view.ringing_since = happened.recorded_at;
        view.ringing_level = view.alert.escalation_level;
        super::note::owner_acted(view, happened);
        true
    })
}
