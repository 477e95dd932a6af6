//! Nobody took an alert in time, or an operator asked for more help.
//!
//! Invariant: the level only rises.

use sos_proto::alert::v1::AlertState;
use sos_proto::event::v1::AlertEscalated;

use super::{Happened, note};
use crate::core::state::{Opening, State};

pub(super) fn fold(state: &mut State, happened: Happened<'_>, escalated: &AlertEscalated) -> Option<Opening> {
    happened.change(state, |view| {
        if view.alert.state() == AlertState::Resolved || escalated.level <= view.alert.escalation_level {
            return false;
        }
        view.alert.escalation_level = escalated.level;
        note::owner_acted(view, happened);
        true
    })
}
