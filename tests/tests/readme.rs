//! The newcomer's transcript: every shell command of README.md, as written, in its order. A command that is new there runs
//! here as well, and fails this test if it does not end well or says nothing.
//!
//! Three things are not as the newcomer has them. `cargo run --release --` runs the binary that is built already, and
//! `cargo xtask test` is not run inside itself: the first would cost minutes, the second has no end. The folder is a new one
//! with everything of the repository in it, so that the data is nobody's. And the default ports are those of a network of its
//! own, where the system gives one (`unshare`); elsewhere they have to be free.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use portable_pty::CommandBuilder;
use serde_json::Value;
use sos_tests::mqtt::Killed;
use sos_tests::server::{binary, stderr, stdout};
use sos_tests::terminal::Terminal;
use sos_tests::{DEADLINE, eventually};

/// Set where the commands run.
const INSIDE: &str = "SOS_README_INSIDE";

/// What stands in the README for the id of an alert that one sees.
const PLACEHOLDER: &str = "ALERT_ID";

/// Stands in for cargo. What it does not know is not among the commands that a README shows.
const CARGO: &str = r#"#!/bin/sh
case "$*" in
"run --release -- "*) shift 3; exec "$SOS_BINARY" "$@" ;;
"xtask test") grep '^xtask = ' .cargo/config.toml ;;
*) echo "no command of a README: cargo $*" >&2; exit 64 ;;
esac
"#;

/// What commands print, where more is known than that they print something; by their beginning behind `--`.
const PRINTS: [(&str, &str); 12] = [
    ("alerts list", "school-7/gym"),
    ("alerts ack", "ACKNOWLEDGED"),
    ("alerts resolve", "RESOLVED"),
    ("sites put", "School 12"),
    ("devices put", "school-12/hall-1"),
    ("sites import", "3 registered"),
    ("devices import", "registered"),
    ("windows start", "EXERCISE until"),
    ("log tail", "school-12/hall-1: press"),
    ("log verify", "nothing changed, removed"),
    ("log backup", "sos-backup"),
    ("simulate replay", "2308"),
];

/// Commands that go on until they are stopped, and what they have shown by then.
const ENDLESS: [(&str, &str); 2] = [("alerts watch", "kindergarten-5/kitchen"), ("log tail", "hall-1")];

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_readme_does_what_it_says() {
    let is_inside = std::env::var_os(INSIDE).is_some();
    let up = ["-rn", "ip", "link", "set", "lo", "up"];
    let has_network = Command::new("unshare").args(up).output().is_ok_and(|tried| tried.status.success());
    if is_inside || !has_network {
        return transcript().await;
    }
    let this = std::env::current_exe().unwrap();
    let inside = Command::new("unshare")
        .args(["-rn", "sh", "-c", "ip link set lo up && exec \"$0\" --nocapture"])
        .arg(this)
        .env(INSIDE, "1")
        .output()
        .unwrap();
    assert!(inside.status.success(), "{}\n{}", stdout(&inside), stderr(&inside));
}

async fn transcript() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let newcomer = Newcomer::in_a_clone_of(root);
    let commands = commands(&readme);
    let (first, others) = commands.split_first().expect("README.md shows a command");
    let _server = newcomer.serve(first).await;
    let mut alert_id = None;
    for command in others {
        let command = if command.contains(PLACEHOLDER) {
            let shown = alert_id.get_or_insert_with(|| newcomer.alert_to_take());
            command.replace(PLACEHOLDER, shown)
        } else {
            command.clone()
        };
        newcomer.types(&command).await;
    }
    let pressed = newcomer.alerts().into_iter().find(|alert| alert["siteId"] == "school-12").unwrap();
    assert_eq!(pressed["status"], "ALERT_STATUS_EXERCISE", "{pressed}");
}

/// The lines of all blocks of shell commands.
fn commands(readme: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut is_inside = false;
    for line in readme.lines() {
        match line.trim() {
            "```sh" => is_inside = true,
            "```" => is_inside = false,
            line if is_inside && !line.is_empty() => commands.push(line.to_owned()),
            _ => {}
        }
    }
    commands
}

/// The part of a command that `sos` gets.
fn arguments(command: &str) -> &str {
    command.split_once("-- ").map_or("", |(_, arguments)| arguments)
}

fn known(table: &[(&'static str, &'static str)], command: &str) -> Option<&'static str> {
    let fits = |(begin, _): &&(&str, &'static str)| arguments(command).starts_with(begin);
    table.iter().find(fits).map(|(_, prints)| *prints)
}

/// Somebody in a clone of their own, with the commands in their path.
struct Newcomer {
    clone: tempfile::TempDir,
}

