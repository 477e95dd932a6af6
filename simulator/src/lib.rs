//! The tester's instrument: virtual call points under load ([`load`]) and in
//! scenarios ([`fleet`]), recorded calls ([`replay`]), a town that never sleeps
//! ([`demo`]), and the proof afterwards ([`verify`]).
//!
//! It knows only the wire: MQTT topics and bodies, and gRPC as an operator and an auditor use it. A press that
//! found no answer is repeated under its first number, as firmware should (P2).

mod button;
pub mod calls;
pub mod capture;
mod clock;
pub mod config;
pub mod demo;
mod device;
pub mod faults;
pub mod fleet;
pub mod ledger;
pub mod load;
mod message;
mod numbering;
pub mod peers;
mod progress;
pub mod proxy;
mod recorder;
pub mod replay;
pub mod report;
pub mod rerun;
mod retry;
mod session;
pub mod siege;
mod system;
mod telemetry;
pub mod verify;
mod wire;

pub use progress::{Bar, Progress, Quiet, count_bar};
pub use recorder::Count;
pub use session::SessionError;
pub use system::SystemError;

/// Recorded calls of Montgomery County, Pennsylvania; see `data/README.md` for their licence.
#[cfg(test)]
const EMERGENCY_CALLS: &str = include_str!("../data/emergency-calls.csv");
