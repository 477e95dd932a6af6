//! The tester's call points: recorded calls replayed ([`replay`]), and a town that never sleeps ([`demo`]).
//!
//! They know only the wire: MQTT 5 topics and bodies of `sos-proto`. Nothing here sees a gateway, a log or
//! an alert. A press that found no answer is repeated under its first number, as firmware should (P2).

pub mod calls;
mod clock;
pub mod config;
pub mod demo;
mod device;
mod message;
mod numbering;
mod progress;
pub mod replay;
mod retry;
mod telemetry;

pub use progress::{Bar, Progress, Quiet};

/// Recorded calls of Montgomery County, Pennsylvania; see `data/README.md` for their licence.
pub const EMERGENCY_CALLS: &str = include_str!("../data/emergency-calls.csv");
