//! The console on a terminal: the real binary in a pseudo-terminal, whose screen is read as an officer would.

use portable_pty::CommandBuilder;
use sos_proto::alert::v1::{AcknowledgeAlertRequest, Alert, AlertState};
use sos_proto::event::v1::Disposition;
use sos_tests::mqtt::publish_acknowledged;
use sos_tests::server::{binary, signed};
use sos_tests::terminal::Terminal;
use sos_tests::{Server, eventually};
use vt100::Color;

/// `sos console` in a terminal of its own.
fn console(server: &Server, operator: &str) -> Terminal {
    let mut command = CommandBuilder::new(binary());
    command.args(["console", "--grpc", server.address("grpc"), "--as", operator]);
    Terminal::open(command)
}

fn press(server: &Server, device: &str) {
    let message = r#"{"press":{"category":"CATEGORY_FIRE","note":"\u001b[2J\u001b[31mhelp"}}"#;
    publish_acknowledged(server.mqtt_port(), &format!("sos/v1/school-12/{device}/event"), message);
}

async fn becomes(server: &Server, state: AlertState) -> Alert {
    eventually(&format!("an alert that is {state:?}"), async || {
        server.list().await.into_iter().find(|alert| alert.state() == state)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_takes_and_resolves_an_alert() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::up(data.path(), &[]).await;
    let mut console = console(&server, "асель");
    console.shows(&["LIVE", "No open alerts."]).await;

    press(&server, "hall-1");
    // What a device writes is text, also where it would clear the screen.
    console.shows(&["1 raised", "RAISED", "fire", "school-12 · hall-1", "[31mhelp"]).await;
    console.press("a");
    console.shows(&["ACK асель", "is yours"]).await;
    assert_eq!(becomes(&server, AlertState::Acknowledged).await.owner, "асель");

    console.press("\r");
    console.shows(&["BY ITS CLOCK", "acknowledged", "press", "[2J"]).await;
    console.press("r");
    console.shows(&["What did it turn out to be", "accidental"]).await;
    console.press("2бала басты\r");
    console.shows(&["RESOLVED", "resolved accidental бала басты"]).await;
    assert_eq!(becomes(&server, AlertState::Resolved).await.disposition(), Disposition::Accidental);
    console.press("q");
    console.shows(&["No open alerts."]).await;
    assert_eq!(console.quit().await, 0);
}

// P6: who comes second is told who was first, and since when.
#[tokio::test(flavor = "multi_thread")]
async fn an_officer_who_comes_second_is_told() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::up(data.path(), &[]).await;
    let mut console = console(&server, "asel");
    press(&server, "hall-1");
    console.shows(&["LIVE", "1 raised"]).await;
    let alert_id = becomes(&server, AlertState::Raised).await.alert_id;
    let request = AcknowledgeAlertRequest {
        alert_id,
        request_id: "first".to_owned(),
        ..AcknowledgeAlertRequest::default()
    };
    server.alerts().await.acknowledge_alert(signed("dana", request)).await.unwrap();
    console.press("a");
    console.shows(&["refused: it is dana's since", "ACK dana"]).await;
}

// P5, P6: a server that is gone makes the screen stale, and one that is back makes it live, with what came meanwhile;
// a command is repeated until it is answered, and has one effect.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_is_seen_and_survived() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::up(data.path(), &[]).await;
    let mut console = console(&server, "asel");
    press(&server, "hall-1");
    console.shows(&["LIVE", "1 raised", "hall-1"]).await;
    let grpc = server.address("grpc").to_owned();
    server.kill();
    console.shows(&["STALE since", "1 raised", "hall-1"]).await;
    assert_eq!(console.screen().cell(0, 0).unwrap().bgcolor(), Color::Idx(1), "red");

    // Unseen by the console: it cannot reach this one.
    let unseen = Server::up(data.path(), &[]).await;
    press(&unseen, "hall-2");
    unseen.kill();
    // From here on it is repeated for 30 s.
    console.press("a");
    console.shows(&["sending…"]).await;
    let here = data.path().to_str().unwrap();
    let more = ["--mqtt", "127.0.0.1:0", "--http", "127.0.0.1:0"];
    let server = Server::start(&[&["up", "--data", here, "--grpc", &grpc][..], &more].concat()).await;
    console.shows(&["LIVE", "1 raised", "1 acknowledged", "ACK asel", "hall-1", "hall-2"]).await;
    let events = server.export();
    let count = |kind: &str| events.iter().filter(|event| event["event"].get(kind).is_some()).count();
    assert_eq!((count("press"), count("alertAcknowledged")), (2, 1), "{events:#?}");
    assert_eq!(console.quit().await, 0);
}

// P6: what was ordered and has no answer is not passed over in silence.
#[tokio::test(flavor = "multi_thread")]
async fn an_officer_who_quits_is_told_what_is_open() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::up(data.path(), &[]).await;
    let mut console = console(&server, "asel");
    press(&server, "hall-1");
    console.shows(&["LIVE", "1 raised", "hall-1"]).await;
    server.kill();
    console.shows(&["STALE since"]).await;
    console.press("a");
    console.shows(&["sending…"]).await;
    console.press("q");
    console.shows(&["school-12 · hall-1: no answer (not waited for any longer)"]).await;
    assert!(!console.screen().alternate_screen(), "the terminal is given back");
    assert_eq!(console.quit().await, 0);
}
