//! The same promises with a real Mosquitto between device and gateway.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use serde_json::{Value, json};
use sos_proto::alert::v1::AlertKind;
use sos_tests::mqtt::{Listener, Mosquitto, publish, publish_acknowledged};
use sos_tests::server::{sos, stderr, stdout};
use sos_tests::{Server, eventually};
use tempfile::TempDir;

const EVENT: &str = "sos/v1/clinic-3/ward-7/event";

fn body(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A gateway without a broker of its own.
async fn up(data: &Path, broker: &Mosquitto) -> Server {
    let config = data.join("sos.toml");
    let text = format!("[mqtt]\nembedded = false\nexternal.address = \"127.0.0.1:{}\"\n", broker.port);
    std::fs::write(&config, text).unwrap();
    let data = data.join("data");
    let (config, data) = (config.to_str().unwrap(), data.to_str().unwrap());
    let args = ["up", "--config", config, "--data", data, "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"];
    // Ready means subscribed: a shared subscription holds nothing back for a session that does not exist yet.
    Server::start(&args).await
}

fn scratch() -> (TempDir, TempDir) {
    (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap())
}

// P1, P2: the receipt comes over the external broker, a repeat is answered with the first, the lamp follows.
#[tokio::test(flavor = "multi_thread")]
async fn a_press_over_mosquitto_is_recorded_answered_and_shown() {
    let (data, dir) = scratch();
    let broker = Mosquitto::start(dir.path(), None).await;
    let server = up(data.path(), &broker).await;
    let mut device = Listener::subscribe(broker.port, "sos/v1/clinic-3/ward-7/#").await;

    let press = r#"{"bootId":"boot","sequence":"1","press":{"note":"help"}}"#;
    publish_acknowledged(broker.port, EVENT, press);
    let first = body(&device.next("/receipt").await.payload);
    assert_eq!(first["status"], "RECEIPT_STATUS_RECORDED");
    assert_eq!(body(&device.next("/feedback").await.payload)["indicator"], "INDICATOR_RECEIVED");
    publish_acknowledged(broker.port, EVENT, press);
    let repeat = body(&device.next("/receipt").await.payload);
    assert_eq!(repeat["status"], "RECEIPT_STATUS_DUPLICATE");
    assert_eq!((&repeat["eventId"], &repeat["position"]), (&first["eventId"], &first["position"]));
    assert_eq!(server.export().len(), 1);

    let alert_id = server.list().await.remove(0).alert_id;
    let ack = sos(&["alerts", "ack", &alert_id, "--as", "asel", "--grpc", server.address("grpc")]);
    assert!(ack.status.success(), "{}", stderr(&ack));
    let lamp = json!({"alertId": alert_id, "indicator": "INDICATOR_ACKNOWLEDGED"});
    assert_eq!(body(&device.next("/feedback").await.payload), lamp);
    let late = Listener::subscribe(broker.port, "sos/v1/clinic-3/ward-7/#").await.next("/feedback").await;
    assert_eq!((late.retained, body(&late.payload)), (true, lamp));
}

// P1, P2: what the broker took while the gateway was dead is recorded after its restart, once.
#[tokio::test(flavor = "multi_thread")]
async fn presses_survive_a_dead_gateway() {
    let (data, dir) = scratch();
    let broker = Mosquitto::start(dir.path(), None).await;
    up(data.path(), &broker).await.kill();
    let press = |sequence: u32| format!(r#"{{"bootId":"boot","sequence":"{sequence}","press":{{}}}}"#);
    for sequence in 1..=50 {
        publish_acknowledged(broker.port, EVENT, &press(sequence));
    }
    let server = up(data.path(), &broker).await;
    eventually("all presses are recorded", async || (server.export().len() >= 50).then_some(())).await;
    let mut device = Listener::subscribe(broker.port, "sos/v1/clinic-3/ward-7/receipt").await;
    publish_acknowledged(broker.port, EVENT, &press(50));
    // The receipt of the first one may still be on its way.
    while body(&device.next("/receipt").await.payload)["status"] != "RECEIPT_STATUS_DUPLICATE" {}
    assert_eq!(server.export().len(), 50);
    assert_eq!(server.list().await.iter().map(|a| a.press_count).sum::<u64>(), 50);
}

// P1, P2: Mosquitto sends more than it was told to have in flight; a burst arrives whole all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_arrives_whole() {
    let (data, dir) = scratch();
    let broker = Mosquitto::start(dir.path(), None).await;
    let server = up(data.path(), &broker).await;
    let calls = concat!(env!("CARGO_MANIFEST_DIR"), "/../simulator/data/emergency-calls.csv");
    let mqtt = format!("127.0.0.1:{}", broker.port);
    let replayed = sos(&["simulate", "replay", calls, "--mqtt", &mqtt, "--speed", "0"]);
    assert!(replayed.status.success(), "{}", stderr(&replayed));
    eventually("every call is an event", async || (server.export().len() >= 2_308).then_some(())).await;
    let alerts = eventually("every call is at the console", async || {
        let alerts = server.list().await;
        (alerts.iter().map(|a| a.press_count).sum::<u64>() >= 2_308).then_some(alerts)
    })
    .await;
    assert_eq!(alerts.iter().map(|a| a.press_count).sum::<u64>(), 2_308);
    assert_eq!(server.export().len(), 2_308);
}

// P12: a lamp shows what it should when the broker is back: one that changed while it was dead, and one whose state it
// has lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_comes_back_gets_what_it_missed() {
    let (data, dir) = scratch();
    let broker = Mosquitto::start(dir.path(), None).await;
    let server = up(data.path(), &broker).await;
    let port = broker.port;
    let other = "sos/v1/clinic-3/ward-8";
    let mut unchanged = Listener::subscribe(port, &format!("{other}/feedback")).await;
    for topic in [EVENT, &format!("{other}/event")] {
        publish_acknowledged(port, topic, r#"{"press":{}}"#);
    }
    let of_ward_7 = async || {
        server.list().await.into_iter().find(|alert| alert.device_id == "ward-7").map(|a| a.alert_id)
    };
    let alert_id = eventually("the alert", of_ward_7).await;
    assert_eq!(body(&unchanged.next("/feedback").await.payload)["indicator"], "INDICATOR_RECEIVED");
    drop(broker);
    let ack = sos(&["alerts", "ack", &alert_id, "--as", "asel", "--grpc", server.address("grpc")]);
    assert!(ack.status.success(), "{}", stderr(&ack));
    let (_, emptied) = scratch();
    let _broker = Mosquitto::start(emptied.path(), Some(port)).await;
    let mut device = Listener::subscribe(port, "sos/v1/clinic-3/ward-7/feedback").await;
    let mut unchanged = Listener::subscribe(port, &format!("{other}/feedback")).await;
    let acknowledged = async {
        loop {
            let lamp = body(&device.next("/feedback").await.payload);
            if lamp["indicator"] == "INDICATOR_ACKNOWLEDGED" {
                return;
            }
        }
    };
    tokio::time::timeout(sos_tests::DEADLINE, acknowledged).await.unwrap();
    assert_eq!(body(&unchanged.next("/feedback").await.payload)["indicator"], "INDICATOR_RECEIVED");
}

// P3: the broker has acknowledged already, so nothing may be dropped: not a topic outside the scheme, not an
// old message of unknown age.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_is_quarantined() {
    let (data, dir) = scratch();
    let broker = Mosquitto::start(dir.path(), None).await;
    let server = up(data.path(), &broker).await;
    publish_acknowledged(broker.port, "sos/v1/Clinic 3/ward-7/event", r#"{"press":{}}"#);
    let garbage = publish(broker.port, EVENT, &["-m", "garbage"]);
    assert!(garbage.status.success());
    let log =
        eventually("both are recorded", async || Some(server.export()).filter(|log| log.len() == 2)).await;
    let quarantined: Vec<_> = log.iter().map(|r| &r["event"]["quarantined"]).collect();
    assert_eq!(quarantined[0]["topic"], "sos/v1/Clinic 3/ward-7/event");
    assert!(quarantined[0]["reason"].as_str().unwrap().contains("site"));
    assert_eq!((&quarantined[1]["topic"], &quarantined[1]["payloadSize"]), (&json!(EVENT), &json!("7")));
    // The bytes are sealed in an export; who may read the log sees them.
    let tail = ["log", "tail", "--no-follow", "--format", "json", "--grpc", server.address("grpc")];
    assert!(stdout(&sos(&tail)).contains("Z2FyYmFnZQ=="));
    let alerts = server.list().await;
    assert_eq!(alerts.len(), 2);
    assert!(alerts.iter().all(|a| a.kind() == AlertKind::Technical && a.press_count == 0));
}

// P9: what a call point said while the gateway was dead is taken in the order in which it was said.
#[tokio::test(flavor = "multi_thread")]
async fn births_and_wills_keep_their_order() {
    const DEVICES: usize = 20;
    let (data, dir) = scratch();
    let broker = Mosquitto::start(dir.path(), None).await;
    let server = up(data.path(), &broker).await;
    let say = |device: usize, online: bool| {
        let state = format!(r#"{{"online":{online},"bootId":"boot"}}"#);
        publish_acknowledged(broker.port, &format!("sos/v1/clinic-3/ward-{device}/state"), &state);
    };
    (0..DEVICES).for_each(|device| say(device, true));
    eventually("all are online", async || (server.export().len() == DEVICES).then_some(())).await;
    server.kill();
    for device in 0..DEVICES {
        say(device, false);
        say(device, true);
    }
    let server = up(data.path(), &broker).await;
    let all = 2 * DEVICES as u64;
    eventually("every message", async || (server.messages() >= all).then_some(())).await;
    let log = server.export();
    assert_eq!(log.len(), 3 * DEVICES);
    for device in 0..DEVICES {
        let id = json!(format!("ward-{device}"));
        let newest = log.iter().rev().find(|r| r["event"]["deviceId"] == id).unwrap();
        assert!(newest["event"].get("deviceOnline").is_some(), "{newest}");
    }
}
