//! Documents name files that exist.
//!
//! A name counts if it stands between back quotes and begins with one of our folders; what is shorter is left to the reader.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::{File, numbered};

/// A path in a document that leads to no file and no folder is a finding.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let paths: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let folders: BTreeSet<&str> =
        files.iter().map(File::folder).filter(|folder| !folder.is_empty()).collect();
    let documents = files.iter().filter(|file| file.path.ends_with(".md"));
    let lines =
        documents.flat_map(|file| numbered(&file.text).map(move |(number, line)| (file, number, line)));
    lines
        .flat_map(|(file, number, line)| {
            line.split('`').skip(1).step_by(2).map(move |name| (file, number, name))
        })
        .filter(|(.., name)| is_path(name, &folders) && !leads_somewhere(name, &paths))
        .map(|(file, number, name)| Finding::new(file, number, format!("{name} does not exist")))
        .collect()
}

fn is_path(name: &str, folders: &BTreeSet<&str>) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    name.chars().all(plain) && name.split_once('/').is_some_and(|(folder, _)| folders.contains(folder))
}

fn leads_somewhere(name: &str, paths: &BTreeSet<&str>) -> bool {
    let folder = format!("{}/", name.trim_end_matches('/'));
    paths.contains(name)
        || paths.range(folder.as_str()..).next().is_some_and(|path| path.starts_with(&folder))
}

#[cfg(test)]
mod tests {
    use super::super::tests::findings;
    use super::*;

    #[test]
    fn a_name_of_a_file_that_is_gone_is_found() {
        let text = "`gateway/src/lib.rs`, `gateway/src/`, `gateway/src`, `gateway/src/gone.rs`\nsee gateway/none.rs, `gone/x.rs`,\n\
                    `cargo run`, `sos/v1/{site}` and `gateway/sr`\n";
        let files = [("gateway/src/lib.rs", "//! A.\n"), ("docs/a.md", text)];
        assert_eq!(
            findings(check, &files),
            ["docs/a.md:1: gateway/src/gone.rs does not exist", "docs/a.md:3: gateway/sr does not exist"]
        );
    }
}
