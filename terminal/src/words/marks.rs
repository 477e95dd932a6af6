//! What an operator must not overlook about an alert, each in a word or two.

use sos_proto::alert::v1::{Alert, AlertCall, AlertState, AlertStatus, Response, Shelving};
use sos_proto::time::Duration;

use super::{plain, short};
use crate::clock::{Clock, length};

/// `EXERCISE` or `TEST`, where it is not in earnest.
#[must_use]
pub(crate) fn status(alert: &Alert) -> Option<String> {
    (alert.status() != AlertStatus::Actual).then(|| alert.status().as_str_name().replace("ALERT_STATUS_", ""))
}

/// What is urgent, what became of it and the units.
#[must_use]
pub(crate) fn marks(alert: &Alert, clock: &Clock) -> Vec<String> {
    let call = |call: &AlertCall| {
        format!("CALL {}", short(call.phase().as_str_name(), "CALL_PHASE_").to_uppercase())
    };
    let unit = |response: &Response| {
        let status = short(response.status().as_str_name(), "RESPONSE_STATUS_");
        format!("[{} {status}]", plain(&response.unit_id))
    };
    let shelved = |shelving: &Shelving| format!("SHELVED TO {}", clock.day_and_time(shelving.until.as_ref()));
    let is_over = alert.state() == AlertState::Resolved;
    let disposition =
        is_over.then(|| short(alert.disposition().as_str_name(), "DISPOSITION_").to_uppercase());
    let first = [
        mark(alert.attention, "AGAIN"),
        mark(alert.cancel_requested, "CANCEL?"),
        mark(alert.silent, "SILENT"),
        alert.shelving.as_ref().map(shelved),
        disposition,
        alert.call.as_ref().map(call),
    ];
    first.into_iter().flatten().chain(alert.responses.iter().map(unit)).collect()
}

/// What is odd about it, and the messages it holds.
#[must_use]
pub(crate) fn oddities(alert: &Alert) -> Vec<String> {
    let late = |late: &Duration| {
        let seconds = u64::try_from(late.seconds).unwrap_or(0);
        format!("LATE {}", length(std::time::Duration::from_secs(seconds)))
    };
    let odd = [
        alert.late_by.as_ref().map(late),
        mark(alert.unverified, "UNVERIFIED"),
        mark(alert.erased, "ERASED"),
    ];
    let flags = alert.flags().map(|flag| short(flag.as_str_name(), "EVENT_FLAG_").to_uppercase());
    odd.into_iter().flatten().chain(flags).collect()
}

fn mark(applies: bool, mark: &str) -> Option<String> {
    applies.then(|| mark.to_owned())
}
