//! `cargo xtask soak`: the random tests, for long enough to find what is rare.
//!
//! Holds no test of its own. Invariant: the first test that fails ends it; the test has printed its seed.

use anyhow::Result;

use crate::process::{cargo, run as execute};

/// How often the log is killed.
const KILL_ROUNDS: &str = "50";

/// Random histories that are held against the model.
const HISTORIES: &str = "2000";

/// How long each reader of what strangers send is fed with random bytes.
const FUZZ_SECONDS: &str = "300";

/// Runs all of them, built for release: the time goes into the log and not into the checks of a debug build.
pub(crate) fn run() -> Result<()> {
    println!("== kill -9: {KILL_ROUNDS} rounds");
    test("kill", "SOS_KILL_ROUNDS", KILL_ROUNDS)?;
    println!("== random histories: {HISTORIES}");
    test("model", "SOS_HISTORIES", HISTORIES)?;
    println!("== random bytes: {FUZZ_SECONDS} s for each reader");
    let arguments =
        ["test", "--release", "--locked", "-p", "sos-tests", "--test", "fuzz", "--", "--nocapture"];
    execute(cargo(&arguments).env("SOS_FUZZ_SECONDS", FUZZ_SECONDS))
}

/// The examples first: `cargo test --test` builds none, and the kill test starts one.
fn test(name: &str, variable: &str, value: &str) -> Result<()> {
    execute(&mut cargo(&["build", "--release", "--locked", "-p", "sos-eventlog", "--examples"]))?;
    let arguments =
        ["test", "--release", "--locked", "-p", "sos-eventlog", "--test", name, "--", "--nocapture"];
    execute(cargo(&arguments).env(variable, value))
}
