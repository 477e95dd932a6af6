//! Something does not work at a call point: one technical alert with all that is wrong there (P3, P9).
//!
//! Invariant: it closes by itself once everything that opened it is repaired. Bytes that nobody can read are
//! never repaired: an operator closes that.

use sos_proto::alert::v1::{AlertKind, AlertPriority};
use sos_proto::device::v1::{Fault, FaultKind, SelfTest};
use sos_proto::event::v1::{Disposition, Quarantined};

use super::{Happened, open, resolve};
use crate::core::state::{AlertView, Cause, Opening, State};
use sos_proto::trace::trace_id;

/// Bytes that nobody can read. They may have been a press, so its owner has to look again each time.
pub(super) fn quarantined(
    state: &mut State,
    happened: Happened<'_>,
    quarantined: &Quarantined,
) -> Option<Opening> {
    begins(state, happened, Cause::Unreadable, quarantined.reason.clone())
}

/// The call point says that something is broken, or repaired.
pub(super) fn fault(state: &mut State, happened: Happened<'_>, fault: &Fault) -> Option<Opening> {
    let cause = Cause::Fault(fault.kind());
    if !fault.active {
        return ends(state, happened, cause);
    }
    let name = fault.kind().as_str_name();
    begins(state, happened, cause, words(name.strip_prefix("FAULT_KIND_").unwrap_or(name), &fault.detail))
}

/// The call point has tested itself.
pub(super) fn self_test(state: &mut State, happened: Happened<'_>, test: &SelfTest) -> Option<Opening> {
    if test.passed {
        return ends(state, happened, Cause::SelfTest);
    }
    begins(state, happened, Cause::SelfTest, words("SELF_TEST_FAILED", &test.detail))
}

fn words(what: &str, detail: &str) -> String {
    if detail.is_empty() { what.to_owned() } else { format!("{what}: {detail}") }
}

/// What would keep a press from being noticed comes before what can wait.
fn priority(cause: Cause) -> AlertPriority {
    match cause {
        Cause::Unreadable | Cause::SelfTest | Cause::Fault(FaultKind::Tamper | FaultKind::ButtonStuck) => {
            AlertPriority::Medium
        }
        Cause::Fault(_) => AlertPriority::Low,
    }
}

fn begins(state: &mut State, happened: Happened<'_>, cause: Cause, text: String) -> Option<Opening> {
    let event = happened.event;
    let opening = match state.open_at(&event.site_id, &event.device_id, AlertKind::Technical) {
        Some(opening) => state.change(opening, happened.position, |view| {
            let repeated = view.causes.insert(cause, text.clone()).is_some_and(|known| known == text);
            if repeated && cause != Cause::Unreadable {
                return false;
            }
            view.alert.attention = true;
            view.alert.priority = view.alert.priority.max(priority(cause).into());
            view.alert.note = note(view);
            open::hear(&mut view.alert, happened);
            true
        })?,
        None => {
            let mut alert = open::alert(state, happened, AlertKind::Technical, priority(cause));
            alert.note.clone_from(&text);
            state.open(alert, happened.position, trace_id(event), Some((cause, text)));
            happened.position
        }
    };
    Some(opening)
}

fn ends(state: &mut State, happened: Happened<'_>, cause: Cause) -> Option<Opening> {
    let opening = state.open_with(&happened.event.site_id, &happened.event.device_id, cause)?;
    state.change(opening, happened.position, |view| {
        view.causes.remove(&cause);
        if view.causes.is_empty() {
            resolve::close(&mut view.alert, happened, Disposition::Technical);
        } else {
            view.alert.note = note(view);
        }
        open::hear(&mut view.alert, happened);
        true
    })
}

/// Everything that is wrong.
fn note(view: &AlertView) -> String {
    view.causes.values().map(String::as_str).collect::<Vec<_>>().join("; ")
}
