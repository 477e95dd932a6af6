//! Which of our crates may import which: data moves one way, and nothing downstream is called from upstream.
//!
//! Reads each crate's `Cargo.toml`, which is enough: what is not a dependency cannot be imported. The table
//! holds for ordinary, build and test dependencies alike.

use super::Finding;
use super::tree::{File, numbered};

/// Crate folders, and the packages of ours that each may depend on.
const MAY_IMPORT: [(&str, &[&str]); 12] = [
    ("proto", &[]),
    ("auth", &["sos-proto"]),
    ("eventlog", &["sos-proto"]),
    ("privacy", &["sos-proto", "sos-eventlog"]),
    ("gateway", &["sos-proto", "sos-auth", "sos-eventlog"]),
    ("processor", &["sos-proto", "sos-auth", "sos-eventlog"]),
    ("simulator", &["sos-proto"]),
    ("console", &["sos-proto"]),
    ("terminal", &["sos-proto"]),
    (
        "sos",
        &[
            "sos-proto",
            "sos-auth",
            "sos-privacy",
            "sos-eventlog",
            "sos-gateway",
            "sos-processor",
            "sos-simulator",
            "sos-console",
            "sos-terminal",
        ],
    ),
    (
        "tests",
        &[
            "sos-proto",
            "sos-auth",
            "sos-privacy",
            "sos-eventlog",
            "sos-gateway",
            "sos-processor",
            "sos-simulator",
            "sos-console",
            "sos-terminal",
            "sos",
        ],
    ),
    ("xtask", &[]),
];

/// Dependencies outside the table, and crates that the table does not know, are findings.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    files
        .iter()
        .filter(|file| file.path.split('/').nth(1) == Some("Cargo.toml"))
        .flat_map(check_crate)
        .collect()
}

fn check_crate(file: &File) -> Vec<Finding> {
    let folder = file.folder();
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == folder) else {
        return vec![Finding::new(file, 1, format!("crate {folder} is not in the import table"))];
    };
    let mut section = String::new();
    let mut findings = Vec::new();
    for (number, line) in numbered(&file.text) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(header) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            header.clone_into(&mut section);
        }
        let Some(package) = ours(&section, line) else { continue };
        if !allowed.contains(&package) {
            let message = format!("{folder} must not import {package} ([{section}])");
            findings.push(Finding::new(file, number, message));
        }
    }
    findings
}

/// The package of ours that a line makes a dependency: `sos-x.workspace = true`, `x = { package = "sos-x" }`,
/// `[dependencies.sos-x]`.
fn ours<'a>(section: &str, line: &'a str) -> Option<&'a str> {
    if !section.contains("dependencies") {
        return None;
    }
    let renamed = line.split_once("package").and_then(|(_, tail)| tail.split('"').nth(1));
    let named = match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
        Some(header) => header.rsplit('.').next(),
        None => line.split(['.', '=', ' ']).next(),
    };
    [renamed, named]
        .into_iter()
        .flatten()
        .map(|name| name.trim_matches('"'))
        .find(|name| *name == "sos" || name.starts_with("sos-"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::findings;
    use super::*;

    #[test]
    fn an_import_outside_the_table_is_found() {
        let gateway = "[package]\nname = \"sos-gateway\"\n[dependencies]\nsos-proto.workspace = true\n\
                       sos-processor.workspace = true\nlog = { package = \"sos-console\", path = \"x\" }\n";
        let simulator = "[dev-dependencies]\nsos-eventlog = { workspace = true }\n";
        let proto = "[target.'cfg(unix)'.dependencies.sos-tests]\npath = \"../tests\"\n";
        let files = [
            ("gateway/Cargo.toml", gateway),
            ("simulator/Cargo.toml", simulator),
            ("proto/Cargo.toml", proto),
            ("extra/Cargo.toml", ""),
        ];
        assert_eq!(
            findings(check, &files),
            [
                "gateway/Cargo.toml:5: gateway must not import sos-processor ([dependencies])",
                "gateway/Cargo.toml:6: gateway must not import sos-console ([dependencies])",
                "simulator/Cargo.toml:2: simulator must not import sos-eventlog ([dev-dependencies])",
                "proto/Cargo.toml:1: proto must not import sos-tests \
                 ([target.'cfg(unix)'.dependencies.sos-tests])",
                "extra/Cargo.toml:1: crate extra is not in the import table"
            ]
        );
    }

    #[test]
    fn an_import_inside_the_table_is_none() {
        let sos =
            "[package]\nname = \"sos\"\n[dependencies]\nsos-gateway.workspace = true\nsos-proto = \"1\"\n";
        let root = "[workspace.dependencies]\nsos-tests = { path = \"tests\" }\n";
        assert_eq!(findings(check, &[("sos/Cargo.toml", sos), ("Cargo.toml", root)]), [""; 0]);
    }
}
