//! One press: from the wire to the console, and back to the lamp.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sos_proto::alert::v1::watch_alerts_response::Event;
use sos_proto::alert::v1::{AcknowledgeAlertRequest, Alert, AlertState, WatchAlertsRequest};
use sos_tests::mqtt::{Listener, publish, publish_acknowledged};
use sos_tests::server::{json_lines, signed, sos, stderr};
use sos_tests::{DEADLINE, Server};
use tokio::time::timeout;
use tokio_stream::StreamExt as _;

const EVENT: &str = "sos/v1/school-12/hall-1/event";

fn body(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

// P1, P5, P12: the smallest press opens an alert at the console, the lamp follows, and nobody is told twice.
#[tokio::test(flavor = "multi_thread")]
async fn the_smallest_press_reaches_the_console_and_the_lamp_follows() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::up(data.path(), &[]).await;
    let mut device = Listener::subscribe(server.mqtt_port(), "sos/v1/school-12/hall-1/#").await;
    let mut console =
        server.alerts().await.watch_alerts(WatchAlertsRequest::default()).await.unwrap().into_inner();

    let pressed = Instant::now();
    publish_acknowledged(server.mqtt_port(), EVENT, r#"{"press":{}}"#);
    let alert: Alert = timeout(DEADLINE, async {
        loop {
            if let Some(Event::Changed(alert)) = console.next().await.unwrap().unwrap().event {
                return alert;
            }
        }
    })
    .await
    .unwrap();
    // Real time is the subject here: within a second the officer must see it.
    assert!(pressed.elapsed() < Duration::from_secs(1), "{:?}", pressed.elapsed());
    assert_eq!(alert.state(), AlertState::Raised);
    assert_eq!((&*alert.site_id, &*alert.device_id, alert.press_count), ("school-12", "hall-1", 1));

    let receipt = body(&device.next("/receipt").await.payload);
    assert_eq!(receipt["status"], "RECEIPT_STATUS_RECORDED");
    assert_eq!((&receipt["eventId"], &receipt["position"]), (&json!(alert.alert_id), &json!("1")));
    let lamp = body(&device.next("/feedback").await.payload);
    assert_eq!(lamp, json!({"alertId": alert.alert_id, "indicator": "INDICATOR_RECEIVED"}));

    let ack = sos(&["alerts", "ack", &alert.alert_id, "--as", "asel", "--grpc", server.address("grpc")]);
    assert!(ack.status.success(), "{}", stderr(&ack));
    let lamp = body(&device.next("/feedback").await.payload);
    assert_eq!(lamp, json!({"alertId": alert.alert_id, "indicator": "INDICATOR_ACKNOWLEDGED"}));

    // Wanted state: whoever subscribes later sees the lamp as it should be now, also after a restart.
    let late =
        Listener::subscribe(server.mqtt_port(), "sos/v1/school-12/hall-1/#").await.next("/feedback").await;
    assert_eq!((late.retained, body(&late.payload)), (true, lamp.clone()));
    server.kill();
    let server = Server::up(data.path(), &[]).await;
    let late =
        Listener::subscribe(server.mqtt_port(), "sos/v1/school-12/hall-1/#").await.next("/feedback").await;
    assert_eq!((late.retained, body(&late.payload)), (true, lamp));
}

// P2: a repeat is answered with the first one's id and position, also after a restart, in either version of MQTT.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_gets_the_first_answer() {
    let data = tempfile::tempdir().unwrap();
    let press = r#"{"bootId":"boot","sequence":"7","press":{"category":"CATEGORY_FIRE"}}"#;
    let mut first = Value::Null;
    for (restart, version) in [(false, "311"), (false, "5"), (true, "311"), (true, "5")] {
        let server = Server::up(data.path(), &[]).await;
        let mut device = Listener::subscribe(server.mqtt_port(), "sos/v1/school-12/hall-1/receipt").await;
        let sent = publish(server.mqtt_port(), EVENT, &["-V", version, "-m", press]);
        assert!(sent.status.success(), "{}", stderr(&sent));
        let receipt = body(&device.next("/receipt").await.payload);
        assert_eq!((&receipt["bootId"], &receipt["sequence"]), (&json!("boot"), &json!("7")));
        if first.is_null() {
            first = receipt.clone();
        }
        let expected = if receipt == first { "RECEIPT_STATUS_RECORDED" } else { "RECEIPT_STATUS_DUPLICATE" };
        assert_eq!(receipt["status"], expected);
        for field in ["eventId", "position", "recordedAt"] {
            assert_eq!(receipt[field], first[field], "{field}");
        }
        assert_eq!(server.export().len(), 1);
        if restart {
            server.kill();
        } else {
            assert_eq!(server.terminate().await.0, Some(0));
        }
    }
}

// P4: live state is a fold of the log; a restart shows the same, byte for byte.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_shows_the_same_alerts() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::up(data.path(), &[]).await;
    for device in 0..20 {
        let topic = format!("sos/v1/site-{}/button-{device}/event", device % 3);
        for _ in 0..=device % 4 {
            publish_acknowledged(server.mqtt_port(), &topic, r#"{"press":{"note":"help"}}"#);
        }
    }
    publish_acknowledged(server.mqtt_port(), "sos/v1/site-0/button-0/event", r#"{"cancel":{}}"#);
    let grpc = server.address("grpc").to_owned();
    for (number, alert) in server.list().await.iter().enumerate() {
        let id = &*alert.alert_id;
        match number % 3 {
            0 => assert!(sos(&["alerts", "ack", id, "--as", "asel", "--grpc", &grpc]).status.success()),
            1 => {
                assert!(sos(&["alerts", "ack", id, "--as", "dana", "--grpc", &grpc]).status.success());
                let resolve =
                    ["alerts", "resolve", id, "--as", "dana", "--disposition", "genuine", "--grpc", &grpc];
                assert!(sos(&resolve).status.success());
            }
            _ => {}
        }
    }
    let (alerts, log) = (server.list().await, server.export());
    server.kill();
    let server = Server::up(data.path(), &[]).await;
    assert_eq!(server.list().await, alerts);
    assert_eq!(server.export(), log);
}

// P6: of two officers one wins, and the other is told who it was.
#[tokio::test(flavor = "multi_thread")]
async fn the_loser_is_told_who_has_it() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::up(data.path(), &[]).await;
    publish_acknowledged(server.mqtt_port(), EVENT, r#"{"press":{}}"#);
    let alert_id = server.list().await.remove(0).alert_id;
    let take = async |operator: &str| {
        let request = AcknowledgeAlertRequest {
            alert_id: alert_id.clone(),
            request_id: operator.to_owned(),
            expected_revision: None,
        };
        server.alerts().await.acknowledge_alert(signed(operator, request)).await
    };
    let (asel, dana) = tokio::join!(take("asel"), take("dana"));
    let (winner, lost) = match (asel, dana) {
        (Ok(_), Err(lost)) => ("asel", lost),
        (Err(lost), Ok(_)) => ("dana", lost),
        other => panic!("{other:?}"),
    };
    assert_eq!(lost.code(), tonic::Code::FailedPrecondition);
    assert!(lost.message().contains(winner), "{}", lost.message());
    let again = take(winner).await.unwrap().into_inner().alert.unwrap();
    assert_eq!((&*again.owner, again.revision), (winner, 2));
    let listed = json_lines(&sos(&["alerts", "list", "--format", "json", "--grpc", server.address("grpc")]));
    assert_eq!(listed[0]["owner"], winner);
}
