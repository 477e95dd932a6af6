//! Ask for more help. Anybody may, as long as the alert is open; the level only rises (P8).

use sos_proto::alert::v1::{Alert, AlertState};
use sos_proto::event::v1::AlertEscalated;
use sos_proto::event::v1::event::Body;

use super::{Refusal, Rejection};

pub(super) fn decide(alert: &Alert, reason: &str) -> Result<Body, Rejection> {
    if alert.state() == AlertState::Resolved {
        return Err(Rejection::new(Refusal::Closed, alert));
    }
    let level = alert.escalation_level.checked_add(1);
    let level = level.ok_or_else(|| Rejection::new(Refusal::HighestLevel, alert))?;
    Ok(Body::AlertEscalated(AlertEscalated { level, reason: reason.to_owned() }))
}
