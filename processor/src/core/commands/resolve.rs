//! Close an alert. Only its owner may, with a disposition.

use sos_proto::alert::v1::{Alert, AlertState};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{AlertResolved, Disposition};

use super::{Refusal, Rejection};

pub(super) fn decide(
    alert: &Alert,
    actor: &str,
    disposition: Disposition,
    note: &str,
) -> Result<Body, Rejection> {
    match alert.state() {
        AlertState::Acknowledged if alert.owner == actor => {
            Ok(Body::AlertResolved(AlertResolved { disposition: disposition.into(), note: note.to_owned() }))
        }
        AlertState::Acknowledged => Err(Rejection::new(Refusal::NotOwner, alert)),
        AlertState::Resolved => Err(Rejection::new(Refusal::Closed, alert)),
        AlertState::Raised | AlertState::Unspecified => Err(Rejection::new(Refusal::NotTaken, alert)),
    }
}
