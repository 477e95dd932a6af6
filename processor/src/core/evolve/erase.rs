//! What is personal in an alert was erased. The keys to it are gone from the log; here it goes from the state.

use super::Happened;
use crate::core::state::{Opening, State};

pub(super) fn fold(state: &mut State, happened: Happened<'_>) -> Option<Opening> {
    let changed = happened.change(state, |view| {
        view.forget();
        true
    });
    // What it once was is forgotten, too.
    state.forget_forms(&happened.event.alert_id);
    changed
}
