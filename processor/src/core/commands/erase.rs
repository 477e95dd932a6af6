//! Erase what is personal in an alert. Not while it is open: who is on the way needs it.

use sos_proto::alert::v1::{Alert, AlertState};
use sos_proto::event::v1::AlertErased;
use sos_proto::event::v1::event::Body;

use super::{Refusal, Rejection};

pub(super) fn decide(alert: &Alert, reason: &str) -> Result<Body, Rejection> {
    if alert.state() != AlertState::Resolved {
        return Err(Rejection::new(Refusal::NotClosed, alert));
    }
    Ok(Body::AlertErased(AlertErased { reason: reason.to_owned() }))
}
