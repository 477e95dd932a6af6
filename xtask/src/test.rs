//! `cargo xtask test`: everything that has to pass before a change is done, in order.
//!
//! Holds no rule of its own. Invariant: a step that fails ends the run and is named; none is left out
//! without a line that says so.

use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::process::{cargo, command, run as execute, succeeds};
use crate::{console, tidy, tools};

type Step = (&'static str, fn() -> Result<()>);

const STEPS: [Step; 8] = [
    ("requirements", tools::provide),
    ("fmt", fmt),
    ("tidy", tidy::run),
    ("clippy", clippy),
    ("buf lint", buf_lint),
    ("test", test),
    ("console", console::test),
    ("supply chain", supply_chain),
];

/// Runs every step.
pub(crate) fn run() -> Result<()> {
    run_steps(&STEPS)
}

fn run_steps(steps: &[Step]) -> Result<()> {
    for (name, step) in steps {
        println!("== {name}");
        let started = Instant::now();
        step().with_context(|| format!("step {name:?} failed"))?;
        println!("== {name}: {:.1} s", started.elapsed().as_secs_f64());
    }
    Ok(())
}

fn fmt() -> Result<()> {
    execute(&mut cargo(&["fmt", "--all", "--check"]))
}

fn clippy() -> Result<()> {
    execute(&mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
}

fn buf_lint() -> Result<()> {
    let npm = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    execute(command("npm", &npm).current_dir("proto"))?;
    execute(command("npx", &["--no-install", "buf", "lint"]).current_dir("proto"))
}

/// The binary first: the end-to-end tests start it, and `cargo test` alone does not build it for them.
fn test() -> Result<()> {
    execute(&mut cargo(&["build", "--locked", "-p", "sos"]))?;
    execute(&mut cargo(&["test", "--workspace", "--locked"]))
}

/// Fetches first: the licences of all platforms are checked, and a build downloads only those of its own.
/// Shows errors only, so that the last lines of the tests stay in sight.
fn supply_chain() -> Result<()> {
    if !succeeds(&mut cargo(&["deny", "--version"])) {
        println!(
            "cargo-deny is not installed: licences and advisories not checked (cargo install cargo-deny)"
        );
        return Ok(());
    }
    execute(&mut cargo(&["fetch", "--locked", "--quiet"]))?;
    let check = ["deny", "--offline", "--log-level", "error", "check", "licenses", "bans", "sources"];
    execute(&mut cargo(&check))?;
    if !succeeds(&mut cargo(&["deny", "--log-level", "off", "fetch", "db"])) {
        println!("the advisory database cannot be had: known vulnerabilities not checked");
        return Ok(());
    }
    execute(&mut cargo(&["deny", "--offline", "--log-level", "error", "check", "advisories"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_ends_the_run_and_is_named() {
        let steps: [Step; 3] =
            [("one", || Ok(())), ("two", || anyhow::bail!("broken")), ("three", || panic!("must not run"))];
        let error = run_steps(&steps).unwrap_err();
        assert_eq!(format!("{error:#}"), "step \"two\" failed: broken");
    }
}
