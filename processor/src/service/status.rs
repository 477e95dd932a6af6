//! How refusals look on the wire: gRPC codes with `google.rpc` details.

use std::collections::HashMap;

use sos_eventlog::{AppendError, ReadError};
use sos_proto::alert::v1::AlertState;
use sos_proto::time::Timestamp;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::commands::CommandError;
use crate::core::commands::Standing;
use crate::live::Behind;
use crate::registrar::RegistryError;

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
    missing("sos.alert.v1.Alert", alert_id, format!("there is no alert {alert_id}"))
}

fn missing(kind: &str, name: &str, message: String) -> Status {
    let details = ErrorDetails::with_resource_info(kind, name, "", message.as_str());
    Status::with_error_details(Code::NotFound, message, details)
}

/// P6: the request id names something else.
fn request_id_taken() -> Status {
    let reason = "already used for another command".to_owned();
    InvalidField { field: "request_id", reason }.into()
}

/// The log did not take an event.
fn not_appended(error: &AppendError) -> Status {
    match error {
        AppendError::Unavailable(_) => Status::unavailable(error.to_string()),
        _ => Status::internal(error.to_string()),
    }
}

/// The keys are not in this process's keeping: to say that the data is gone would not be true.
pub(super) fn cannot_forget() -> Status {
    Status::failed_precondition("the keys of personal data are not kept here: erase where `sos up` runs")
}

/// The keys are still there: the command can be repeated, and the next start tries again.
pub(super) fn not_erased(error: &AppendError) -> Status {
    Status::unavailable(format!(
        "the alert is marked as erased, and that could not be carried out yet: {error}"
    ))
}

/// P10: a limit is reached; its name as in the configuration.
pub(super) fn exhausted(limit: &'static str, reason: String) -> Status {
    let details = ErrorDetails::with_quota_failure_violation(limit, reason.as_str());
    Status::with_error_details(Code::ResourceExhausted, format!("{limit}: {reason}"), details)
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
            CommandError::RequestIdTaken(_) => request_id_taken(),
            CommandError::Stale { standing, .. } => stale(standing, &error.to_string()),
            CommandError::Rejected(rejection) => rejected(&rejection.standing, &error.to_string()),
            CommandError::Contended(alert_id) => contended(alert_id, error.to_string()),
            CommandError::Append(append) => not_appended(append),
            CommandError::Read(read) => unreadable(read),
            CommandError::Behind(late) => behind(*late),
        }
    }
}

impl From<RegistryError> for Status {
    fn from(error: RegistryError) -> Self {
        match &error {
            RegistryError::NoSite(site) => missing("sos.registry.v1.Site", site, error.to_string()),
            RegistryError::NoDevice(device) => missing("sos.registry.v1.Device", device, error.to_string()),
            RegistryError::RequestIdTaken(_) => request_id_taken(),
            RegistryError::NoWindow => {
                let details =
                    ErrorDetails::with_precondition_failure_violation("WINDOW", "", error.to_string());
                Self::with_error_details(Code::FailedPrecondition, error.to_string(), details)
            }
            RegistryError::Append(append) => not_appended(append),
            RegistryError::Read(read) => unreadable(read),
            RegistryError::Behind(late) => behind(*late),
        }
    }
}

/// P6: somebody else was first.
fn stale(standing: &Standing, why: &str) -> Status {
    let (message, mut metadata) = told(standing, why);
    metadata.insert("revision".to_owned(), standing.revision.to_string());
    let details = ErrorDetails::with_error_info("REVISION_MISMATCH", DOMAIN, metadata);
    Status::with_error_details(Code::Aborted, message, details)
}

/// P6: somebody else has it.
fn rejected(standing: &Standing, why: &str) -> Status {
    let (message, metadata) = told(standing, why);
    let mut details = ErrorDetails::with_error_info("ALERT_STATE", DOMAIN, metadata);
    details.add_precondition_failure_violation("ALERT_STATE", standing.alert_id.as_str(), message.as_str());
    Status::with_error_details(Code::FailedPrecondition, message, details)
}

fn contended(alert_id: &str, message: String) -> Status {
    let metadata = HashMap::from([("alert_id".to_owned(), alert_id.to_owned())]);
    let details = ErrorDetails::with_error_info("CONTENDED", DOMAIN, metadata);
    Status::with_error_details(Code::Aborted, message, details)
}

/// P6: who comes second is told who has the alert, and since when: as a sentence and for programs.
fn told(standing: &Standing, why: &str) -> (String, HashMap<String, String>) {
    let Standing { alert_id, state, owner, .. } = standing;
    let since = standing.acknowledged_at.as_ref().map(Timestamp::to_string);
    let mut message = format!("alert {alert_id} is {}", short_name(*state));
    if !owner.is_empty() {
        message += &format!(" by {owner}");
    }
    if let (AlertState::Acknowledged, Some(since)) = (state, &since) {
        message += &format!(" since {since}");
    }
    message += &format!(": {why}");

    let mut metadata = HashMap::from([
        ("alert_id".to_owned(), alert_id.clone()),
        ("state".to_owned(), state.as_str_name().to_owned()),
        ("owner".to_owned(), owner.clone()),
    ]);
    metadata.extend(since.map(|since| ("acknowledged_at".to_owned(), since)));
    (message, metadata)
}

/// The state as people say it.
fn short_name(state: AlertState) -> &'static str {
    let name = state.as_str_name();
    name.strip_prefix("ALERT_STATE_").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contended_command_names_its_alert() {
        let told = Status::from(CommandError::Contended("a1".to_owned()));
        let info = told.get_details_error_info().unwrap();
        assert_eq!(
            (told.code(), info.reason.as_str(), info.domain.as_str()),
            (Code::Aborted, "CONTENDED", DOMAIN)
        );
        assert_eq!(info.metadata["alert_id"], "a1");
    }
}
