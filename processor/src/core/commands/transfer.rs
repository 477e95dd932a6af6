//! Hand an alert over. Only its owner may, and to somebody else (P6).

use sos_proto::alert::v1::Alert;
use sos_proto::event::v1::AlertTransferred;
use sos_proto::event::v1::event::Body;

use super::{Refusal, Rejection, owned};

pub(super) fn decide(alert: &Alert, actor: &str, to_operator: &str) -> Result<Body, Rejection> {
    owned(alert, actor)?;
    if to_operator == alert.owner {
        return Err(Rejection::new(Refusal::SameOwner, alert));
    }
    Ok(Body::AlertTransferred(AlertTransferred { to_operator: to_operator.to_owned() }))
}
