//! What an operator wants of an alert, and what became of it.

use sos_proto::alert::v1::{Alert, AlertState};
use sos_proto::event::v1::{Disposition, ResponseStatus};
use sos_proto::time::Timestamp;

use crate::words;

/// A command to an alert, without the request id: the shell names it, once for all repeats.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub alert_id: String,
    /// What the operator saw, where that decides.
    pub expected_revision: Option<u64>,
    pub command: Command,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    Acknowledge,
    Dispatch { unit_id: String },
    Progress { unit_id: String, status: ResponseStatus },
    Note { note: String },
    Transfer { to_operator: String },
    Escalate { reason: String },
    Resolve { disposition: Disposition, note: String },
    Reopen { note: String },
    DeclareActual { reason: String },
    Shelve { reason: String, until: Timestamp },
    Unshelve,
}

impl Command {
    /// What it did, in words.
    pub fn done(&self) -> String {
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
