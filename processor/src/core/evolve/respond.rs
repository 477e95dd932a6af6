//! Units that were sent, and how far they are.

use sos_proto::alert::v1::Response;
use sos_proto::event::v1::{ResponseStatus, ResponseUpdated, UnitDispatched};

use super::{Happened, note};
use crate::core::state::{Opening, State};
use crate::core::{busy_units, is_over};

/// A unit that is still busy with the alert cannot be sent to it again.
pub(super) fn dispatched(
    state: &mut State,
    happened: Happened<'_>,
    dispatched: &UnitDispatched,
) -> Option<Opening> {
    let unit_id = &dispatched.unit_id;
    happened.change(state, |view| {
        let busy = busy_units(&view.alert).any(|busy| busy == unit_id);
        if busy || unit_id.is_empty() {
            return false;
        }
        view.alert.responses.push(Response {
            unit_id: unit_id.clone(),
            status: ResponseStatus::Dispatched.into(),
            dispatched_at: Some(happened.received_at()),
            ..Response::default()
        });
        note::owner_acted(view, happened);
        true
    })
}

/// Progress of the newest dispatch of that unit; also after the alert was closed.
pub(super) fn updated(
    state: &mut State,
    happened: Happened<'_>,
    updated: &ResponseUpdated,
) -> Option<Opening> {
    let status = updated.status();
    happened.change(state, |view| {
        let known = view.alert.responses.iter_mut().rev().find(|r| r.unit_id == updated.unit_id);
        let Some(response) = known.filter(|_| status != ResponseStatus::Unspecified) else { return false };
        response.set_status(status);
        let at = match status {
            ResponseStatus::OnScene => &mut response.on_scene_at,
            status if is_over(status) => &mut response.cleared_at,
            _ => &mut response.dispatched_at,
        };
        at.get_or_insert_with(|| happened.received_at());
        view.acted_at = happened.recorded_at;
        note::owner_acted(view, happened);
        true
    })
}
