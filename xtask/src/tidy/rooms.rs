//! Libraries that stay in their room, so that each can be replaced by changing one place.

use std::collections::BTreeMap;

use super::Finding;
use super::rust::{has_word, is_word};
use super::tree::{File, numbered};

/// Libraries, and the paths below which their names may be used.
const ROOMS: [(&str, &[&str]); 2] = [
    ("sled", &["eventlog/src/store.rs", "eventlog/src/store/"]),
    ("rmqtt", &["gateway/src/embedded.rs", "gateway/src/embedded/"]),
];

/// Used in one file of a crate's `src` at most; its tests may play the other side.
const ONE_FILE_A_CRATE: &str = "rumqttc";

/// Libraries, and the crates that may depend on them.
const CRATES: [(&str, &[&str]); 3] =
    [("sled", &["eventlog"]), ("rmqtt", &["gateway"]), ("rumqttc", &["gateway", "simulator"])];

/// What the wire crate must not even mention.
const NOT_IN_PROTO: [&str; 2] = ["tokio", "sled"];

/// Libraries used outside their room are findings.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = outside(files);
    findings.extend(scattered(files));
    findings.extend(depended_on(files));
    findings.extend(in_proto(files));
    findings
}

fn depended_on(files: &[File]) -> Vec<Finding> {
    let manifests = files.iter().filter(|file| file.path.split('/').nth(1) == Some("Cargo.toml"));
    let lines =
        manifests.flat_map(|file| numbered(&file.text).map(move |(number, line)| (file, number, line)));
    let named = lines.flat_map(|(file, number, line)| {
        let libraries = CRATES.into_iter().filter(|(library, _)| has_word(line, library));
        libraries.filter(|(_, crates)| !crates.contains(&file.folder())).map(move |(library, crates)| {
            Finding::new(file, number, format!("{library} belongs in {}", crates.join(" and ")))
        })
    });
    named.collect()
}

fn outside(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (library, room) in ROOMS {
        for file in files.iter().filter(|file| !room.iter().any(|place| file.path.starts_with(place))) {
            if let Some(line) = first_use(file, library) {
                let message = format!("{library} belongs in {}", room.join(" or "));
                findings.push(Finding::new(file, line, message));
            }
        }
    }
    findings
}

fn scattered(files: &[File]) -> Vec<Finding> {
    let mut users: BTreeMap<&str, Vec<(&File, usize)>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.path.contains("/src/")) {
        if let Some(line) = first_use(file, ONE_FILE_A_CRATE) {
            users.entry(file.folder()).or_default().push((file, line));
        }
    }
    users
        .into_iter()
        .filter(|(folder, users)| users.len() > clients_max(folder))
        .flat_map(|(folder, users)| {
            let (used, most) = (users.len(), clients_max(folder));
            let message = format!("{ONE_FILE_A_CRATE} is used in {used} files of {folder}, at most {most}");
            users.into_iter().map(move |(file, line)| Finding::new(file, line, message.clone()))
        })
        .collect()
}

/// The simulator has a client like those in the field, and a lean one that does not measure itself.
fn clients_max(folder: &str) -> usize {
    if folder == "simulator" { 2 } else { 1 }
}

fn in_proto(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.folder() == "proto") {
        let text = match file.path.as_str() {
            "proto/Cargo.toml" => &file.text,
            _ => &file.code,
        };
        for (number, line) in numbered(text) {
            for word in NOT_IN_PROTO.iter().filter(|word| has_word(line, word)) {
                findings.push(Finding::new(file, number, format!("proto must not mention {word}")));
            }
        }
    }
    findings
}

/// The first line whose code names a library.
fn first_use(file: &File, library: &str) -> Option<usize> {
    numbered(&file.code).find(|(_, code)| names(code, library)).map(|(number, _)| number)
}

/// `sled::…` or `use sled`, but not `store::sled::…`, which is a module of ours.
fn names(code: &str, library: &str) -> bool {
    let imported = [";", " as "].iter().any(|end| code.contains(&format!("use {library}{end}")));
    imported
        || code.match_indices(&format!("{library}::")).any(|(at, _)| {
            let before = code.get(..at).unwrap_or_default();
            let before = before.strip_suffix("::").unwrap_or(before);
            !before.chars().next_back().is_some_and(|c| is_word(c) || c == '>')
        })
}

#[cfg(test)]
mod tests {
    use super::super::tests::findings;
    use super::*;

    #[test]
    fn a_library_outside_its_room_is_found() {
        let files = [
            ("eventlog/src/store/sled.rs", "//! A.\nuse sled::Db;\n"),
            ("eventlog/src/lib.rs", "//! sled::Db\nuse crate::store::sled::SledStore;\n"),
            ("gateway/src/lib.rs", "//! A.\nfn f() -> ::sled::Result<()> {}\nuse rmqtt::Hook;\n"),
            ("gateway/src/embedded/hook.rs", "//! A.\nuse rmqtt::Hook;\n"),
            ("sos/src/main.rs", "//! A.\nuse sled;\n"),
        ];
        assert_eq!(
            findings(check, &files),
            [
                "gateway/src/lib.rs:2: sled belongs in eventlog/src/store.rs or eventlog/src/store/",
                "sos/src/main.rs:2: sled belongs in eventlog/src/store.rs or eventlog/src/store/",
                "gateway/src/lib.rs:3: rmqtt belongs in gateway/src/embedded.rs or gateway/src/embedded/"
            ]
        );
    }

    #[test]
    fn a_crate_that_depends_on_what_is_not_its_own_is_found() {
        let files = [
            ("eventlog/Cargo.toml", "[dependencies]\nsled.workspace = true\n"),
            ("processor/Cargo.toml", "[dependencies]\nsled.workspace = true\n"),
            ("tests/Cargo.toml", "[dev-dependencies]\nmqtt = { package = \"rumqttc\" }\n"),
            ("Cargo.toml", "[workspace.dependencies]\nsled = \"0.34\"\n"),
        ];
        assert_eq!(
            findings(check, &files),
            [
                "processor/Cargo.toml:2: sled belongs in eventlog",
                "tests/Cargo.toml:2: rumqttc belongs in gateway and simulator"
            ]
        );
    }

    #[test]
    fn a_library_in_two_files_of_a_crate_is_found() {
        let files = [
            "gateway/src/external.rs",
            "tests/src/client.rs",
            "tests/src/press.rs",
            "gateway/tests/broker.rs",
        ];
        let files = files.map(|path| (path, "//! A.\nuse rumqttc::v5::AsyncClient;\n"));
        assert_eq!(
            findings(check, &files),
            [
                "tests/src/client.rs:2: rumqttc is used in 2 files of tests, at most 1",
                "tests/src/press.rs:2: rumqttc is used in 2 files of tests, at most 1"
            ]
        );
    }

    #[test]
    fn a_runtime_in_proto_is_found() {
        let files = [
            ("proto/Cargo.toml", "[dependencies]\ntokio.workspace = true\n"),
            ("proto/src/lib.rs", "//! No tokio.\n"),
        ];
        assert_eq!(findings(check, &files), ["proto/Cargo.toml:2: proto must not mention tokio"]);
    }
}
