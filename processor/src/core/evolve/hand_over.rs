//! An alert changed hands. `acknowledged_at` still says when it was taken.

use sos_proto::alert::v1::AlertState;
use sos_proto::event::v1::AlertTransferred;

use super::{Happened, note};
use crate::core::state::{Opening, State};

pub(super) fn fold(
    state: &mut State,
    happened: Happened<'_>,
    transferred: &AlertTransferred,
) -> Option<Opening> {
    happened.change(state, |view| {
        if view.alert.state() != AlertState::Acknowledged || transferred.to_operator.is_empty() {
            return false;
        }
        note::owner_acted(view, happened);
        view.alert.owner = transferred.to_operator.clone();
        true
    })
}
