//! `cargo xtask soak`: the random tests, for long enough to find what is rare, and a night of the whole system.
//!
//! Holds no test of its own. Invariant: the first test that fails ends it; the test has printed its seed.

use anyhow::{Context as _, Result, ensure};

use crate::process::{cargo, command, run as execute};

/// Runs the program behind it with as many open files as this user may have: every call point is a connection.
const WITH_FILES: &str = r#"ulimit -n "$(ulimit -Hn)" && exec "${CARGO:-cargo}" "$@""#;

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

/// A night of so many minutes. The built page is in the binary, and the packages of its tests beside it.
pub(crate) fn night(minutes: &str) -> Result<()> {
    let count: u64 = minutes.parse().context("--minutes")?;
    ensure!(count > 0, "--minutes: a night takes at least one");
    execute(&mut cargo(&["build", "--release", "--locked", "-p", "sos"]))?;
    let run = ["run", "--release", "--locked", "-p", "sos-tests", "--example", "soak", "--", minutes];
    execute(&mut command("sh", &[&["-c", WITH_FILES, "sh"], &run[..]].concat()))
}

/// The examples first: `cargo test --test` builds none, and the kill test starts one.
fn test(name: &str, variable: &str, value: &str) -> Result<()> {
    execute(&mut cargo(&["build", "--release", "--locked", "-p", "sos-eventlog", "--examples"]))?;
    let arguments =
        ["test", "--release", "--locked", "-p", "sos-eventlog", "--test", name, "--", "--nocapture"];
    execute(cargo(&arguments).env(variable, value))
}
