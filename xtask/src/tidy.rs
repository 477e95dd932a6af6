//! `cargo xtask tidy`: the rules of the house, each a function from the tree to its findings.
//!
//! Changes nothing. Invariant: every rule sees the same files, and all findings are shown before it fails.

mod citations;
mod headers;
mod imports;
mod leftovers;
mod named;
mod places;
mod rooms;
mod rust;
mod sizes;
mod tree;

use std::fmt;

use anyhow::{Result, bail};

use tree::File;

type Rule = fn(&[File]) -> Vec<Finding>;

const RULES: [Rule; 8] = [
    imports::check,
    rooms::check,
    headers::check,
    sizes::check,
    citations::check,
    places::check,
    leftovers::check,
    named::check,
];

/// Checks the files of the repository, and fails if a rule finds anything.
pub(crate) fn run() -> Result<()> {
    let files = tree::read()?;
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&files)).collect();
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => bail!("1 finding"),
        count => bail!("{count} findings"),
    }
}

/// A broken rule, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    /// From 1.
    line: usize,
    message: String,
}

impl Finding {
    fn new(file: &File, line: usize, message: impl Into<String>) -> Self {
        Self { path: file.path.clone(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The findings of one rule over a few files, as they are printed.
    pub(super) fn findings(rule: Rule, files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<File> = files.iter().map(|(path, text)| File::new(path, *text)).collect();
        rule(&files).iter().map(Finding::to_string).collect()
    }
}
