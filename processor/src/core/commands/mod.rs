//! What operators may do to an alert: `decide(alert, command) -> event | rejection`. One file per command.
//! None of these rules depends on the time.

mod acknowledge;
mod add_note;
mod declare_actual;
mod dispatch;
mod erase;
mod escalate;
mod reopen;
mod resolve;
mod shelve;
mod transfer;
mod update_response;

use sos_proto::alert::v1::{Alert, AlertState};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{Disposition, ResponseStatus};
use sos_proto::time::Timestamp;

use super::state::CommandKind;

/// Longest text of an operator, in characters.
pub(crate) const NOTE_CHARS_MAX: usize = 2_000;

/// Most responses of one alert.
pub(crate) const RESPONSES_MAX: usize = 256;

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
    /// Send a unit.
    Dispatch {
        /// The unit.
        unit_id: String,
    },
    /// Report the progress of a unit.
    UpdateResponse {
        /// The unit.
        unit_id: String,
        /// Where it is now; behind DISPATCHED.
        status: ResponseStatus,
    },
    /// Ask for more help.
    Escalate {
        /// At most [`NOTE_CHARS_MAX`] characters.
        reason: String,
    },
    /// Hand it over.
    Transfer {
        /// Who owns it from then on.
        to_operator: String,
    },
    /// Open it again.
    Reopen {
        /// At most [`NOTE_CHARS_MAX`] characters.
        note: String,
    },
    /// Say that it is no exercise.
    DeclareActual {
        /// At most [`NOTE_CHARS_MAX`] characters.
        reason: String,
    },
    /// Erase what is personal in it.
    Erase {
        /// 1 to [`NOTE_CHARS_MAX`] characters.
        reason: String,
    },
    /// Put it aside.
    Shelve {
        /// 1 to [`NOTE_CHARS_MAX`] characters.
        reason: String,
        /// Until when, in microseconds.
        until: i64,
    },
    /// Take it back.
    Unshelve,
}

impl Action {
    /// Which kind of command this is.
    pub(crate) fn kind(&self) -> CommandKind {
        match self {
            Self::Acknowledge => CommandKind::Acknowledge,
            Self::AddNote { .. } => CommandKind::Note,
            Self::Resolve { .. } => CommandKind::Resolve,
            Self::Dispatch { .. } => CommandKind::Dispatch,
            Self::UpdateResponse { .. } => CommandKind::UpdateResponse,
            Self::Escalate { .. } => CommandKind::Escalate,
            Self::Transfer { .. } => CommandKind::Transfer,
            Self::Reopen { .. } => CommandKind::Reopen,
            Self::DeclareActual { .. } => CommandKind::DeclareActual,
            Self::Erase { .. } => CommandKind::Erase,
            Self::Shelve { .. } => CommandKind::Shelve,
            Self::Unshelve => CommandKind::Unshelve,
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
    /// It is open.
    #[error("it is not closed")]
    NotClosed,
    /// The new owner is the old one.
    #[error("that operator owns it already")]
    SameOwner,
    /// It cannot rise any more.
    #[error("it has the highest level")]
    HighestLevel,
    /// The unit was sent already.
    #[error("the unit is still on its way or at work")]
    UnitBusy,
    /// As many units were sent as an alert can hold (P10).
    #[error("no more than {RESPONSES_MAX} units can be sent to one alert")]
    TooManyUnits,
    /// Nobody sent the unit.
    #[error("the unit was not sent")]
    UnitNotSent,
    /// The unit is cleared or withdrawn.
    #[error("the unit is cleared or withdrawn: send it again")]
    UnitDone,
    /// The unit has reported this, or more.
    #[error("the unit is there already, or further")]
    UnitFurther,
    /// It is in earnest.
    #[error("it is no exercise and no test")]
    Actual,
    /// Only technical alerts can be put aside.
    #[error("only technical alerts can be shelved")]
    NotTechnical,
    /// It is not put aside.
    #[error("it is not shelved")]
    NotShelved,
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
        Action::Dispatch { unit_id } => dispatch::decide(alert, actor, unit_id),
        Action::UpdateResponse { unit_id, status } => update_response::decide(alert, unit_id, *status),
        Action::Escalate { reason } => escalate::decide(alert, reason),
        Action::Transfer { to_operator } => transfer::decide(alert, actor, to_operator),
        Action::Reopen { note } => reopen::decide(alert, note),
        Action::DeclareActual { reason } => declare_actual::decide(alert, reason),
        Action::Erase { reason } => erase::decide(alert, reason),
        Action::Shelve { reason, until } => shelve::shelve(alert, reason, *until),
        Action::Unshelve => shelve::unshelve(alert),
    }
}

/// What only the owner of an open alert may do.
fn owned(alert: &Alert, actor: &str) -> Result<(), Rejection> {
    match alert.state() {
        AlertState::Acknowledged if alert.owner == actor => Ok(()),
        AlertState::Acknowledged => Err(Rejection::new(Refusal::NotOwner, alert)),
        AlertState::Resolved => Err(Rejection::new(Refusal::Closed, alert)),
        AlertState::Raised | AlertState::Unspecified => Err(Rejection::new(Refusal::NotTaken, alert)),
    }
}
