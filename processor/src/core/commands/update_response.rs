//! Report the progress of a unit. Anybody may, also after the closing: it is what the unit says. A unit may
//! skip a step that it did not report, and never goes back.

use sos_proto::alert::v1::Alert;
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{ResponseStatus, ResponseUpdated};

use super::{Refusal, Rejection};
use crate::core::is_over;

pub(super) fn decide(alert: &Alert, unit_id: &str, status: ResponseStatus) -> Result<Body, Rejection> {
    let refused = |refusal| Err(Rejection::new(refusal, alert));
    let Some(response) = alert.responses.iter().rev().find(|r| r.unit_id == unit_id) else {
        return refused(Refusal::UnitNotSent);
    };
    if is_over(response.status()) {
        return refused(Refusal::UnitDone);
    }
    if i32::from(status) <= response.status {
        return refused(Refusal::UnitFurther);
    }
    Ok(Body::ResponseUpdated(ResponseUpdated { unit_id: unit_id.to_owned(), status: status.into() }))
}
