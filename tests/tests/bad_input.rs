//! Input that is not as it should be: each gets its outcome, and nothing else stops.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use sos_proto::alert::v1::{
    AcknowledgeAlertRequest, AddNoteRequest, AlertKind, AlertState, GetAlertRequest, ListAlertsRequest,
    ResolveAlertRequest, WatchAlertsRequest,
};
use sos_tests::Server;
use sos_tests::mqtt::{Listener, publish, publish_acknowledged};
use sos_tests::server::signed;
use tonic::{Code, Status};

const EVENT: &str = "sos/v1/school-12/hall-1/event";

async fn up() -> (tempfile::TempDir, Server) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::up(data.path(), &[]).await;
    (data, server)
}

/// The server still takes a press.
async fn assert_alive(server: &Server) {
    let before = server.export().len();
    publish_acknowledged(server.mqtt_port(), "sos/v1/school-99/probe/event", r#"{"press":{}}"#);
    assert_eq!(server.export().len(), before + 1);
}

// P3: bytes that cannot be read are in the log, at the console, and answered.
#[tokio::test(flavor = "multi_thread")]
async fn unreadable_bytes_are_quarantined() {
    let (data, server) = up().await;
    let mut device = Listener::subscribe(server.mqtt_port(), "sos/v1/school-12/hall-1/receipt").await;
    let file = data.path().join("payload");
    let large = vec![b'x'; 17 * 1024];
    let payloads: [&[u8]; 7] = [
        b"hello",
        b"{",
        b"{}",
        b"\xff\xfe\xfd",
        b"{\"press\":{\"note\":\"\xff\"}}",
        b"\x52\x04\x1a\x02\xff\xff",
        &large,
    ];
    for payload in payloads {
        std::fs::write(&file, payload).unwrap();
        let sent = publish(server.mqtt_port(), EVENT, &["-f", file.to_str().unwrap()]);
        assert!(sent.status.success(), "{payload:?}");
        let receipt = device.next("/receipt").await.payload;
        // In JSON where the bytes look like JSON, else in protobuf.
        assert!(receipt.contains("QUARANTINED") || !receipt.starts_with('{'), "{receipt}");
    }
    let log = server.export();
    assert_eq!(log.len(), payloads.len());
    for (recorded, payload) in log.iter().zip(payloads) {
        let quarantined = &recorded["event"]["quarantined"];
        assert_eq!(quarantined["payloadSize"], payload.len().to_string());
        assert_ne!(quarantined["reason"], Value::Null);
    }
    let alerts = server.list().await;
    assert_eq!(alerts.len(), 1, "one technical alert for a call point, however often it happens");
    assert_eq!((alerts[0].kind(), alerts[0].state()), (AlertKind::Technical, AlertState::Raised));
    assert_alive(&server).await;
}

// P3: odd fields do not stop a press; they are left out, cut or flagged, and the press is at the console.
#[tokio::test(flavor = "multi_thread")]
async fn odd_presses_are_presses() {
    let (_data, server) = up().await;
    let long = format!(r#"{{"press":{{"note":"{}"}}}}"#, "ж".repeat(3_000));
    let cases = [
        (r#"{"press":{},"occurredAt":"1970-01-01T00:00:00Z"}"#, "EVENT_FLAG_CLOCK_BEHIND"),
        (r#"{"press":{},"occurredAt":"2099-12-31T23:59:59Z"}"#, "EVENT_FLAG_CLOCK_AHEAD"),
        (r#"{"press":{},"occurredAt":"tomorrow"}"#, "EVENT_FLAG_FIELD_LEFT_OUT"),
        (r#"{"press":{"category":"CATEGORY_FLOOD"}}"#, "EVENT_FLAG_FIELD_LEFT_OUT"),
        (r#"{"press":{},"location":{"latitude":91,"longitude":0}}"#, "EVENT_FLAG_LOCATION_INVALID"),
        (&long, "EVENT_FLAG_TEXT_CUT"),
    ];
    for (number, (press, _)) in cases.iter().enumerate() {
        publish_acknowledged(server.mqtt_port(), &format!("sos/v1/school-12/hall-{number}/event"), press);
    }
    let log = server.export();
    for (recorded, (press, flag)) in log.iter().zip(&cases) {
        assert_ne!(recorded["event"]["press"], Value::Null, "{press}");
        assert_eq!(recorded["event"]["origin"]["flags"], json!([flag]), "{press}");
    }
    let alerts = server.list().await;
    assert_eq!(alerts.len(), cases.len());
    assert!(alerts.iter().all(|a| a.kind() == AlertKind::Press && a.flags.len() == 1));
}

// P3: what is refused is never acknowledged, in either version of MQTT.
#[tokio::test(flavor = "multi_thread")]
async fn topics_outside_the_scheme_are_refused() {
    let (_data, server) = up().await;
    let topics = [
        "elsewhere",
        "sos/v1/school-12/event",
        "sos/v1/School-12/hall-1/event",
        "sos/v1/school-12/hall-1/evnt",
        "sos/v1/school-12/hall-1/event/more",
        "sos/v1/school-12/hall-1/receipt",
        "sos/v1/school-12/hall-1/feedback",
    ];
    for topic in topics {
        let old = publish(server.mqtt_port(), topic, &["-V", "311", "-m", r#"{"press":{}}"#]);
        assert!(!old.status.success(), "{topic}: the connection is closed without a PUBACK");
        let new = publish(server.mqtt_port(), topic, &["-V", "5", "-m", r#"{"press":{}}"#]);
        let said = String::from_utf8_lossy(&new.stderr).into_owned();
        assert!(said.contains("failed"), "{topic}: {said}");
    }
    assert_eq!(server.export(), Vec::<Value>::new());
    assert_alive(&server).await;
}

// P10: a packet beyond the limit is not taken, in either version of MQTT; nothing else notices.
#[tokio::test(flavor = "multi_thread")]
async fn a_payload_of_a_mebibyte_is_refused() {
    let (data, server) = up().await;
    let file = data.path().join("payload");
    std::fs::write(&file, vec![b'x'; 1024 * 1024]).unwrap();
    let old = publish(server.mqtt_port(), EVENT, &["-V", "311", "-f", file.to_str().unwrap()]);
    assert!(!old.status.success());
    // MQTT 5 tells the limit at connect, and this client then drops the message by itself.
    let _ = publish(server.mqtt_port(), EVENT, &["-V", "5", "-f", file.to_str().unwrap()]);
    assert_eq!(server.export(), Vec::<Value>::new());
    assert_alive(&server).await;
}

// A retained event may be of any age: numbered it is like any repeat, unnumbered it is quarantined; and the
// broker does not keep it.
#[tokio::test(flavor = "multi_thread")]
async fn retained_events_are_treated_with_care() {
    let (_data, server) = up().await;
    let port = server.mqtt_port();
    let unnumbered = publish(port, EVENT, &["-r", "-m", r#"{"press":{}}"#]);
    let numbered = publish(port, EVENT, &["-r", "-m", r#"{"bootId":"b","sequence":"1","press":{}}"#]);
    assert!(unnumbered.status.success() && numbered.status.success());
    let log = server.export();
    assert_ne!(log[0]["event"]["quarantined"], Value::Null);
    assert_eq!(log[1]["event"]["origin"]["flags"], json!(["EVENT_FLAG_RETAINED"]));
    assert_ne!(log[1]["event"]["press"], Value::Null);
    let mut device = Listener::subscribe(port, "sos/v1/school-12/hall-1/#").await;
    // The lamp is retained, so it comes; an event that was kept would have come before the fence.
    publish_acknowledged(port, "sos/v1/school-12/hall-1/health", "{}");
    loop {
        let message = device.next("").await;
        assert!(!message.topic.ends_with("/event"), "{message:?}");
        if message.topic.ends_with("/health") {
            break;
        }
    }
}

fn fields(status: &Status) -> String {
    String::from_utf8_lossy(status.details()).into_owned()
}

// Bad requests get a code, and the name of the field.
#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_name_the_field() {
    let (_data, server) = up().await;
    publish_acknowledged(server.mqtt_port(), EVENT, r#"{"press":{}}"#);
    let alert_id = server.list().await.remove(0).alert_id;
    let mut client = server.alerts().await;
    let refused = |status: Status, code: Code, field: &str| {
        assert_eq!(status.code(), code, "{status:?}");
        let named = status.message().contains(field) || fields(&status).contains(field);
        assert!(named, "{field} in {status:?}");
    };

    let empty =
        client.acknowledge_alert(signed("asel", AcknowledgeAlertRequest::default())).await.unwrap_err();
    refused(empty, Code::InvalidArgument, "alert_id");
    let request =
        AcknowledgeAlertRequest { alert_id: alert_id.clone(), ..AcknowledgeAlertRequest::default() };
    refused(
        client.acknowledge_alert(signed("asel", request.clone())).await.unwrap_err(),
        Code::InvalidArgument,
        "request_id",
    );
    refused(client.acknowledge_alert(request).await.unwrap_err(), Code::Unauthenticated, "sos-operator");
    let unknown = AcknowledgeAlertRequest {
        alert_id: "01a20bbc-e716-737b-877a-c4364998963d".to_owned(),
        request_id: "r".to_owned(),
        expected_revision: None,
    };
    refused(client.acknowledge_alert(signed("asel", unknown)).await.unwrap_err(), Code::NotFound, "01a20bbc");
    refused(
        client.get_alert(GetAlertRequest::default()).await.unwrap_err(),
        Code::InvalidArgument,
        "alert_id",
    );
    let note = AddNoteRequest {
        alert_id: alert_id.clone(),
        request_id: "n".to_owned(),
        note: "x".repeat(2_001),
        expected_revision: None,
    };
    refused(client.add_note(signed("asel", note)).await.unwrap_err(), Code::InvalidArgument, "note");
    let resolve = ResolveAlertRequest {
        alert_id,
        request_id: "s".to_owned(),
        disposition: 99,
        ..ResolveAlertRequest::default()
    };
    refused(
        client.resolve_alert(signed("asel", resolve)).await.unwrap_err(),
        Code::InvalidArgument,
        "disposition",
    );
    let page = ListAlertsRequest { page_size: -1, ..ListAlertsRequest::default() };
    refused(client.list_alerts(page).await.unwrap_err(), Code::InvalidArgument, "page_size");
    let token = ListAlertsRequest { page_token: "x".to_owned(), ..ListAlertsRequest::default() };
    refused(client.list_alerts(token).await.unwrap_err(), Code::InvalidArgument, "page_token");
    let beyond = WatchAlertsRequest { after_position: 1_000, filter: None };
    refused(client.watch_alerts(beyond).await.unwrap_err(), Code::InvalidArgument, "after_position");
    assert_alive(&server).await;
}
