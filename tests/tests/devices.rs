//! Call points that prove who they are, on the embedded broker and on Mosquitto: none can be another.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use sos_tests::authority::Authority;
use sos_tests::mqtt::{Listener, Mosquitto, publish};
use sos_tests::server::{sos, stderr, stdout};
use sos_tests::{Server, eventually};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const DOOR: &str = "sos/v1/school-1/door";
const GATE: &str = "sos/v1/school-1/gate";

/// A server, and certificates for a door and a gate of one school, and for an administrator.
async fn up(data: &Path, mqtt_auth: &str) -> (Authority, Server) {
    let authority = Authority::new();
    authority.issue(&["--device", "school-1/door"], "door");
    authority.issue(&["--device", "school-1/gate"], "gate");
    authority.issue(&["--operator", "admin", "--role", "admin"], "admin");
    let config = authority.config(mqtt_auth, "certificate", "");
    let server = authority.up(&data.join("data"), &config).await;
    (authority, server)
}

fn press(port: u16, topic: &str, device: &[String], more: &[&str]) -> Output {
    let device: Vec<_> = device.iter().map(String::as_str).collect();
    publish(port, topic, &[&["-m", r#"{"press":{}}"#, "-V", "mqttv311"], more, &device].concat())
}

/// Runs an administrator's command.
fn command(authority: &Authority, server: &Server, args: &[&str]) -> String {
    let (ca, cert, key) =
        (authority.file("ca.crt"), authority.file("admin.crt"), authority.file("admin.key"));
    let access = ["--grpc", server.address("grpc"), "--ca", &ca, "--cert", &cert, "--key", &key];
    let output = sos(&[args, &access].concat());
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

/// The call points that the log says have pressed.
fn pressed(authority: &Authority, server: &Server) -> Vec<String> {
    let log = command(authority, server, &["log", "export"]);
    let events = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let presses = events.filter(|recorded| recorded.pointer("/event/press").is_some());
    presses.map(|press| press.pointer("/event/deviceId").unwrap().as_str().unwrap().to_owned()).collect()
}

/// A call point that stays connected, and publishes a press for each line that it is given.
struct Session {
    process: Child,
    lines: ChildStdin,
}

impl Session {
    fn open(port: u16, topic: &str, device: &[String]) -> Self {
        let mut process = Command::new("stdbuf")
            .args(["-oL", "mosquitto_pub", "-h", "127.0.0.1", "-p", &port.to_string(), "-q", "1"])
            .args(["-l", "-d", "-t", topic])
            .args(device)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = process.stdin.take().unwrap();
        Self { process, lines }
    }

    fn press(&mut self) {
        // Fails where it is gone already.
        let _written = self.lines.write_all(b"{\"press\":{}}\n");
    }

    /// Whether it was refused when it came back, which it tries for ever.
    fn end_refused(mut self) -> bool {
        let told = std::io::BufReader::new(self.process.stderr.take().unwrap()).lines();
        let refused = told.map_while(Result::ok).any(|line| line.contains("not authorised"));
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        refused
    }

    /// How often it connected.
    fn end(self) -> usize {
        let Self { mut process, lines } = self;
        drop(lines);
        let told = std::io::read_to_string(process.stdout.take().unwrap()).unwrap();
        process.wait().unwrap();
        told.lines().filter(|line| line.contains("sending CONNECT")).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_point_with_a_certificate_is_nobody_else() {
    let data = tempfile::tempdir().unwrap();
    let (authority, server) = up(data.path(), "certificate").await;
    let port = server.mqtt_port();
    let (door, gate) = (authority.device("door", "school-1/door"), authority.device("gate", "school-1/gate"));
    let event = |of: &str| format!("{of}/event");
    assert!(press(port, &event(DOOR), &door, &[]).status.success());
    // As the gate: to its topic, under its name, with its last will, without a certificate.
    assert!(!press(port, &event(GATE), &door, &[]).status.success());
    let five = press(port, &event(GATE), &door, &["-V", "mqttv5"]);
    assert!(stderr(&five).contains("ot authorized"), "{}", stderr(&five));
    let takes_over = authority.device("door", "school-1/gate");
    assert!(!press(port, &event(DOOR), &takes_over, &[]).status.success());
    let will = ["--will-topic", "sos/v1/school-1/gate/state", "--will-payload", "{}"];
    assert!(!press(port, &event(DOOR), &door, &will).status.success());
    let bare = ["--cafile".to_owned(), authority.file("ca.crt"), "-i".to_owned(), "school-1/gate".to_owned()];
    assert!(!press(port, &event(GATE), &bare, &[]).status.success());
    let plain = ["-i".to_owned(), "school-1/gate".to_owned()];
    assert!(!press(port, &event(GATE), &plain, &[]).status.success());
    let named = ["-u", "school-1/gate"];
    assert!(!press(port, &event(GATE), &door, &named).status.success());
    // A retained state of another, and somebody who is no call point.
    assert!(!press(port, &format!("{GATE}/state"), &door, &["-r"]).status.success());
    let admin = authority.device("admin", "admin");
    assert!(!press(port, &event(GATE), &admin, &[]).status.success());
    assert!(press(port, &event(GATE), &gate, &[]).status.success());
    assert_eq!(pressed(&authority, &server), ["door", "gate"]);
    let metrics = server.get("/metrics");
    assert!(metrics.contains("sos_mqtt_denied_total{what=\"publish\"}"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_point_hears_only_what_is_for_it() {
    let data = tempfile::tempdir().unwrap();
    let (authority, server) = up(data.path(), "certificate").await;
    let port = server.mqtt_port();
    let (door, gate) = (authority.device("door", "school-1/door"), authority.device("gate", "school-1/gate"));
    let door_text: Vec<_> = door.iter().map(String::as_str).collect();
    for filter in ["sos/v1/school-1/gate/receipt", "sos/v1/#", "#", "sos/v1/+/+/event"] {
        let output = Command::new("mosquitto_sub")
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-t", filter, "-E"])
            .args(&door_text)
            .output()
            .unwrap();
        let told = stderr(&output) + &stdout(&output);
        assert!(told.contains("denied") || told.contains("rejected"), "{filter}: {told}");
    }
    for (of, device) in [(GATE, &gate), (DOOR, &door)] {
        assert!(press(port, &format!("{of}/event"), device, &[]).status.success());
        let device: Vec<_> = device.iter().map(String::as_str).collect();
        let mut own = Listener::subscribe_with(port, &format!("{of}/#"), &device).await;
        assert_eq!(own.next("/feedback").await.topic, format!("{of}/feedback"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_call_point_is_out_at_once() {
    let data = tempfile::tempdir().unwrap();
    let (authority, server) = up(data.path(), "certificate").await;
    let port = server.mqtt_port();
    let door = authority.device("door", "school-1/door");
    let topic = format!("{DOOR}/event");
    let mut session = Session::open(port, &topic, &door);
    session.press();
    eventually("the press is there", async || (pressed(&authority, &server).len() == 1).then_some(())).await;
    command(&authority, &server, &["devices", "revoke", "school-1/door", "--reason", "stolen"]);
    assert!(!press(port, &topic, &door, &[]).status.success());
    session.press();
    assert!(session.end_refused());
    assert_eq!(pressed(&authority, &server).len(), 1, "what was connected is out, too");
    command(&authority, &server, &["devices", "allow", "school-1/door"]);
    assert!(press(port, &topic, &door, &[]).status.success());
    assert_eq!(pressed(&authority, &server).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_printed_once_and_counts_from_then_on() {
    let data = tempfile::tempdir().unwrap();
    let (authority, server) = up(data.path(), "password").await;
    let port = server.mqtt_port();
    let password = command(&authority, &server, &["devices", "password", "school-1/door"]);
    let ca = authority.file("ca.crt");
    let with = |password: &str| {
        ["--cafile", &ca, "-i", "school-1/door", "-u", "school-1/door", "-P", password.trim()]
            .map(str::to_owned)
    };
    let topic = format!("{DOOR}/event");
    assert!(press(port, &topic, &with(&password), &[]).status.success());
    assert!(!press(port, &topic, &with("guess"), &[]).status.success());
    assert!(!press(port, &format!("{GATE}/event"), &with(&password), &[]).status.success());
    let new = command(&authority, &server, &["devices", "password", "school-1/door"]);
    assert!(!press(port, &topic, &with(&password), &[]).status.success());
    assert!(press(port, &topic, &with(&new), &[]).status.success());
    assert_eq!(pressed(&authority, &server).len(), 2);
    let log = command(&authority, &server, &["log", "export"]);
    assert!(!log.contains(password.trim()) && log.contains("$argon2id$"));
}

/// The certificates that servers present.
async fn presented(authority: &Authority, ports: [u16; 2]) -> Vec<Vec<u8>> {
    let config = ClientConfig::builder_with_provider(sos_auth::tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(sos_auth::tls::roots(&authority.path("ca.crt")).unwrap())
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let mut certificates = Vec::new();
    for port in ports {
        // The port is closed for a moment while it is bound anew.
        let stream =
            eventually("the port is open", async || TcpStream::connect(("127.0.0.1", port)).await.ok());
        let name = ServerName::try_from("127.0.0.1").unwrap();
        if let Ok(stream) = connector.connect(name, stream.await).await {
            let chain = stream.get_ref().1.peer_certificates().unwrap();
            certificates.push(chain.first().unwrap().to_vec());
        }
    }
    certificates
}

// A new certificate is in use without a restart, and who is connected stays so.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_drops_nobody() {
    let data = tempfile::tempdir().unwrap();
    let (authority, server) = up(data.path(), "certificate").await;
    let port = server.mqtt_port();
    let mut session =
        Session::open(port, &format!("{GATE}/event"), &authority.device("gate", "school-1/gate"));
    session.press();
    eventually("it is connected", async || (pressed(&authority, &server).len() == 1).then_some(())).await;
    let grpc_port: u16 = server.address("grpc").rsplit_once(':').unwrap().1.parse().unwrap();
    let before = presented(&authority, [port, grpc_port]).await;
    assert!(before.len() == 2 && before.first() == before.last());
    let dir = authority.path("");
    let renewed = sos(&[
        "certs",
        "renew",
        "--dir",
        dir.to_str().unwrap(),
        "--out",
        &authority.file("server"),
        "--days",
        "30",
    ]);
    assert!(renewed.status.success(), "{}", stderr(&renewed));
    eventually("both present the new one", async || {
        let now = presented(&authority, [port, grpc_port]).await;
        (now.len() == 2 && now.first() == now.last() && now != before).then_some(())
    })
    .await;
    session.press();
    let door = authority.device("door", "school-1/door");
    assert!(press(port, &format!("{DOOR}/event"), &door, &[]).status.success());
    eventually("all have pressed", async || (pressed(&authority, &server).len() == 3).then_some(())).await;
    assert_eq!(session.end(), 1, "it connected once");
}

// The configuration that we ship for Mosquitto does the same for an external broker.
#[tokio::test(flavor = "multi_thread")]
async fn on_mosquitto_a_call_point_is_nobody_else() {
    let data = tempfile::tempdir().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    for (name, call_point) in [("door", "school-1/door"), ("gate", "school-1/gate")] {
        authority.issue(&["--device", call_point], name);
    }
    let broker = Mosquitto::shipped(dir.path(), &authority).await;
    let config = dir.path().join("sos.toml");
    let text = format!("[mqtt]\nembedded = false\nexternal.address = \"127.0.0.1:{}\"\n", broker.inside);
    std::fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let data = data.path().to_str().unwrap();
    let args = ["up", "--config", config, "--data", data, "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"];
    let server = Server::start(&args).await;
    let (door, gate) = (authority.device("door", "school-1/door"), authority.device("gate", "school-1/gate"));
    // Mosquitto acknowledges what it throws away, to MQTT 3.1.1 at least.
    let _thrown = press(broker.port, &format!("{GATE}/event"), &door, &[]);
    let _taken_over =
        press(broker.port, &format!("{GATE}/event"), &authority.device("door", "school-1/gate"), &[]);
    let bare = ["--cafile".to_owned(), authority.file("ca.crt"), "-i".to_owned(), "school-1/gate".to_owned()];
    assert!(!press(broker.port, &format!("{GATE}/event"), &bare, &[]).status.success());
    let _thrown = press(broker.port, &format!("{DOOR}/event"), &gate, &[]);
    assert!(press(broker.port, &format!("{GATE}/event"), &gate, &[]).status.success());
    let log = eventually("the gate has pressed", async || {
        let log = server.export();
        (!log.is_empty()).then_some(log)
    })
    .await;
    assert!(log.iter().all(|recorded| recorded["event"]["deviceId"] == "gate"), "{log:?}");
    let mut lamp = Listener::subscribe_with(
        broker.port,
        &format!("{GATE}/feedback"),
        &gate.iter().map(String::as_str).collect::<Vec<_>>(),
    )
    .await;
    assert_eq!(lamp.next("/feedback").await.topic, format!("{GATE}/feedback"));
    assert_eq!(server.export().len(), 1, "nothing came as somebody else");
}
