//! The text files of the repository: those that git tracks, and new ones that it does not ignore.
//!
//! Judges nothing. Invariant: paths are relative to the root, with `/`, in git's order.

use std::io::ErrorKind;

use anyhow::{Context as _, Result};

use super::rust;
use crate::process::{command, output};

/// A text file.
pub(super) struct File {
    /// Relative to the root.
    pub(super) path: String,
    /// All of it.
    pub(super) text: String,
    /// Of Rust source, its code; otherwise empty.
    pub(super) code: String,
    /// Of Rust source, its comments; otherwise empty.
    pub(super) comments: String,
}

impl File {
    /// A file with its text.
    pub(super) fn new(path: &str, text: impl Into<String>) -> Self {
        let text = text.into();
        let parts = if path.ends_with(".rs") { rust::split(&text) } else { rust::Parts::default() };
        Self { path: path.to_owned(), text, code: parts.code, comments: parts.comments }
    }

    /// Whether it is Rust source.
    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The top-level folder, which is the crate; empty for a file at the root.
    pub(super) fn folder(&self) -> &str {
        self.path.split_once('/').map_or("", |(folder, _)| folder)
    }
}

/// Lines with their numbers, from 1.
pub(super) fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines())
}

/// Reads the tree. Files that are no UTF-8 are left out.
pub(super) fn read() -> Result<Vec<File>> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let paths = output(&mut command("git", &list))?;
    let mut files = Vec::new();
    for path in paths.split_terminator('\0') {
        let bytes = match std::fs::read(path) {
            // Deleted, but git has not been told yet.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            read => read.with_context(|| format!("cannot read {path}"))?,
        };
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(File::new(path, text));
        }
    }
    Ok(files)
}
