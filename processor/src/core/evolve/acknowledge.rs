//! An operator took an alert, or had it too long without a next step (P6).
//!
//! Invariant: an acknowledged alert has exactly one owner, a raised one has none.

use sos_proto::alert::v1::AlertState;
use sos_proto::event::v1::AlertAckExpired;

use super::Happened;
use crate::core::state::{Opening, State};

pub(super) fn acknowledged(state: &mut State, happened: Happened<'_>) -> Option<Opening> {
    let actor = &happened.event.actor;
    happened.change(state, |view| {
        let alert = &mut view.alert;
        if alert.state() != AlertState::Raised || actor.is_empty() {
            return false;
        }
        alert.set_state(AlertState::Acknowledged);
        alert.owner = actor.clone();
        alert.acknowledged_at = Some(happened.received_at());
        alert.attention = false;
        view.acted_at = happened.recorded_at;
        true
    })
}

/// The alert has no owner again and rings; `acknowledged_at` still says when it was last taken.
pub(super) fn expired(
    state: &mut State,
    happened: Happened<'_>,
    expired: &AlertAckExpired,
) -> Option<Opening> {
    happened.change(state, |view| {
        let alert = &mut view.alert;
        if alert.state() != AlertState::Acknowledged || alert.owner != expired.owner {
            return false;
        }
        alert.set_state(AlertState::Raised);
        alert.owner.clear();
        view.ringing_since = happened.recorded_at;
        view.ringing_level = view.alert.escalation_level;
        true
    })
}
