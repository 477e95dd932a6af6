//! Birth, last will, and the end of the process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use sos_tests::mqtt::{Connection, Killed, publish, publish_acknowledged};
use sos_tests::server::{sos, stderr};
use sos_tests::{Server, eventually};

const STATE: &str = "sos/v1/school-12/hall-1/state";

/// What the log says of call points that came and went: the boot id and which of both.
fn presence(log: &[Value]) -> Vec<(String, &'static str)> {
    let what = |event: &Value| match (event.get("deviceOnline"), event.get("deviceOffline")) {
        (Some(_), _) => Some("online"),
        (_, Some(_)) => Some("offline"),
        _ => None,
    };
    let events = log.iter().filter_map(|recorded| recorded.get("event"));
    let boot_id = |event: &Value| event.pointer("/origin/bootId")?.as_str().map(str::to_owned);
    events.filter_map(|event| Some((boot_id(event)?, what(event)?))).collect()
}

/// A device that stays connected and leaves a last will.
fn connect(port: u16, boot_id: &str) -> Killed {
    let will = format!(r#"{{"online":false,"bootId":"{boot_id}"}}"#);
    Command::new("mosquitto_sub")
        .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-i", &format!("hall-1-{boot_id}"), "-t"])
        .args(["sos/v1/school-12/hall-1/feedback", "--will-topic", STATE, "--will-payload", &will])
        .args(["--will-qos", "1", "--will-retain"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .map(Killed)
        .unwrap()
}

// P9: a last will is an event, and a late one never ends a newer connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_last_will_does_not_end_a_newer_run() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::up(data.path(), &[]).await;
    let port = server.mqtt_port();
    let first = connect(port, "boot-1");
    let birth = |boot_id: &str| format!(r#"{{"online":true,"bootId":"{boot_id}","firmware":"1.0"}}"#);
    publish_acknowledged(port, STATE, &birth("boot-1"));
    publish_acknowledged(port, STATE, &birth("boot-1"));
    // The call point starts again before its broker has noticed that the old connection is dead.
    let second = connect(port, "boot-2");
    publish_acknowledged(port, STATE, &birth("boot-2"));
    drop(first);
    drop(second);

    let expected = [("boot-1", "online"), ("boot-2", "online"), ("boot-2", "offline")];
    let expected = expected.map(|(boot_id, what)| (boot_id.to_owned(), what));
    let seen = eventually("the last will of the second run", async || {
        let seen = presence(&server.export());
        seen.iter().any(|(_, what)| *what == "offline").then_some(seen)
    })
    .await;
    assert_eq!(seen, expected);
}

// P9: a call point that comes back on a new connection before the old one is gone stays online, also where it
// did not start again and so has the same boot id.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_will_of_a_connection_that_was_taken_over_says_nothing() {
    const TAKEOVERS: u64 = 50;
    let data = tempfile::tempdir().unwrap();
    let server = Server::up(data.path(), &[]).await;
    let mut connections = Vec::new();
    for _ in 0..=TAKEOVERS {
        let will = r#"{"online":false,"bootId":"boot"}"#;
        let mut connection = Connection::open(server.mqtt_port(), "hall-1", STATE, will);
        connection.publish(STATE, r#"{"online":true,"bootId":"boot"}"#);
        connections.push(connection);
    }
    let all = TAKEOVERS + 1 + TAKEOVERS;
    eventually("every birth and every will", async || (server.messages() >= all).then_some(())).await;
    let seen = presence(&server.export());
    assert_eq!(seen.last(), Some(&("boot".to_owned(), "online")), "{seen:?}");
    // The last connection has not been taken over: its will counts.
    drop(connections);
    eventually("the last will that counts", async || {
        presence(&server.export()).last().filter(|(_, what)| *what == "offline").map(|_| ())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_will_outside_the_scheme_is_refused_at_connect() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::up(data.path(), &[]).await;
    for topic in ["sos/v1/school-12/hall-1/event", "sos/v1/school-12/hall-1/feedback", "elsewhere"] {
        let args = ["-m", "{}", "--will-topic", topic, "--will-payload", "{}"];
        let refused = publish(server.mqtt_port(), STATE, &args);
        assert!(!refused.status.success(), "{topic}");
    }
    assert_eq!(server.export(), Vec::<Value>::new());
}

// P1: a stop drains and ends in time, with a watcher attached; what was acknowledged is there.
#[tokio::test(flavor = "multi_thread")]
async fn sigterm_drains_and_exits_zero() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::up(data.path(), &[]).await;
    let port = server.mqtt_port();
    let device = connect(port, "boot-1");
    let mut console = server.alerts().await;
    let _watch = console.watch_alerts(sos_proto::alert::v1::WatchAlertsRequest::default()).await.unwrap();
    publish_acknowledged(port, "sos/v1/school-12/hall-1/event", r#"{"press":{}}"#);
    let (code, took) = server.terminate().await;
    assert_eq!(code, Some(0));
    // Real time is the subject here.
    assert!(took < Duration::from_secs(5), "{took:?}");
    drop(device);
    let verified = sos(&["log", "verify", "--data", data.path().to_str().unwrap()]);
    assert!(verified.status.success(), "{}", stderr(&verified));
}
