//! Put a technical alert aside, or take it back. Anybody may; a press cannot be put aside.

use sos_proto::alert::v1::{Alert, AlertKind, AlertState};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{AlertShelved, AlertUnshelved};
use sos_proto::time;

use super::{Refusal, Rejection};

pub(super) fn shelve(alert: &Alert, reason: &str, until: i64) -> Result<Body, Rejection> {
    if alert.kind() != AlertKind::Technical {
        return Err(Rejection::new(Refusal::NotTechnical, alert));
    }
    if alert.state() == AlertState::Resolved {
        return Err(Rejection::new(Refusal::Closed, alert));
    }
    let until = Some(time::timestamp(until));
    Ok(Body::AlertShelved(AlertShelved { reason: reason.to_owned(), until }))
}

pub(super) fn unshelve(alert: &Alert) -> Result<Body, Rejection> {
    match &alert.shelving {
        Some(_) => Ok(Body::AlertUnshelved(AlertUnshelved {})),
        None => Err(Rejection::new(Refusal::NotShelved, alert)),
    }
}
