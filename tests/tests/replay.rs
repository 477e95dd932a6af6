//! Recorded emergency calls through the whole system, also when it is killed meanwhile.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use sos_tests::mqtt::Killed;
use sos_tests::server::{binary, sos, stderr, stdout};
use sos_tests::{Server, eventually, free_port};

const CALLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../simulator/data/emergency-calls.csv");

/// Rows of the file.
const ROWS: usize = 2_308;

/// What numbers a press: call point, boot id, sequence.
fn number(recorded: &Value) -> Option<[String; 4]> {
    recorded.pointer("/event/press")?;
    let text = |at: &str| recorded.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    let names = ["siteId", "deviceId", "origin/bootId", "origin/sequence"];
    Some(names.map(|name| text(&format!("/event/{name}"))))
}

/// P2: every row of the file is in the log exactly once.
fn assert_each_once(log: &[Value]) {
    let presses: Vec<_> = log.iter().filter_map(number).collect();
    assert_eq!(presses.len(), ROWS);
    assert_eq!(presses.iter().collect::<HashSet<_>>().len(), ROWS);
}

fn replay(port: u16) -> std::process::Output {
    sos(&["simulate", "replay", CALLS, "--mqtt", &format!("127.0.0.1:{port}"), "--speed", "0"])
}

const ALL: &str = "published 2308 acknowledged 2308 failed 0";

// P2: published = acknowledged = in the log once = in the alerts once; the same run again adds nothing.
#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_there_once_and_the_same_run_adds_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::up(data.path(), &[]).await;
    let replayed = replay(server.mqtt_port());
    assert_eq!(stdout(&replayed).trim(), ALL, "{}", stderr(&replayed));
    let log = server.export();
    assert_each_once(&log);
    let presses = async || server.list().await.iter().map(|a| a.press_count).sum::<u64>();
    assert_eq!(presses().await, ROWS as u64);

    assert_eq!(stdout(&replay(server.mqtt_port())).trim(), ALL);
    assert_eq!(server.export(), log);
    assert_eq!(presses().await, ROWS as u64);
}

fn start_replay(port: u16) -> Killed {
    let mqtt = format!("127.0.0.1:{port}");
    let child = Command::new(binary())
        .args(["simulate", "replay", CALLS, "--mqtt", &mqtt, "--speed", "0"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    Killed(child.unwrap())
}

/// Kills the server once the log has reached so many events.
async fn kill_at(server: Server, position: usize) {
    let grpc = server.address("grpc").to_owned();
    eventually("the replay has come so far", async || {
        let info = sos(&["log", "info", "--format", "json", "--grpc", &grpc]);
        let info: Value = serde_json::from_slice(&info.stdout).ok()?;
        (info.get("position")?.as_u64()? >= position as u64).then_some(())
    })
    .await;
    server.kill();
}

async fn up_on(data: &Path, port: u16) -> Server {
    let data = data.to_str().unwrap();
    let mqtt = format!("127.0.0.1:{port}");
    Server::start(&["up", "--data", data, "--mqtt", &mqtt, "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"])
        .await
}

// P1, P2: killed again and again in the middle of a replay that goes on by itself, nothing acknowledged is lost
// and nothing is doubled.
#[tokio::test(flavor = "multi_thread")]
async fn kill_minus_nine_loses_nothing_and_doubles_nothing() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut server = up_on(data.path(), port).await;
    let mut replay = start_replay(port);
    for round in 1..=5 {
        kill_at(server, round * 350).await;
        let verified = sos(&["log", "verify", "--data", data.path().to_str().unwrap()]);
        assert!(verified.status.success(), "{}", stderr(&verified));
        server = up_on(data.path(), port).await;
    }
    let status = eventually("the replay ends", async || replay.0.try_wait().unwrap()).await;
    assert!(status.success());
    let mut summary = String::new();
    std::io::Read::read_to_string(&mut replay.0.stdout.take().unwrap(), &mut summary).unwrap();
    assert_eq!(summary.trim(), ALL);
    assert_each_once(&server.export());
    assert_eq!(server.list().await.iter().map(|a| a.press_count).sum::<u64>(), ROWS as u64);
    let verified = sos(&["log", "verify", "--grpc", server.address("grpc")]);
    assert!(verified.status.success(), "{}", stderr(&verified));
}
