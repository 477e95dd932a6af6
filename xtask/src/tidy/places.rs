//! The repository works anywhere: no file names a folder of one machine or a registry of one network.

use super::Finding;
use super::rust::is_word;
use super::tree::{File, numbered};

/// Folders of a single machine. In pieces, so that this file keeps its own rule.
const MACHINE_PATHS: [&str; 2] = [concat!("/", "work/"), concat!("/", "root/")];

/// The one source of packages that a lock file may record.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Absolute paths of one machine, and registries other than the public default, are findings.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let lines = files.iter().flat_map(|file| numbered(&file.text).map(move |(n, line)| (file, n, line)));
    lines
        .filter_map(|(file, number, line)| {
            let path = MACHINE_PATHS.iter().find(|path| names(line, path));
            let message = match path {
                Some(path) => format!("names {path}, a folder of one machine"),
                None if names_registry(&file.path, line) => "names a package registry".to_owned(),
                None => return None,
            };
            Some(Finding::new(file, number, message))
        })
        .collect()
}

/// Whether an absolute path begins here; `docs` before the slash would make it a relative one.
fn names(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|c| is_word(c) || matches!(c, '.' | '-' | '/' | '}' | '*'))
    })
}

fn names_registry(path: &str, line: &str) -> bool {
    let line = line.trim();
    match path.rsplit('/').next().unwrap_or(path) {
        "Cargo.lock" => line.starts_with("source = ") && !line.contains(CRATES_IO),
        "package-lock.json" => line.starts_with("\"resolved\":"),
        ".npmrc" => line.contains("registry"),
        "config.toml" if path.contains(".cargo/") => {
            line.contains("registr") || line.contains("replace-with") || line.starts_with("[source")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::findings;
    use super::*;

    #[test]
    fn a_path_of_one_machine_is_found() {
        for path in MACHINE_PATHS {
            let text = format!("first\nsee {path}x\nhttps://example.org{path} and a{path}\n");
            assert_eq!(
                findings(check, &[("docs/a.md", &text)]),
                [format!("docs/a.md:2: names {path}, a folder of one machine")]
            );
        }
    }

    #[test]
    fn a_registry_of_one_network_is_found() {
        let files = [
            ("Cargo.lock", "source = \"sparse+https://example.org/index/\"\n"),
            ("proto/package-lock.json", "\"resolved\": \"https://example.org/x.tgz\",\n"),
            (".cargo/config.toml", "[source.crates-io]\n"),
            (".npmrc", "registry=https://example.org/\n"),
        ];
        let found = findings(check, &files);
        assert_eq!(found.len(), files.len(), "{found:?}");
    }

    #[test]
    fn the_public_default_is_none() {
        let lock = format!("source = \"{CRATES_IO}\"\n");
        let config = "[alias]\nxtask = \"run --package xtask --\"\n";
        assert_eq!(findings(check, &[("Cargo.lock", &lock), (".cargo/config.toml", config)]), [""; 0]);
    }
}
