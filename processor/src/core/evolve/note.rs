//! An operator wrote something down. The text is in the timeline; `note` of the alert is the call point's.

use super::Happened;
use crate::core::state::{AlertView, Opening, State};

pub(super) fn fold(state: &mut State, happened: Happened<'_>) -> Option<Opening> {
    happened.change(state, |view| {
        owner_acted(view, happened);
        true
    })
}

/// Once its owner has acted, an alert no longer asks for attention.
pub(super) fn owner_acted(view: &mut AlertView, happened: Happened<'_>) {
    let alert = &mut view.alert;
    if !alert.owner.is_empty() && alert.owner == happened.event.actor {
        alert.attention = false;
        view.acted_at = happened.recorded_at;
    }
}
