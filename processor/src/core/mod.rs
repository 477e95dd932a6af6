//! The rules of alerts: `evolve` folds events into state, `decide` turns a command into an event or a
//! rejection. No I/O, no clock, no randomness, not async.
//!
//! Invariant: the same events give the same state, wherever and whenever they are folded (P4).

pub(crate) mod commands;
mod deadlines;
mod evolve;
mod filter;
mod rules;
mod state;

#[cfg(test)]
mod tests;

use sos_proto::alert::v1::Alert;
use sos_proto::event::v1::ResponseStatus;

pub(crate) use deadlines::unheard;
pub use deadlines::{Deadlines, EscalationRule};
pub(crate) use evolve::evolve;
pub(crate) use filter::Filter;
pub use rules::{PriorityRule, Rules};
pub(crate) use state::{
    AlertView, CommandKind, Opening, PointEntry, PointNumber, Registration, STATE_SCHEMA, SiteEntry, State,
};

/// The units that are on their way to an alert or at work there.
fn busy_units(alert: &Alert) -> impl Iterator<Item = &str> {
    alert.responses.iter().filter(|r| !is_over(r.status())).map(|r| r.unit_id.as_str())
}

/// A unit that is cleared or withdrawn has no more part in an alert.
fn is_over(status: ResponseStatus) -> bool {
    matches!(status, ResponseStatus::Cleared | ResponseStatus::Withdrawn)
}
