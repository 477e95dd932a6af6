//! Turn an alert of an exercise or a test into a real one. Anybody may: whoever sees it first.

use sos_proto::alert::v1::{Alert, AlertState, AlertStatus};
use sos_proto::event::v1::AlertDeclaredActual;
use sos_proto::event::v1::event::Body;

use super::{Refusal, Rejection};

pub(super) fn decide(alert: &Alert, reason: &str) -> Result<Body, Rejection> {
    if alert.state() == AlertState::Resolved {
        return Err(Rejection::new(Refusal::Closed, alert));
    }
    if alert.status() == AlertStatus::Actual {
        return Err(Rejection::new(Refusal::Actual, alert));
    }
    Ok(Body::AlertDeclaredActual(AlertDeclaredActual { reason: reason.to_owned() }))
}
