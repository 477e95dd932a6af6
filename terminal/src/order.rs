//! What an operator wants of an alert, and what became of it.

use std::time::Duration;

use sos_proto::alert::v1::{Alert, AlertState};
use sos_proto::event::v1::{Disposition, ResponseStatus};
use sos_proto::time::Timestamp;

use crate::words;

/// A command to an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Which alert.
    pub alert_id: String,
    /// P6: names it, once for all repeats.
    pub request_id: String,
    /// It was sent before under this request id, and no answer came.
    pub is_repeat: bool,
    /// What the operator saw, where that decides.
    pub expected_revision: Option<u64>,
    /// What is to be done.
    pub command: Command,
}

/// What is to be done. Names and texts are in the limits of the contract, which the server holds.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "what the fields are is in the contract")]
pub enum Command {
    /// Take it.
    Acknowledge,
    /// Send a unit.
    Dispatch { unit_id: String },
    /// Report where a unit is.
    Progress { unit_id: String, status: ResponseStatus },
    /// Write something down.
    Note { note: String },
    /// Hand it over.
    Transfer { to_operator: String },
    /// Ask for more help.
    Escalate { reason: String },
    /// Close it.
    Resolve { disposition: Disposition, note: String },
    /// Open it again.
    Reopen { note: String },
    /// It is no exercise and no test.
    DeclareActual { reason: String },
    /// Put it aside for so long, which is until then.
    Shelve { reason: String, length: Duration, until: Timestamp },
    /// Take it back.
    Unshelve,
}

impl Command {
    /// Whether an operator who says both says the same thing twice.
    pub(crate) fn is_again(&self, other: &Self) -> bool {
        match (self, other) {
            // It ends later only because it is said later.
            (Self::Shelve { reason, length, .. }, Self::Shelve { reason: other, length: as_long, .. }) => {
                (reason, length) == (other, as_long)
            }
            _ => self == other,
        }
    }

    /// What it did, in words.
    pub(crate) fn done(&self) -> String {
        match self {
            Self::Acknowledge => "is yours".to_owned(),
            Self::Dispatch { unit_id } => format!("{} is sent", words::plain(unit_id)),
            Self::Progress { unit_id, status } => {
                let status = words::short(status.as_str_name(), "RESPONSE_STATUS_");
                format!("{} is {status}", words::plain(unit_id))
            }
            Self::Note { .. } => "noted".to_owned(),
            Self::Transfer { to_operator } => format!("is {}'s", words::plain(to_operator)),
            Self::Escalate { .. } => "escalated".to_owned(),
            Self::Resolve { .. } => "resolved".to_owned(),
            Self::Reopen { .. } => "open again, and yours".to_owned(),
            Self::DeclareActual { .. } => "declared actual".to_owned(),
            Self::Shelve { .. } => "shelved".to_owned(),
            Self::Unshelve => "back from the shelf".to_owned(),
        }
    }
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is done; the alert after it.
    Done(Box<Alert>),
    /// The server does not do it.
    Refused(Refusal),
    /// No answer came in time: whether it took effect is not known.
    Unknown(String),
}

/// Why an order is refused.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Refusal {
    pub reason: String,
    /// P6: where the alert is and who has it since when, if that is why.
    pub standing: Option<Standing>,
    /// The alert has changed since the operator looked.
    pub is_stale: bool,
}

/// How an alert stood when an order was refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    pub state: AlertState,
    /// Empty: nobody.
    pub owner: String,
    pub since: Option<Timestamp>,
}
