//! Mistakes of newcomers: each is answered in a line or two that say what happened and what to do, and leaves nothing behind.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use sos_tests::authority::Authority;
use sos_tests::mqtt::Killed;
use sos_tests::server::{binary, stderr, stdout};
use sos_tests::{Server, eventually};
use tempfile::{TempDir, tempdir};

/// Somebody in an empty directory.
struct Newcomer(TempDir);

impl Newcomer {
    fn new() -> Self {
        Self(tempdir().expect("a directory"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn types(&self, args: &[&str]) -> Output {
        let mut command = Command::new(binary());
        command.args(args).current_dir(self.path()).stdin(Stdio::null()).output().expect("sos runs")
    }

    /// The command fails, and its complaint has all of these.
    fn is_told(&self, args: &[&str], words: &[&str]) {
        let output = self.types(args);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {told}{}", stdout(&output));
        assert!(told.lines().count() <= 2, "{args:?}: {told}");
        for word in words {
            assert!(told.contains(word), "{args:?} does not say {word:?}: {told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named_with_the_flag_for_another() {
    let newcomer = Newcomer::new();
    let server = Server::up(&newcomer.path().join("first"), &[]).await;
    for (name, flag) in [("mqtt", "--mqtt"), ("grpc", "--grpc"), ("http", "--http")] {
        let mut args = vec!["up", "--data", "second"];
        for other in ["--mqtt", "--grpc", "--http"] {
            args.extend([other, if other == flag { server.address(name) } else { "127.0.0.1:0" }]);
        }
        let choose = format!("choose another with {flag}");
        newcomer
            .is_told(&args, &[server.address(name), "Address already in use", "stop what uses it", &choose]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_data_is_told_so() {
    let newcomer = Newcomer::new();
    let _server = Server::up(&newcomer.path().join("sos-data"), &[]).await;
    let free = ["--mqtt", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"];
    let told = ["--data sos-data", "in use by another process", "stop it"];
    newcomer.is_told(&[&["up"], &free[..]].concat(), &told);
    newcomer.is_told(&["log", "verify", "--data", "sos-data"], &["in use by another process", "--grpc"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_tls_is_not_asked_without() {
    let (newcomer, authority) = (Newcomer::new(), Authority::new());
    let config = authority.config("none", "token", "");
    let server = authority.up(&newcomer.path().join("data"), &config).await;
    newcomer.is_told(&["alerts", "list", "--grpc", server.address("grpc")], &["TLS", "--ca FILE"]);
}

#[test]
fn a_log_is_not_made_by_looking_for_it() {
    let newcomer = Newcomer::new();
    for args in [
        &["log", "verify"][..],
        &["log", "info"],
        &["log", "tail"],
        &["log", "export"],
        &["log", "backup", "copy"],
        &["log", "archive", "old", "--before", "10"],
    ] {
        let told = ["no event log in sos-data", "`sos up`"];
        newcomer.is_told(&[args, &["--data", "sos-data"]].concat(), &told);
    }
    newcomer.is_told(&["log", "restore", "copy", "--data", "new"], &["no event log in copy"]);
    newcomer.is_told(&["log", "import", "export.jsonl", "--data", "new"], &["failed to read export.jsonl"]);
    let left: Vec<_> = std::fs::read_dir(newcomer.path()).expect("the directory").collect();
    assert!(left.is_empty(), "{left:?}");
}

// `sos up 2>&1 | head`
#[tokio::test(flavor = "multi_thread")]
async fn a_server_goes_on_where_nobody_reads_what_it_says() {
    let newcomer = Newcomer::new();
    let free = ["--mqtt", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"];
    let mut server = Command::new(binary())
        .args([&["up", "--ports-file", "ports.json"], &free[..]].concat())
        .current_dir(newcomer.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map(Killed)
        .expect("sos starts");
    drop((server.0.stdout.take(), server.0.stderr.take()));
    let ports = newcomer.path().join("ports.json");
    eventually("the server is ready", async || ports.exists().then_some(())).await;
    // It says that it is stopping.
    let id = server.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
    let ended = eventually("the server ends", async || server.0.try_wait().expect("its state")).await;
    assert_eq!(ended.code(), Some(0));
}

#[test]
fn where_no_server_runs_its_command_is_named() {
    let newcomer = Newcomer::new();
    // Nobody listens on the port of discarded bytes.
    let nowhere = ["--grpc", "127.0.0.1:9"];
    for args in [
        &["alerts", "list"][..],
        &["alerts", "watch"],
        &["sites", "list"],
        &["simulate", "fleet", "prankster"],
    ] {
        newcomer.is_told(&[args, &nowhere].concat(), &["nobody answers at 127.0.0.1:9", "`sos up`"]);
    }
    newcomer.is_told(&[&["log", "verify"], &nowhere[..]].concat(), &["`sos up`", "--data DIR"]);
    newcomer.is_told(&["console"], &["needs a terminal", "`sos alerts watch`"]);
    std::fs::write(
        newcomer.path().join("calls.csv"),
        "latitude,longitude,category,called_at,township,place\n1,1,EMS: A,2016-01-15 12:00,X,ONE\n",
    )
    .expect("a file");
    let replay = ["simulate", "replay", "calls.csv", "--mqtt", "127.0.0.1:9", "--give-up", "0"];
    let told = stderr(&newcomer.types(&replay));
    assert!(told.contains("no broker answers at 127.0.0.1:9") && told.contains("`sos up`"), "{told}");
}

#[test]
fn a_configuration_that_cannot_be_is_told_with_its_key() {
    let newcomer = Newcomer::new();
    let write = |name: &str, text: &str| std::fs::write(newcomer.path().join(name), text).expect("a file");
    write("key.toml", "[mqtt]\nlitsen = \"127.0.0.1:0\"\n");
    write("kind.toml", "mqtt = 3\n");
    write("data", "");
    let lists = "`sos config show` lists every key";
    newcomer.is_told(&["up", "--config", "key.toml"], &["litsen", "\"mqtt.litsen\"", "key.toml", lists]);
    newcomer.is_told(&["up", "--config", "kind.toml"], &["\"mqtt\"", "kind.toml", lists]);
    newcomer.is_told(&["up", "--config", "none.toml"], &["--config: none.toml is no file"]);
    newcomer.is_told(&["up", "--mqtt", "nowhere"], &["mqtt.listen", "no host:port"]);
    newcomer.is_told(&["up", "--data", "data"], &["--data data", "cannot use"]);
}
