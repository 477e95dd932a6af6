//! Take an alert. Of two operators, one wins; the other is told who, and when (P6).

use sos_proto::alert::v1::{Alert, AlertState};
use sos_proto::event::v1::AlertAcknowledged;
use sos_proto::event::v1::event::Body;

use super::{Refusal, Rejection};

/// Only what nobody owns can be taken; not even its owner can take it twice.
pub(super) fn decide(alert: &Alert) -> Result<Body, Rejection> {
    match alert.state() {
        AlertState::Raised | AlertState::Unspecified => Ok(Body::AlertAcknowledged(AlertAcknowledged {})),
        AlertState::Acknowledged => Err(Rejection::new(Refusal::AlreadyTaken, alert)),
        AlertState::Resolved => Err(Rejection::new(Refusal::Closed, alert)),
    }
}
