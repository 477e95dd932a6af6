//! Bytes that nobody can read: shown as a technical alert of that call point (P3).

use sos_proto::alert::v1::{AlertKind, AlertPriority};
use sos_proto::event::v1::Quarantined;

use super::{Happened, open};
use crate::core::state::{Opening, State};
use sos_proto::trace::trace_id;

pub(super) fn fold(state: &mut State, happened: Happened<'_>, quarantined: &Quarantined) -> Option<Opening> {
    let event = happened.event;
    if let Some(opening) = state.open_at(&event.site_id, &event.device_id, AlertKind::Technical) {
        return state.change(opening, happened.position, |view| {
            // Unreadable bytes may have been a press: its owner has to look again.
            view.alert.attention = true;
            view.alert.note = quarantined.reason.clone();
            open::hear(&mut view.alert, happened);
            true
        });
    }
    let mut alert = open::alert(state, happened, AlertKind::Technical, AlertPriority::Medium);
    alert.note = quarantined.reason.clone();
    state.open(alert, happened.position, trace_id(event));
    Some(happened.position)
}
