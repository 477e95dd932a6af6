//! `cargo xtask mutants`: whether the tests notice when what decides decides otherwise.
//!
//! Holds no list of files: `.cargo/mutants.toml` does. Invariant: a mutant that lives and that `docs/testing.md`
//! does not name is an error.

use std::fs;
use std::io::ErrorKind;

use anyhow::{Context as _, Result, bail};

use crate::process::{cargo, succeeds};

/// Where `cargo-mutants` leaves its results, in `mutants.out`.
const RESULTS: &str = "target/mutants";

/// Names the mutants that live, each with its reason.
const DOCUMENT: &str = "docs/testing.md";

/// A mutant that makes the tests go on for ever is caught after so many seconds.
const TEST_SECONDS_MIN: &str = "60";

/// Cases of each random test while most mutants are caught; those that live meet all of them.
const CASES: &str = "16";

/// Mutates these files, or all that decide. Works on a copy of the tree.
pub(crate) fn run(files: &[&str]) -> Result<()> {
    if !succeeds(&mut cargo(&["mutants", "--version"])) {
        bail!("cargo-mutants is not there: cargo install --locked cargo-mutants");
    }
    println!("== unit tests against every mutant");
    mutate(files, &["--cargo-arg=--lib"], CASES)?;
    println!("== all tests of the package against those that live");
    mutate(files, &["--iterate"], "256")?;
    judge(&lines("missed.txt")?)
}

/// Each mutant meets only the tests of its own package.
fn mutate(files: &[&str], arguments: &[&str], cases: &str) -> Result<()> {
    let mut mutants = cargo(&["mutants", "--workspace", "--jobs=1", "--output", RESULTS]);
    mutants.args(["--minimum-test-timeout", TEST_SECONDS_MIN]).args(arguments).env("PROPTEST_CASES", cases);
    if !files.is_empty() {
        mutants.arg("--no-config");
    }
    for file in files {
        mutants.args(["--file", file]);
    }
    let status = mutants.status().context("cannot start cargo-mutants")?;
    match status.code() {
        // 2: some live, 3: some make the tests go on for ever.
        Some(0 | 2 | 3) => Ok(()),
        _ => bail!("cargo-mutants ended with {status}"),
    }
}

fn lines(name: &str) -> Result<Vec<String>> {
    let path = format!("{RESULTS}/mutants.out/{name}");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).context(path),
    }
}

fn judge(alive: &[String]) -> Result<()> {
    let document = fs::read_to_string(DOCUMENT).context(DOCUMENT)?;
    let unknown: Vec<_> = alive.iter().filter(|mutant| !document.contains(&row(mutant))).collect();
    for mutant in &unknown {
        println!("alive: {mutant}");
    }
    match unknown.len() {
        0 => Ok(()),
        some => bail!("{some} mutants live that {DOCUMENT} does not name"),
    }
}

/// How the table of the document begins the row of `file:line:column: what is done`. Lines come and go.
fn row(mutant: &str) -> String {
    let mut parts = mutant.splitn(4, ':');
    let file = parts.next().unwrap_or_default();
    let what = parts.nth(2).unwrap_or_default().trim().replace('|', "\\|");
    format!("| `{file}` | `{what}` |")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_names_file_and_change_and_no_line() {
        assert_eq!(
            row("auth/src/role.rs:37:9: replace Role::as_str -> &'static str with \"\""),
            "| `auth/src/role.rs` | `replace Role::as_str -> &'static str with \"\"` |"
        );
        assert_eq!(row("a.rs:1:2: replace || with && in f"), "| `a.rs` | `replace \\|\\| with && in f` |");
    }
}