impl Newcomer {
    fn in_a_clone_of(root: &Path) -> Self {
        let clone = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(root).unwrap() {
            let entry = entry.unwrap();
            if !["target", "sos-data", ".git"].iter().any(|name| entry.file_name() == *name) {
                symlink(entry.path(), clone.path().join(entry.file_name())).unwrap();
            }
        }
        let (folder, cargo) = (clone.path().join("path"), clone.path().join("path/cargo"));
        std::fs::create_dir(folder).unwrap();
        std::fs::write(&cargo, CARGO).unwrap();
        std::fs::set_permissions(cargo, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { clone }
    }

    /// A shell with this line.
    fn shell(&self, line: &str) -> Command {
        let mut shell = Command::new("bash");
        shell.args(["-c", line]).current_dir(self.clone.path()).stdin(Stdio::null());
        shell.env("SOS_BINARY", binary()).env("PATH", self.path());
        shell
    }

    fn path(&self) -> String {
        format!("{}:{}", self.folder("path").display(), std::env::var("PATH").unwrap())
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.clone.path().join(name)
    }

    /// What goes on in the background, until it has shown this.
    async fn runs(&self, command: &str, shown: &[&str]) -> Killed {
        let log = self.folder("output");
        let output = std::fs::File::create(&log).unwrap();
        let errors = output.try_clone().unwrap();
        // Its only process, so that it is what is stopped.
        let mut child =
            Killed(self.shell(&format!("exec {command}")).stdout(output).stderr(errors).spawn().unwrap());
        eventually(&format!("{command} shows {shown:?}"), async || {
            let text = std::fs::read_to_string(&log).unwrap();
            let ended = child.0.try_wait().unwrap();
            assert!(ended.is_none(), "{command} ended with {ended:?}: {text}");
            shown.iter().all(|shown| text.contains(shown)).then_some(())
        })
        .await;
        child
    }

    async fn serve(&self, command: &str) -> Killed {
        let server = self.runs(command, &["console: http://127.0.0.1:8080", "demo: "]).await;
        eventually("the town has opened", async || {
            self.alerts().iter().any(|alert| alert["note"] == "LOST").then_some(())
        })
        .await;
        server
    }

    /// Types one of the other commands.
    async fn types(&self, command: &str) {
        let is_known = ["cargo run --release -- ", "cargo xtask ", "mosquitto_pub "];
        assert!(is_known.iter().any(|known| command.starts_with(known)), "how is this to be run: {command}");
        if arguments(command).starts_with("console") {
            return self.looks_at(command).await;
        }
        if let Some(shown) = known(&ENDLESS, command) {
            let mut endless = self.runs(command, &[shown]).await;
            return stopped(command, &mut endless.0).await;
        }
        let output = self.shell(command).output().unwrap();
        let (out, errors) = (stdout(&output), stderr(&output));
        assert!(output.status.success(), "{command}: {}\n{out}{errors}", output.status);
        let is_silent = command.starts_with("mosquitto_pub ");
        assert!(is_silent || !out.is_empty(), "{command} prints nothing");
        let prints = known(&PRINTS, command).unwrap_or_default();
        assert!(out.contains(prints), "{command} does not print {prints:?}:\n{out}{errors}");
    }

    /// Types a command that takes the terminal, looks at the list, and quits.
    async fn looks_at(&self, command: &str) {
        let mut shell = CommandBuilder::new("bash");
        shell.args(["-c", command]);
        shell.cwd(self.clone.path());
        shell.env("SOS_BINARY", binary());
        shell.env("PATH", self.path());
        let console = Terminal::open(shell);
        console.shows(&["LIVE", "Школа"]).await;
        assert_eq!(console.quit().await, 0, "{command}");
    }

    /// The newest press that waits.
    fn alert_to_take(&self) -> String {
        let waits =
            |alert: &Value| alert["state"] == "ALERT_STATE_RAISED" && alert["kind"] == "ALERT_KIND_PRESS";
        let alert = self.alerts().into_iter().find(waits).expect("a press that waits");
        alert["alertId"].as_str().unwrap().to_owned()
    }

    /// All alerts, newest first.
    fn alerts(&self) -> Vec<Value> {
        let output = self.shell("cargo run --release -- alerts list --format json").output().unwrap();
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// As Ctrl-C does it.
async fn stopped(command: &str, child: &mut Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let ended =
        eventually(&format!("{command} ends within {DEADLINE:?}"), async || child.try_wait().unwrap()).await;
    assert!(ended.success(), "{command}: {ended}");
}

#[test]
fn blocks_of_other_languages_are_no_commands() {
    let readme = "a\n```json\n{}\n```\n```sh\none  # comment\n\ntwo\n```\n```\nplain\n```\n";
    assert_eq!(commands(readme), ["one  # comment", "two"]);
}
