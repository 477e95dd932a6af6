//! Nobody took an alert in time, or an operator asked for more help.
//!
//! Invariant: the level only rises.

use sos_proto::alert::v1::AlertState;
use sos_proto::event::v1::{AlertEscalated, EscalationUnheard};

use super::technical::begins;
use super::{Happened, note};
use crate::core::state::{Cause, Opening, State};

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

/// Nobody watched the site of an alert when it escalated: one technical alert of the site, as long as it is
/// open.
pub(super) fn unheard(
    state: &mut State,
    happened: Happened<'_>,
    unheard: &EscalationUnheard,
) -> Option<Opening> {
    let site = state.whole_site(happened.point)?;
    let alert_id = &happened.event.alert_id;
    let text = format!("ESCALATION_UNHEARD: nobody watched when {alert_id} reached level {}", unheard.level);
    begins(state, happened, site, vec![(Cause::Unheard, text)])
}
