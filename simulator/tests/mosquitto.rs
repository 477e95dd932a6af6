//! Replay against a real broker.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a failing test may panic"
)]

mod broker;

use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

use prost::Message as _;
use rumqttc::v5::mqttbytes::v5::Publish;
use sos_proto::call_point::{CallPoint, Leaf};
use sos_proto::device::v1::device_event::Event;
use sos_proto::device::v1::{Category, DeviceEvent, LocationSource};
use sos_simulator::Quiet;
use sos_simulator::replay::{self, Config, Summary};
use tempfile::NamedTempFile;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use broker::{Listener, Mosquitto, PATIENCE, free_port};

const CALLS: &str = "place,township,called_at,category,longitude,latitude\n\
    MAIN ST,NORRISTOWN,2016-01-15 12:00,EMS: FALL VICTIM,-75.3,40.1\n\
    OAK ST,NORRISTOWN,2016-01-15 12:00,Fire: GAS,-75.4,40.2\n\
    MAIN ST,NORRISTOWN,2016-01-15 12:01,Traffic: ACCIDENT,-75.3,40.1\n\
    MAIN ST,ABINGTON,2016-01-15 12:02,Flood: RIVER,-75.5,40.3\n\
    MAIN ST,NORRISTOWN,2016-01-15 12:03,EMS: BURN VICTIM,-75.3,40.1\n";

/// What is in `CALLS`, in the order of call points and their numbers.
const PRESSES: [(&str, u64, Category, &str); 5] = [
    ("abington/main-st", 1, Category::Unspecified, "Flood: RIVER"),
    ("norristown/main-st", 1, Category::Medical, "EMS: FALL VICTIM"),
    ("norristown/main-st", 2, Category::Police, "Traffic: ACCIDENT"),
    ("norristown/main-st", 3, Category::Medical, "EMS: BURN VICTIM"),
    ("norristown/oak-st", 1, Category::Fire, "Fire: GAS"),
];

const ALL_ACKNOWLEDGED: Summary = Summary { published: 5, acknowledged: 5, failed: 0 };

/// A replay of `CALLS`. The file lives as long as it is held.
fn replay_of_calls(port: u16) -> (NamedTempFile, Config) {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(CALLS.as_bytes()).unwrap();
    let config = Config::new(file.path().to_owned(), format!("127.0.0.1:{port}"));
    (file, Config { run: Some("test".into()), ..config })
}

async fn replay(config: Config) -> Summary {
    let run = replay::run(config, Quiet, CancellationToken::new());
    timeout(PATIENCE, run).await.expect("the replay ends").unwrap()
}

fn event_of(publish: &Publish) -> (CallPoint, DeviceEvent) {
    let topic = std::str::from_utf8(&publish.topic).unwrap();
    let (call_point, leaf) = CallPoint::parse_topic(topic).unwrap();
    assert_eq!(leaf, Leaf::Event);
    assert!(!publish.retain);
    let content_type = publish.properties.as_ref().and_then(|p| p.content_type.as_deref());
    let event = match content_type {
        Some("application/json") => serde_json::from_slice(&publish.payload).unwrap(),
        other => {
            assert_eq!(other, None);
            DeviceEvent::decode(publish.payload.clone()).unwrap()
        }
    };
    (call_point, event)
}

/// Checks that these are the presses of `CALLS`, each once, and in order at each call point.
fn check_presses(publishes: &[Publish]) {
    let mut heard: Vec<_> = publishes.iter().map(event_of).collect();
    heard.sort_by_key(|(call_point, _)| call_point.to_string());
    let numbers: Vec<_> = heard
        .iter()
        .map(|(call_point, event)| {
            let Some(Event::Press(press)) = &event.event else { panic!("no press: {event:?}") };
            (call_point.to_string(), event.sequence, press.category(), press.note.clone())
        })
        .collect();
    let expected = PRESSES.map(|(at, n, category, note)| (at.to_owned(), n, category, note.to_owned()));
    assert_eq!(numbers, expected);
    for (_, event) in &heard {
        assert_eq!(event.boot_id, "replay-test");
        assert!(
            event.occurred_at.unwrap().seconds > 1_700_000_000,
            "the time of the press, not of the record"
        );
    }
    let location = heard[0].1.location.unwrap();
    assert_eq!((location.latitude, location.longitude), (40.3, -75.5));
    assert_eq!(location.source(), LocationSource::Surveyed);
}

#[tokio::test]
async fn every_call_is_pressed_once() {
    let port = free_port();
    let _broker = Mosquitto::start(port);
    let mut listener = Listener::subscribe(port).await;
    let (_file, config) = replay_of_calls(port);
    for json in [false, true] {
        assert_eq!(replay(Config { json, ..config.clone() }).await, ALL_ACKNOWLEDGED);
        let heard = listener.hear_all().await;
        assert!(heard.iter().all(|publish| publish.payload.starts_with(b"{") == json));
        check_presses(&heard);
    }
}

// P3: the first try meets a broker that hangs up, the next ones meet none; a later one is heard.
#[tokio::test]
async fn a_replay_waits_for_its_broker() {
    let door = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = door.local_addr().unwrap().port();
    let (_file, config) = replay_of_calls(port);
    let start_late = tokio::task::spawn_blocking(move || {
        drop(door.accept().unwrap());
        drop(door);
        Mosquitto::start(port)
    });
    let (summary, broker) = tokio::join!(replay(config), start_late);
    let _broker = broker.unwrap();
    assert_eq!(summary, ALL_ACKNOWLEDGED);
}

#[tokio::test]
async fn a_stopped_replay_tells_what_it_did() {
    let port = free_port();
    let _broker = Mosquitto::start(port);
    let mut listener = Listener::subscribe(port).await;
    let (_file, config) = replay_of_calls(port);
    let shutdown = CancellationToken::new();
    let stop = async {
        for _ in 0..2 {
            listener.hear().await;
        }
        shutdown.cancel();
    };
    // The first two calls are due at once, the third a minute later.
    let run = replay::run(Config { speed: 1.0, ..config }, Quiet, shutdown.clone());
    let (summary, ()) = tokio::join!(timeout(Duration::from_secs(30), run), stop);
    let summary = summary.expect("the replay stops").unwrap();
    assert_eq!(summary, Summary { published: 2, acknowledged: 2, failed: 0 });
}
