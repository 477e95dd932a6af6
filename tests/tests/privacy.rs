//! Personal data can be erased although the log cannot be changed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use sos_tests::mqtt::publish_acknowledged;
use sos_tests::server::{sos, stderr, stdout};
use sos_tests::{Server, eventually};

const NOTE: &str = "Ayana Serikova is bleeding";
const LATER: &str = "her mother is on the way";

/// Whether any file below a directory holds a text.
fn holds(dir: &Path, text: &str) -> bool {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = std::fs::read(&path).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

fn done(args: &[&str]) -> String {
    let output = sos(args);
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

// P11: what was erased is nowhere any more, the others' is still there, and the log verifies.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_is_nowhere_and_the_log_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Server::up(&data, &[]).await;
    let press = |note: &str| {
        format!(r#"{{"press":{{"note":"{note}"}},"location":{{"latitude":43.2,"longitude":76.9}}}}"#)
    };
    publish_acknowledged(server.mqtt_port(), "sos/v1/hall/door/event", &press(NOTE));
    publish_acknowledged(server.mqtt_port(), "sos/v1/hall/gate/event", &press("another one"));
    let alerts = eventually("both are there", async || {
        let alerts = server.list().await;
        (alerts.len() == 2).then_some(alerts)
    })
    .await;
    let id = |device: &str| alerts.iter().find(|alert| alert.device_id == device).unwrap().alert_id.clone();
    let (alert_id, grpc) = (id("door"), server.address("grpc").to_owned());
    let access = ["--grpc", &grpc, "--as", "asel"];
    let order = |order: &[&str]| done(&[&["alerts"], order, &access[..]].concat());
    order(&["ack", &alert_id]);
    order(&["note", &alert_id, LATER]);
    let shown = |alert_id: &str| done(&["alerts", "show", alert_id, "--format", "json", "--grpc", &grpc]);
    assert!(shown(&alert_id).contains(NOTE) && shown(&alert_id).contains(LATER));
    let erase = ["privacy", "erase", "--alert", &alert_id, "--reason", "asked for", "--grpc", &grpc];
    assert!(stderr(&sos(&erase)).contains("it is not closed"), "who is on the way needs it");
    order(&["resolve", &alert_id, "--disposition", "genuine"]);
    assert!(!holds(&data.join("segments"), NOTE), "never in the log in the clear");
    done(&erase);
    let after = shown(&alert_id);
    assert!(!after.contains(NOTE) && !after.contains(LATER) && !after.contains("43.2"), "{after}");
    assert!(after.contains("asked for"));
    assert!(shown(&id("gate")).contains("another one") && shown(&id("gate")).contains("43.2"));

    assert_eq!(server.terminate().await.0, Some(0));
    for text in [NOTE, LATER] {
        assert!(!holds(&data, text), "{text:?} is still somewhere");
    }
    let data = data.to_str().unwrap();
    done(&["log", "verify", "--data", data]);
    let server = Server::up(Path::new(data), &[]).await;
    let grpc = server.address("grpc");
    let after = done(&["alerts", "show", &alert_id, "--format", "json", "--grpc", grpc]);
    assert!(!after.contains(NOTE) && after.contains(r#""erased":true"#), "{after}");
    let other = done(&["alerts", "show", &id("gate"), "--format", "json", "--grpc", grpc]);
    assert!(other.contains("another one"));

    // What came after the erasure stays, over restarts too.
    let access = ["--grpc", grpc, "--as", "asel"];
    done(&[&["alerts", "reopen", &alert_id], &access[..]].concat());
    done(&[&["alerts", "note", &alert_id, "a new note"], &access[..]].concat());
    publish_acknowledged(server.mqtt_port(), "sos/v1/hall/door/event", &press("and a new press"));
    assert_eq!(server.terminate().await.0, Some(0));
    let server = Server::up(Path::new(data), &[]).await;
    let grpc = server.address("grpc");
    let after = done(&["alerts", "show", &alert_id, "--format", "json", "--grpc", grpc]);
    assert!(after.contains("a new note") && after.contains("and a new press"), "{after}");
    assert!(!after.contains(NOTE));
}

// Bytes that cannot be read may say anything of anybody.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_sealed_too() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::up(dir.path(), &[]).await;
    let broken = format!(r#"{{"press":{{"note":"{NOTE}""#);
    publish_acknowledged(server.mqtt_port(), "sos/v1/hall/door/event", &broken);
    let alert_id = server.list().await.remove(0).alert_id;
    let shown = done(&["alerts", "show", &alert_id, "--format", "json", "--grpc", server.address("grpc")]);
    assert!(shown.contains("payload"), "who may see it does: {shown}");
    assert_eq!(server.terminate().await.0, Some(0));
    assert!(!holds(&dir.path().join("segments"), NOTE));
}
