//! How refusals look on the wire: gRPC codes with `google.rpc` details.

use std::collections::HashMap;

use sos_eventlog::{AppendError, ReadError};
use sos_proto::alert::v1::AlertState;
use sos_proto::time;
use sos_proto::time::Timestamp;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::commands::CommandError;
use crate::core::commands::Rejection;
use crate::live::Behind;

/// Domain of every `ErrorInfo`.
const DOMAIN: &str = "sos.alert.v1";

/// A field of a request that is not as the contract says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InvalidField {
    /// Its name as in the `.proto` file, with dots.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

impl From<InvalidField> for Status {
    fn from(invalid: InvalidField) -> Self {
        let message = format!("{}: {}", invalid.field, invalid.reason);
        let details = ErrorDetails::with_bad_request_violation(invalid.field, invalid.reason);
        Self::with_error_details(Code::InvalidArgument, message, details)
    }
}

/// There is no such alert.
pub(super) fn not_found(alert_id: &str) -> Status {
    let message = format!("there is no alert {alert_id}");
    let details = ErrorDetails::with_resource_info("sos.alert.v1.Alert", alert_id, "", message.as_str());
    Status::with_error_details(Code::NotFound, message, details)
}

/// The log could not be read.
pub(super) fn unreadable(error: &ReadError) -> Status {
    match error {
        ReadError::Damaged { .. } => Status::data_loss(error.to_string()),
        ReadError::Unavailable(_) => Status::unavailable(error.to_string()),
    }
}

/// Live state is behind the log.
pub(super) fn behind(error: Behind) -> Status {
    Status::unavailable(error.to_string())
}

impl From<CommandError> for Status {
    fn from(error: CommandError) -> Self {
        match &error {
            CommandError::NotFound(alert_id) => not_found(alert_id),
            CommandError::RequestIdTaken(_) => {
                let reason = "already used for another command".to_owned();
                InvalidField { field: "request_id", reason }.into()
            }
            CommandError::Stale { alert_id, actual, .. } => stale(&error, alert_id, *actual),
            CommandError::Rejected { alert_id, rejection } => rejected(alert_id, rejection),
            CommandError::Contended(_) => Self::aborted(error.to_string()),
            CommandError::Append(AppendError::Unavailable(_)) => Self::unavailable(error.to_string()),
            CommandError::Append(_) => Self::internal(error.to_string()),
            CommandError::Read(read) => unreadable(read),
            CommandError::Behind(late) => behind(*late),
        }
    }
}

fn stale(error: &CommandError, alert_id: &str, actual: u64) -> Status {
    let metadata = HashMap::from([
        ("alert_id".to_owned(), alert_id.to_owned()),
        ("revision".to_owned(), actual.to_string()),
    ]);
    let details = ErrorDetails::with_error_info("REVISION_MISMATCH", DOMAIN, metadata);
    Status::with_error_details(Code::Aborted, error.to_string(), details)
}

/// P6: who comes second is told who has it, and since when.
fn rejected(alert_id: &str, rejection: &Rejection) -> Status {
    let state = short_name(rejection.state);
    let since = rejection.acknowledged_at.as_ref().and_then(rfc3339);
    let mut message = format!("alert {alert_id} is {state}");
    if !rejection.owner.is_empty() {
        message += &format!(" by {}", rejection.owner);
    }
    if let (AlertState::Acknowledged, Some(since)) = (rejection.state, &since) {
        message += &format!(" since {since}");
    }
    message += &format!(": {}", rejection.refusal);

    let mut metadata = HashMap::from([
        ("alert_id".to_owned(), alert_id.to_owned()),
        ("state".to_owned(), rejection.state.as_str_name().to_owned()),
        ("owner".to_owned(), rejection.owner.clone()),
    ]);
    metadata.extend(since.map(|since| ("acknowledged_at".to_owned(), since)));
    let mut details = ErrorDetails::with_error_info("ALERT_STATE", DOMAIN, metadata);
    details.add_precondition_failure_violation("ALERT_STATE", alert_id, message.as_str());
    Status::with_error_details(Code::FailedPrecondition, message, details)
}

/// The state as people say it.
fn short_name(state: AlertState) -> &'static str {
    let name = state.as_str_name();
    name.strip_prefix("ALERT_STATE_").unwrap_or(name)
}

fn rfc3339(timestamp: &Timestamp) -> Option<String> {
    let micros = time::micros(timestamp)?;
    jiff::Timestamp::from_microsecond(micros).ok().map(|timestamp| timestamp.to_string())
}
