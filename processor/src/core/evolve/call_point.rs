//! What a call point says about its open press alert. Without one, nothing changes.

use sos_proto::alert::v1::{AlertCall, AlertKind};
use sos_proto::device::v1::Call;

use super::{Happened, open};
use crate::core::state::{AlertView, Opening, State};

/// P7: a cancel never closes. Whoever forces a press can force a cancel: it is shown, an operator decides.
pub(super) fn cancel(state: &mut State, happened: Happened<'_>) -> Option<Opening> {
    change(state, happened, |view| {
        view.alert.cancel_requested = true;
        true
    })
}

/// The audio/video call of the press changed its phase.
pub(super) fn call(state: &mut State, happened: Happened<'_>, call: &Call) -> Option<Opening> {
    change(state, happened, |view| {
        view.alert.call = Some(AlertCall {
            call_id: call.call_id.clone(),
            phase: call.phase().into(),
            media_uri: call.media_uri.clone(),
        });
        true
    })
}

/// The call point said where it is; without a location it said nothing.
pub(super) fn located(state: &mut State, happened: Happened<'_>) -> Option<Opening> {
    let has_location = happened.event.origin.as_ref().is_some_and(|origin| origin.location.is_some());
    change(state, happened, |_| has_location)
}

fn change(
    state: &mut State,
    happened: Happened<'_>,
    rule: impl FnOnce(&mut AlertView) -> bool,
) -> Option<Opening> {
    let (number, _) = state.open_at(happened.point, AlertKind::Press).next_back()?;
    state.change(number, |view| {
        let changed = rule(view);
        if changed {
            open::hear(view, happened);
        }
        changed
    })
}
