//! A nuisance is put aside for a while (IEC 62682 calls that shelving), with who, why and until when.
//!
//! Invariant: only technical alerts can be shelved. A press never is.

use sos_proto::alert::v1::{AlertKind, Shelving};
use sos_proto::event::v1::AlertShelved;

use super::Happened;
use crate::core::state::{Opening, State};

pub(super) fn shelved(state: &mut State, happened: Happened<'_>, shelved: &AlertShelved) -> Option<Opening> {
    happened.change(state, |view| {
        let is_technical = view.alert.kind() == AlertKind::Technical;
        if !is_technical || !view.is_open() || shelved.until.is_none() {
            return false;
        }
        view.alert.shelving = Some(Shelving {
            author: happened.event.actor.clone(),
            reason: shelved.reason.clone(),
            since: Some(happened.received_at()),
            until: shelved.until,
        });
        view.alert.attention = false;
        view.acted_at = happened.recorded_at;
        true
    })
}

/// What comes back rings as if it were new, and its owner, if any, has his time again.
pub(super) fn unshelved(state: &mut State, happened: Happened<'_>) -> Option<Opening> {
    happened.change(state, |view| {
        if view.alert.shelving.take().is_none() {
            return false;
        }
        view.ringing_since = happened.recorded_at;
        view.ringing_level = view.alert.escalation_level;
        view.acted_at = happened.recorded_at;
        true
    })
}
