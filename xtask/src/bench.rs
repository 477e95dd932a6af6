//! `cargo xtask bench log`: what the log costs on this machine.
//!
//! Measures nothing itself. Invariant: a release build is measured, and all output is shown as it comes.

use anyhow::Result;

use crate::process::{cargo, run as execute};

const LOG: [&str; 7] = ["run", "--release", "--locked", "-p", "sos-eventlog", "--example", "ratios"];

/// Runs the ratios of the log; `arguments` are theirs.
pub(crate) fn log(arguments: &[&str]) -> Result<()> {
    execute(cargo(&LOG).arg("--").args(arguments))
}
