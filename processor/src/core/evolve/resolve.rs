//! An operator closed an alert, or opened it again.
//!
//! Invariant: a resolved alert has a disposition, an open one has none.

use sos_proto::alert::v1::{Alert, AlertState};
use sos_proto::event::v1::{AlertResolved, Disposition};

use super::Happened;
use crate::core::state::{Opening, State};

/// The owner stays: it says who closed it. A closing without a disposition closes nothing, since no alert
/// may leave the screens without a reason.
pub(super) fn resolved(
    state: &mut State,
    happened: Happened<'_>,
    resolved: &AlertResolved,
) -> Option<Opening> {
    let disposition = resolved.disposition();
    happened.change(state, |view| {
        let alert = &mut view.alert;
        if alert.state() == AlertState::Resolved || disposition == Disposition::Unspecified {
            return false;
        }
        close(alert, happened, disposition);
        true
    })
}

/// What every closed alert looks like, whoever or whatever closed it.
pub(super) fn close(alert: &mut Alert, happened: Happened<'_>, disposition: Disposition) {
    alert.set_state(AlertState::Resolved);
    alert.set_disposition(disposition);
    alert.resolved_at = Some(happened.received_at());
    alert.attention = false;
    alert.shelving = None;
}

/// Whoever opens an alert again owns it.
pub(super) fn reopened(state: &mut State, happened: Happened<'_>) -> Option<Opening> {
    let actor = &happened.event.actor;
    happened.change(state, |view| {
        let alert = &mut view.alert;
        if alert.state() != AlertState::Resolved || actor.is_empty() {
            return false;
        }
        alert.set_state(AlertState::Acknowledged);
        alert.set_disposition(Disposition::Unspecified);
        alert.owner = actor.clone();
        alert.acknowledged_at = Some(happened.received_at());
        alert.resolved_at = None;
        view.reopened = true;
        view.acted_at = happened.recorded_at;
        true
    })
}
