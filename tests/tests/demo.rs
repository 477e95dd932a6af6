//! The demo town as a newcomer meets it: within ten seconds of the start there is work of every kind, and a second start
//! on the same data goes on where the first one stopped.

use std::collections::HashMap;
use std::process::Command;
use std::time::{Duration, Instant};

use sos_proto::alert::v1::{Alert, AlertKind, AlertState};
use sos_tests::server::{binary, sos, stderr, stdout};
use sos_tests::{Server, eventually};
use tempfile::tempdir;

/// From the start of the process until the town can be recognised.
const RECOGNISED: Duration = Duration::from_secs(10);

/// What is still to be seen, in words; nothing if the town can be recognised.
fn missing(alerts: &[Alert]) -> Vec<&'static str> {
    let open: Vec<_> = alerts.iter().filter(|alert| alert.state() != AlertState::Resolved).collect();
    let technical = || open.iter().filter(|alert| alert.kind() == AlertKind::Technical);
    let presses = || open.iter().filter(|alert| alert.kind() == AlertKind::Press);
    let waiting = presses().filter(|alert| alert.state() == AlertState::Raised);
    let mut incidents: HashMap<&str, u64> = HashMap::new();
    for alert in presses() {
        *incidents.entry(&alert.incident_id).or_default() += alert.press_count;
    }
    let checks = [
        (waiting.count() >= 3, "presses that nobody has taken"),
        (presses().any(|alert| alert.owner == "demo"), "a press that the colleague has"),
        (technical().any(|alert| alert.note.starts_with("LOST")), "a call point gone silent"),
        (presses().any(|alert| alert.escalation_level > 0), "an escalation"),
        (incidents.values().any(|presses| *presses >= 3), "an incident of several presses"),
        (technical().count() <= 3, "a list that is not full of technical alerts"),
        (open.iter().all(|alert| !alert.site_name.is_empty() && !alert.unverified), "names of places"),
        (open.iter().all(|alert| alert.location.is_some()), "places on the map"),
    ];
    checks.into_iter().filter(|(is_there, _)| !is_there).map(|(_, what)| what).collect()
}

async fn recognised(server: &Server, started: Instant) {
    eventually("the town can be recognised", async || {
        let missing = missing(&server.list().await);
        assert!(started.elapsed() < RECOGNISED, "still missing: {missing:?}");
        missing.is_empty().then_some(())
    })
    .await;
}

fn count(server: &Server, what: &str) -> usize {
    let output = sos(&[what, "list", "--format", "json", "--grpc", server.address("grpc")]);
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output).lines().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_recognises_the_town_also_at_the_second_start() {
    let data = tempdir().unwrap();
    let started = Instant::now();
    let server = Server::up(data.path(), &["--demo"]).await;
    recognised(&server, started).await;
    let registered = (count(&server, "sites"), count(&server, "devices"));
    assert!(registered.0 >= 8 && registered.1 >= 20, "{registered:?}");
    let (code, _) = server.terminate().await;
    assert_eq!(code, Some(0));

    let started = Instant::now();
    let server = Server::up(data.path(), &["--demo"]).await;
    recognised(&server, started).await;
    assert_eq!((count(&server, "sites"), count(&server, "devices")), registered);
    let alerts = server.list().await;
    assert!(alerts.iter().all(|alert| alert.press_count <= 4), "{alerts:?}");
    let bodies = server.export();
    let of_registry = |line: &&serde_json::Value| line.to_string().contains("Registered\":");
    assert_eq!(bodies.iter().filter(of_registry).count(), registered.0 + registered.1);
}

#[test]
fn the_demo_says_what_is_in_its_way() {
    let data = tempdir().unwrap();
    let up = Command::new(binary())
        .args(["up", "--demo", "--data", data.path().to_str().unwrap()])
        .env("SOS_MQTT__AUTH", "password")
        .output()
        .unwrap();
    assert_eq!(up.status.code(), Some(1));
    assert!(stderr(&up).contains("--demo does not work with mqtt.auth"), "{}", stderr(&up));
}
