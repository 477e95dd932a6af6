//! Close an alert. Only its owner may, with a disposition.

use sos_proto::alert::v1::Alert;
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{AlertResolved, Disposition};

use super::{Rejection, owned};

pub(super) fn decide(
    alert: &Alert,
    actor: &str,
    disposition: Disposition,
    note: &str,
) -> Result<Body, Rejection> {
    owned(alert, actor)?;
    Ok(Body::AlertResolved(AlertResolved { disposition: disposition.into(), note: note.to_owned() }))
}
