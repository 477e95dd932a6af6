//! Send a unit. Only the alert's owner does, so that nobody sends two; a unit that is still busy with the
//! alert is not sent again.

use sos_proto::alert::v1::Alert;
use sos_proto::event::v1::UnitDispatched;
use sos_proto::event::v1::event::Body;

use super::{RESPONSES_MAX, Refusal, Rejection, owned};
use crate::core::busy_units;

pub(super) fn decide(alert: &Alert, actor: &str, unit_id: &str) -> Result<Body, Rejection> {
    owned(alert, actor)?;
    if busy_units(alert).any(|busy| busy == unit_id) {
        return Err(Rejection::new(Refusal::UnitBusy, alert));
    }
    if alert.responses.len() >= RESPONSES_MAX {
        return Err(Rejection::new(Refusal::TooManyUnits, alert));
    }
    Ok(Body::UnitDispatched(UnitDispatched { unit_id: unit_id.to_owned() }))
}
