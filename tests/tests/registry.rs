//! The registry from a spreadsheet to the operator's screen, and what is known of call points that go.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Output;

use sos_proto::alert::v1::{Alert, AlertKind, AlertState, AlertStatus};
use sos_tests::mqtt::{Connection, Mosquitto, publish_acknowledged};
use sos_tests::server::{json_lines, sos, stderr, stdout};
use sos_tests::{Server, eventually};

const EVENT: &str = "sos/v1/school-12/hall-1/event";

fn run(server: &Server, command: &[&str]) -> Output {
    sos(&[command, &["--as", "Әсел", "--grpc", server.address("grpc")]].concat())
}

fn write(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

async fn alert(server: &Server, wanted: impl Fn(&Alert) -> bool) -> Alert {
    eventually("the alert", async || server.list().await.into_iter().find(&wanted)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spreadsheet_becomes_what_operators_see() {
    let (data, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Server::up(data.path(), &[]).await;
    publish_acknowledged(server.mqtt_port(), EVENT, r#"{"press":{}}"#);
    assert!(alert(&server, |alert| alert.press_count == 1).await.unverified);

    // What a spreadsheet makes of it where the comma parts whole numbers from fractions.
    let sites = write(
        files.path(),
        "sites.csv",
        "\u{feff}site_id;name;kind;address;latitude;longitude;region\r\n\
         school-12;Школа № 12;school;ул. Абая, 1;43.25249;76.9115;Алматы\r\n\
         School 13;Школа № 13;school;;;;\r\n\
         clinic-3;;hospital;;;;\r\n\
         square-1;Площадь;park;;;;\r\n\
         square-2;Площадь;public_place;;143.2;76.9;\r\n",
    );
    let imported = run(&server, &["sites", "import", &sites]);
    assert_eq!(
        (imported.status.code(), stdout(&imported).trim()),
        (Some(1), "1 registered, 0 unchanged, 4 refused")
    );
    let told = stderr(&imported);
    for expected in [
        "line 3, column site_id: must match",
        "line 4, column name: has 0 characters",
        "line 5, column kind: \"park\" is none of",
        "line 6, column latitude: ",
    ] {
        assert!(told.contains(expected), "{expected} in {told}");
    }
    let devices = write(
        files.path(),
        "devices.csv",
        "site_id,device_id,building,floor,room,latitude,longitude,supervision_class\n\
         school-12,hall-1,Главный корпус,1,холл,,,a\n\
         school-12,hall-2,,,,,,\n\
         nowhere,hall-1,,,,,,\n",
    );
    let imported = run(&server, &["devices", "import", &devices]);
    assert_eq!(
        (imported.status.code(), stdout(&imported).trim()),
        (Some(1), "2 registered, 0 unchanged, 1 refused")
    );
    assert!(
        stderr(&imported).contains("line 4, column site_id: there is no site nowhere"),
        "{}",
        stderr(&imported)
    );
    let events = server.export().len();
    let again = run(&server, &["devices", "import", &devices]);
    assert_eq!(stdout(&again).trim(), "0 registered, 2 unchanged, 1 refused");
    assert_eq!(server.export().len(), events);

    // The alert that was open is adopted.
    let known = alert(&server, |alert| !alert.unverified).await;
    assert_eq!((known.site_name.as_str(), known.place.unwrap().room.as_str()), ("Школа № 12", "холл"));
    let listed = stdout(&run(&server, &["devices", "list"]));
    assert!(listed.contains("school-12/hall-1") && listed.contains("Главный корпус, 1, холл"), "{listed}");
    assert!(stdout(&run(&server, &["sites", "list"])).contains("Школа № 12, ул. Абая, 1"));

    // Everything is there after a restart, which goes on from a snapshot.
    let before = server.list().await;
    server.terminate().await;
    assert!(data.path().join("snapshots").join("alerts").exists());
    let server = Server::up(data.path(), &[]).await;
    assert_eq!(server.list().await, before);
    assert_eq!(stdout(&run(&server, &["devices", "list"])), listed);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exercise_is_shown_as_one_until_it_is_none() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::up(data.path(), &[]).await;
    let put = ["sites", "put", "school-12", "--name", "School 12", "--kind", "school"];
    assert!(run(&server, &put).status.success());
    let start =
        ["windows", "start", "school-12", "--kind", "exercise", "--for", "2h", "--reason", "fire drill"];
    let started = run(&server, &start);
    assert!(stdout(&started).contains("EXERCISE until") && stdout(&started).contains("Әсел: fire drill"));
    publish_acknowledged(server.mqtt_port(), EVENT, r#"{"press":{}}"#);
    let drill = alert(&server, |alert| alert.kind() == AlertKind::Press).await;
    assert_eq!(drill.status(), AlertStatus::Exercise);
    assert!(stdout(&run(&server, &["alerts", "list", "--urgent"])).contains("EXERCISE"));
    let real = run(&server, &["alerts", "actual", &drill.alert_id, "--reason", "smoke"]);
    assert!(real.status.success(), "{}", stderr(&real));
    assert_eq!(server.list().await[0].status(), AlertStatus::Actual);
    assert!(run(&server, &["windows", "end", "school-12"]).status.success());
    let over = run(&server, &["windows", "end", "school-12"]);
    assert!(stderr(&over).contains("no exercise and no test goes on there"), "{}", stderr(&over));
    let incidents = run(&server, &["alerts", "incidents", "--format", "json"]);
    assert_eq!(json_lines(&incidents)[0]["incidentId"], drill.alert_id.as_str());
    let wrong = run(&server, &["alerts", "shelve", &drill.alert_id, "--for", "1h", "--reason", "x"]);
    assert!(stderr(&wrong).contains("only technical alerts can be shelved"), "{}", stderr(&wrong));
}

// P9: who goes is shown, and who comes back is not; a nuisance can be put aside.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_point_that_goes_is_an_alert_until_it_is_back() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::up(data.path(), &[]).await;
    let (topic, will) = ("sos/v1/school-12/hall-1/state", r#"{"online":false,"bootId":"boot"}"#);
    let mut device = Connection::open(server.mqtt_port(), "hall-1", topic, will);
    device.publish(topic, r#"{"online":true,"bootId":"boot"}"#);
    eventually("the birth", async || server.export().pop()).await;
    drop(device);
    let lost = alert(&server, |alert| alert.kind() == AlertKind::Technical).await;
    assert_eq!((lost.note.as_str(), lost.state()), ("LOST", AlertState::Raised));
    let shelve = ["alerts", "shelve", &lost.alert_id, "--for", "8h", "--reason", "building works"];
    assert!(stdout(&run(&server, &shelve)).contains("SHELVED UNTIL"));
    let mut device = Connection::open(server.mqtt_port(), "hall-1", topic, will);
    device.publish(topic, r#"{"online":true,"bootId":"boot"}"#);
    alert(&server, |alert| alert.state() == AlertState::Resolved && alert.shelving.is_none()).await;
}

// P9: a broker that dies is one alert, whatever was connected to it, and it closes when the broker is back.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_dies_is_one_alert() {
    let (data, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let broker = Mosquitto::start(dir.path(), None).await;
    let port = broker.port;
    let text = format!(
        "[mqtt]\nembedded = false\nexternal.address = \"127.0.0.1:{port}\"\n[alerts]\nescalation = []\n"
    );
    let config = write(data.path(), "sos.toml", &text);
    let log = data.path().join("data");
    let args = [
        "up",
        "--config",
        &config,
        "--data",
        log.to_str().unwrap(),
        "--grpc",
        "127.0.0.1:0",
        "--http",
        "127.0.0.1:0",
    ];
    let server = Server::start(&args).await;
    for number in 0..20 {
        let topic = format!("sos/v1/school-12/hall-{number}/state");
        publish_acknowledged(port, &topic, r#"{"online":true,"bootId":"boot"}"#);
    }
    drop(broker);
    let lost = alert(&server, |alert| alert.note.starts_with("BROKER_LOST")).await;
    assert_eq!(server.list().await.len(), 1);
    let _broker = Mosquitto::start(dir.path(), Some(port)).await;
    let closed = alert(&server, |alert| alert.state() == AlertState::Resolved).await;
    assert_eq!(closed.alert_id, lost.alert_id);
}
