//! Open a closed alert again. Anybody may, and owns it from then on: a wrong closing must not wait for whoever
//! closed it.

use sos_proto::alert::v1::{Alert, AlertState};
use sos_proto::event::v1::AlertReopened;
use sos_proto::event::v1::event::Body;

use super::{Refusal, Rejection};

pub(super) fn decide(alert: &Alert, note: &str) -> Result<Body, Rejection> {
    if alert.state() != AlertState::Resolved {
        return Err(Rejection::new(Refusal::NotClosed, alert));
    }
    Ok(Body::AlertReopened(AlertReopened { note: note.to_owned() }))
}
