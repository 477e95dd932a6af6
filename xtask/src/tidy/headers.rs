//! Every Rust file says first what it is.

use super::Finding;
use super::tree::File;

/// A file without a `//!` header at its very beginning is a finding.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    files
        .iter()
        .filter(|file| file.is_rust() && !file.text.starts_with("//! "))
        .map(|file| Finding::new(file, 1, "does not open with a `//!` header"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::findings;
    use super::*;

    #[test]
    fn a_file_without_a_header_is_found() {
        let files = [("a.rs", "//! A.\n"), ("b.rs", "use x;\n//! B.\n"), ("c.rs", ""), ("d.toml", "x = 1\n")];
        assert_eq!(
            findings(check, &files),
            ["b.rs:1: does not open with a `//!` header", "c.rs:1: does not open with a `//!` header"]
        );
    }
}
