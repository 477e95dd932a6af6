//! Turns the event log into live alerts and serves the operator contract over gRPC.
//!
//! Data moves one way: the log is followed and folded into state by a pure core; queries and watches read
//! that state; commands are decided against it and appended to the log, and are seen once they come back
//! from there. Nothing here talks to a device or keeps anything on disk.
//!
//! Invariant: state changes only by folding durable events in the order of the log (P4, P5).

mod commands;
mod config;
mod core;
mod cors;
mod deadlines;
mod erasure;
mod head;
mod live;
mod on_duty;
mod processor;
mod registrar;
mod service;
mod snapshot;
mod telemetry;
mod timeline;

pub use config::Config;
pub use core::{Deadlines, EscalationRule, PriorityRule, Rules};
pub use live::FollowError;
pub use processor::{Error, Processor};
