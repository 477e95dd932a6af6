//! What operators may do to an alert: `decide(alert, command) -> event | rejection`. One file per command.
//! None of these rules depends on the time.

mod acknowledge;
mod add_note;
mod resolve;

use sos_proto::alert::v1::{Alert, AlertState};
use sos_proto::event::v1::Disposition;
use sos_proto::event::v1::event::Body;
use sos_proto::time::Timestamp;

use super::state::CommandKind;

/// Longest text of an operator, in characters.
pub(crate) const NOTE_CHARS_MAX: usize = 2_000;

/// What an operator wants done to an alert; texts and values were checked at the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Take it.
    Acknowledge,
    /// Write something down.
    AddNote {
        /// 1 to [`NOTE_CHARS_MAX`] characters.
        note: String,
    },
    /// Close it.
    Resolve {
        /// What it turned out to be; never unspecified.
        disposition: Disposition,
        /// At most [`NOTE_CHARS_MAX`] characters.
        note: String,
    },
}

impl Action {
    /// Which kind of command this is.
    pub(crate) fn kind(&self) -> CommandKind {
        match self {
            Self::Acknowledge => CommandKind::Acknowledge,
            Self::AddNote { .. } => CommandKind::Note,
            Self::Resolve { .. } => CommandKind::Resolve,
        }
    }
}

/// Why the alert's state does not allow a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// Somebody has taken it.
    #[error("it is taken already")]
    AlreadyTaken,
    /// It is closed.
    #[error("it is closed")]
    Closed,
    /// Nobody has taken it yet.
    #[error("it must be acknowledged first")]
    NotTaken,
    /// Only its owner may do this.
    #[error("only its owner may do this")]
    NotOwner,
}

/// What who comes second is told about the alert (P6).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standing {
    /// The alert.
    pub alert_id: String,
    /// Its revision.
    pub revision: u64,
    /// Where it is in its life.
    pub state: AlertState,
    /// Who owns it; empty for nobody.
    pub owner: String,
    /// When it was last taken.
    pub acknowledged_at: Option<Timestamp>,
}

impl Standing {
    /// How an alert stands.
    pub(crate) fn of(alert: &Alert) -> Self {
        Self {
            alert_id: alert.alert_id.clone(),
            revision: alert.revision,
            state: alert.state(),
            owner: alert.owner.clone(),
            acknowledged_at: alert.acknowledged_at,
        }
    }
}

/// A command that the alert's state does not allow.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rejection {
    /// Why.
    pub refusal: Refusal,
    /// How the alert stands.
    pub standing: Standing,
}

impl Rejection {
    fn new(refusal: Refusal, alert: &Alert) -> Self {
        Self { refusal, standing: Standing::of(alert) }
    }
}

/// The event that a command leaves in the log.
pub(crate) fn decide(alert: &Alert, actor: &str, action: &Action) -> Result<Body, Rejection> {
    match action {
        Action::Acknowledge => acknowledge::decide(alert),
        Action::AddNote { note } => Ok(add_note::decide(note)),
        Action::Resolve { disposition, note } => resolve::decide(alert, actor, *disposition, note),
    }
}
