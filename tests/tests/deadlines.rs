//! P8: nobody is forgotten, also when the server dies.

use std::time::{Duration, Instant};

use sos_tests::mqtt::publish_acknowledged;
use sos_tests::{Server, eventually};

const EVENT: &str = "sos/v1/school-12/hall-1/event";

// P8: killed before the deadline, and started after it: the alert escalates at once, exactly once.
#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_passes_while_the_server_is_down() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("sos.toml");
    let rules = "[[alerts.escalation]]\nsite = \"school-12\"\nkind = \"press\"\nafter_s = [1, 2]\n";
    std::fs::write(&config, rules).unwrap();
    let data = dir.path().join("data");
    let more = ["--config", config.to_str().unwrap()];
    let server = Server::up(&data, &more).await;
    publish_acknowledged(server.mqtt_port(), EVENT, r#"{"press":{}}"#);
    let pressed = Instant::now();
    server.kill();
    eventually("both deadlines have passed", async || {
        (pressed.elapsed() > Duration::from_secs(2)).then_some(())
    })
    .await;
    let escalations = |server: &Server| {
        let events = server.export();
        events.iter().filter(|recorded| recorded.pointer("/event/alertEscalated").is_some()).count()
    };
    for _start in 0..2 {
        let server = Server::up(&data, &more).await;
        let level = async || server.list().await.pop().filter(|alert| alert.escalation_level == 2);
        let alert = eventually("the alert has escalated", level).await;
        assert_eq!((alert.press_count, alert.owner.as_str()), (1, ""));
        // The first level may have been told before the kill, if that took long.
        let told = escalations(&server);
        assert!((1..=2).contains(&told) && alert.revision == 1 + told as u64, "{told} escalations");
        server.terminate().await;
    }
}
