//! `cargo xtask bench`: what the log and live alerts cost on this machine.
//!
//! Measures nothing itself. Invariant: a release build is measured, and all output is shown as it comes.

use anyhow::Result;

use crate::console;
use crate::process::{cargo, run as execute};

const LOG: [&str; 7] = ["run", "--release", "--locked", "-p", "sos-eventlog", "--example", "ratios"];

const ALERTS: [&str; 7] = ["run", "--release", "--locked", "-p", "sos-processor", "--example", "costs"];

const BINARY: [&str; 5] = ["build", "--release", "--locked", "-p", "sos"];

const SYSTEM: [&str; 7] = ["run", "--release", "--locked", "-p", "sos-simulator", "--example", "system"];

const SECURITY: [&str; 7] = ["run", "--release", "--locked", "-p", "sos-tests", "--example", "security"];

/// Runs all benches, one after the other.
pub(crate) fn all() -> Result<()> {
    log(&["--events", "10000000"])?;
    alerts(&[])?;
    system()?;
    security()?;
    console::bench()
}

/// Runs the costs of security, and what the gateway bears.
pub(crate) fn security() -> Result<()> {
    execute(&mut cargo(&BINARY))?;
    execute(&mut cargo(&SECURITY))
}

/// Runs the whole system beside others that are installed here.
pub(crate) fn system() -> Result<()> {
    execute(&mut cargo(&BINARY))?;
    execute(&mut cargo(&SYSTEM))
}

/// Runs the costs of live alerts; `arguments` are theirs.
pub(crate) fn alerts(arguments: &[&str]) -> Result<()> {
    execute(cargo(&ALERTS).arg("--").args(arguments))
}

/// Runs the ratios of the log; `arguments` are theirs.
pub(crate) fn log(arguments: &[&str]) -> Result<()> {
    execute(cargo(&LOG).arg("--").args(arguments))
}
