//! Whatever strangers send, the server goes on, nothing of it becomes a press, and a press beside it is served.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use sos_tests::Server;
use sos_tests::mqtt::publish_acknowledged;

const EVENT: &str = "sos/v1/hall/door/event";

fn text(text: &str) -> Vec<u8> {
    [&u16::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat()
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    assert!(body.len() < 128);
    [&[kind, body.len() as u8][..], body].concat()
}

/// CONNECT with a last will, SUBSCRIBE, PUBLISH to a topic that devices only listen to, PINGREQ.
fn conversation() -> Vec<u8> {
    let connect =
        [text("MQTT"), vec![4, 0b0000_1110, 0, 60], text("x"), text("sos/v1/a/b/state"), text("{}")];
    let subscribe = [vec![0, 1], text("sos/v1/a/b/receipt"), vec![1]].concat();
    let publish = [text("sos/v1/a/b/receipt"), vec![0, 2], b"{}".to_vec()].concat();
    let packets = [
        packet(0x10, &connect.concat()),
        packet(0x82, &subscribe),
        packet(0x32, &publish),
        packet(0xC0, &[]),
    ];
    packets.concat()
}

/// Sends bytes, and waits for whatever the broker makes of it, for a little.
fn send(port: u16, bytes: &[u8]) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    // Fails where the broker has had enough already.
    let _sent = stream.write_all(bytes);
    let _heard = stream.read(&mut [0; 64]);
}

/// Whether a press is served now, and is the only one of its kind.
async fn is_well(server: &Server) {
    publish_acknowledged(server.mqtt_port(), EVENT, r#"{"bootId":"well","sequence":"1","press":{}}"#);
    let presses = server.list().await.into_iter().filter(|alert| alert.press_count > 0);
    assert_eq!(presses.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_mqtt_byte_by_byte_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::up(data.path(), &[]).await;
    let port = server.mqtt_port();
    let whole = conversation();
    // Each cut, and each byte changed to its opposite and to its greatest.
    for at in 0..whole.len() {
        send(port, &whole[..at]);
        for change in [0xFF, 0x80, 0x01] {
            let mut broken = whole.clone();
            broken[at] ^= change;
            send(port, &broken);
        }
    }
    // Lengths that promise more than ever comes, and more than may come.
    for length in [&[0xFF, 0xFF, 0xFF, 0x7F][..], &[0xFF; 5], &[0x80, 0x80, 0x04]] {
        send(port, &[&[0x10], length].concat());
        send(port, &[&[0x30], length].concat());
    }
    is_well(&server).await;
    let log = server.export();
    assert!(log.iter().all(|recorded| recorded.pointer("/event/press").is_none_or(|_| {
        recorded.pointer("/event/siteId").and_then(|site| site.as_str()) == Some("hall")
    })));
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_are_quarantined() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::up(data.path(), &[]).await;
    let nested = |open: &str, close: &str| format!("{}{}", open.repeat(4_000), close.repeat(4_000));
    let bombs = [
        nested("[", "]"),
        format!("{{\"press\":{}}}", nested("[", "]")),
        nested("{\"a\":", "}").replacen("{\"a\":", "{\"press\":", 1)[..8_000].to_owned(),
        format!("{{\"press\":{{\"note\":\"{}\"}}}}", "\\u0000".repeat(2_000)),
        format!("{{\"sequence\":{}}}", "9".repeat(8_000)),
        format!("{{\"press\":{{}},\"location\":{{\"latitude\":1e{}}}}}", "9".repeat(300)),
        "\u{feff}{\"press\":{}}".to_owned(),
    ];
    for bomb in &bombs {
        publish_acknowledged(server.mqtt_port(), "sos/v1/hall/bomb/event", bomb);
    }
    // Protobuf: groups within groups, and a length that is longer than everything.
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in [("groups", vec![0x0B; 10_000]), ("long", vec![0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F])]
    {
        let file = dir.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let args = ["-f", file.to_str().unwrap()];
        let sent = sos_tests::mqtt::publish(server.mqtt_port(), "sos/v1/hall/bomb/event", &args);
        assert!(sent.status.success());
    }
    let log = server.export();
    assert_eq!(log.len(), bombs.len() + 2, "each is in the log");
    let quarantined = log.iter().filter(|recorded| recorded.pointer("/event/quarantined").is_some());
    // A note may be long and odd: that one is a press.
    let presses = log.iter().filter(|recorded| recorded.pointer("/event/press").is_some()).count();
    assert_eq!(quarantined.count() + presses, log.len(), "{log:#?}");
    assert!(presses <= 1, "{log:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_holds_up_nobody() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::up(data.path(), &[]).await;
    let mut silent = Vec::new();
    for name in ["mqtt", "grpc", "http"] {
        for number in 0..200 {
            let mut stream = TcpStream::connect(server.address(name)).unwrap();
            // Some begin, and never come to an end.
            if number % 2 == 0 {
                let begin: &[u8] = if name == "mqtt" { &[0x10, 40, 0, 4] } else { b"GET /healthz HTT" };
                stream.write_all(begin).unwrap();
            }
            silent.push(stream);
        }
    }
    is_well(&server).await;
    assert!(server.get("/healthz").ends_with("ok\n"));
    // Consoles are let go in the end, whether they began or not: reading from them ends, and does not time out.
    for mut stream in silent.split_off(200).into_iter().step_by(67) {
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        assert!(
            ended.as_ref().map_or_else(|e| e.kind() == ErrorKind::ConnectionReset, |_| true),
            "{ended:?}"
        );
    }
    is_well(&server).await;
}
