//! The edges that other people's clients are written against: health, reflection, gRPC-Web, HTTP, the split
//! into two processes, and the command line.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use sos_proto::alert::v1::{AlertState, ListAlertsRequest, ListAlertsResponse};
use sos_tests::mqtt::{Listener, publish_acknowledged};
use sos_tests::server::{json_lines, sos, stderr, stdout};
use sos_tests::web::{self, text};
use sos_tests::{Server, eventually};
use tokio_stream::StreamExt as _;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

const EVENT: &str = "sos/v1/school-12/hall-1/event";

async fn up() -> (tempfile::TempDir, Server) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::up(data.path(), &[]).await;
    (data, server)
}

async fn channel(address: &str) -> Channel {
    Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_reflection_answer() {
    let (_data, server) = up().await;
    let channel = channel(server.address("grpc")).await;
    for service in ["", "sos.alert.v1.AlertService"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let status = HealthClient::new(channel.clone()).check(request).await.unwrap().into_inner().status();
        assert_eq!(status, ServingStatus::Serving, "{service:?}");
    }
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let requests = tokio_stream::iter([request]);
    let mut answers =
        ServerReflectionClient::new(channel).server_reflection_info(requests).await.unwrap().into_inner();
    let Some(MessageResponse::ListServicesResponse(list)) =
        answers.next().await.unwrap().unwrap().message_response
    else {
        panic!("no list of services");
    };
    let names: Vec<_> = list.service.iter().map(|s| &*s.name).collect();
    for name in ["sos.alert.v1.AlertService", "sos.log.v1.EventLogService", "grpc.health.v1.Health"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_can_ask_over_grpc_web() {
    let (_data, server) = up().await;
    publish_acknowledged(server.mqtt_port(), EVENT, r#"{"press":{}}"#);
    eventually("the alert", async || server.list().await.pop()).await;
    let list = ListAlertsRequest::default();
    let answer = web::ask(server.address("grpc"), "sos.alert.v1.AlertService/ListAlerts", &[], &list);
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", text(&answer));
    assert!(text(&answer).contains("grpc-status:0"), "{}", text(&answer));
    let alert = web::find(&answer, |mut page: ListAlertsResponse| {
        page.alerts.pop().filter(|alert| alert.site_id == "school-12")
    });
    assert_eq!(alert.unwrap().state(), AlertState::Raised);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_and_health_are_served_over_http() {
    let (_data, server) = up().await;
    publish_acknowledged(server.mqtt_port(), EVENT, r#"{"press":{}}"#);
    assert!(server.get("/healthz").starts_with("HTTP/1.1 200"));
    assert!(server.get("/readyz").starts_with("HTTP/1.1 200"));
    let metrics = server.get("/metrics");
    for line in ["sos_log_position 1", "sos_ingest_messages_total{outcome=\"recorded\"} 1", "sos_alerts_open"]
    {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    assert!(server.get("/nothing").starts_with("HTTP/1.1 404"));
}

// P1, P5: gateway and processor in two processes keep the promises of one.
#[tokio::test(flavor = "multi_thread")]
async fn gateway_and_processor_run_apart() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().to_str().unwrap();
    let free = "127.0.0.1:0";
    let gateway =
        Server::start(&["gateway", "--data", path, "--mqtt", free, "--log", free, "--http", free]).await;
    let log = gateway.address("log").to_owned();
    let own = tempfile::tempdir().unwrap();
    let own = own.path().to_str().unwrap();
    let args = ["processor", "--data", own, "--log", &log, "--grpc", free, "--http", free];
    let processor = Server::start(&args).await;
    let mut device = Listener::subscribe(gateway.mqtt_port(), "sos/v1/school-12/hall-1/feedback").await;
    publish_acknowledged(gateway.mqtt_port(), EVENT, r#"{"press":{}}"#);
    let alert = eventually("the alert", async || processor.list().await.pop()).await;
    assert!(device.next("/feedback").await.payload.contains("RECEIVED"));
    let grpc = processor.address("grpc");
    let ack = sos(&["alerts", "ack", &alert.alert_id, "--as", "asel", "--grpc", grpc]);
    assert!(ack.status.success(), "{}", stderr(&ack));
    assert!(device.next("/feedback").await.payload.contains("ACKNOWLEDGED"));
    for address in [grpc, &log] {
        let exported = json_lines(&sos(&["log", "export", "--grpc", address]));
        assert_eq!(exported.len(), 2);
        let verified = sos(&["log", "verify", "--grpc", address]);
        assert!(verified.status.success(), "{}", stderr(&verified));
    }
    assert_eq!(processor.terminate().await.0, Some(0));
    assert_eq!(gateway.terminate().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_is_told_in_one_line() {
    let (data, _server) = up().await;
    let path = data.path().to_str().unwrap();
    for args in [vec!["log", "info", "--data", path], vec!["up", "--data", path, "--mqtt", "127.0.0.1:0"]] {
        let second = sos(&args);
        assert_eq!(second.status.code(), Some(1));
        let said = stderr(&second);
        assert!(said.contains("in use by another process") && said.lines().count() == 1, "{said}");
    }
}

#[test]
fn faults_of_the_configuration_are_named_by_their_keys() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sos.toml");
    std::fs::write(&file, "[mqtt]\nlisten = \"nowhere\"\n[http]\nlisten = \"127.0.0.1\"\n").unwrap();
    let file = file.to_str().unwrap();
    let checked = sos(&["config", "check", "--config", file]);
    assert_eq!(checked.status.code(), Some(1));
    for key in ["mqtt.listen", "http.listen"] {
        assert!(stderr(&checked).contains(key), "{}", stderr(&checked));
    }
    std::fs::write(file, "[mqtt]\nlissten = \"127.0.0.1:1883\"\n").unwrap();
    assert!(stderr(&sos(&["config", "check", "--config", file])).contains("lissten"));
    let shown = sos(&["config", "show", "--mqtt", "127.0.0.1:1999"]);
    assert!(stdout(&shown).contains("mqtt.listen = \"127.0.0.1:1999\""), "{}", stdout(&shown));
    assert_eq!(sos(&["config", "shout"]).status.code(), Some(2));
}

// P6: the whole life of an alert on the command line.
#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_handled_on_the_command_line() {
    let (_data, server) = up().await;
    publish_acknowledged(server.mqtt_port(), EVENT, r#"{"press":{}}"#);
    let alert = eventually("the alert is there", async || server.list().await.pop()).await;
    let mut lamp = Listener::subscribe(server.mqtt_port(), "sos/v1/+/+/feedback").await;
    let order = |operator: &str, command: &[&str]| {
        let (verb, rest) = command.split_first().unwrap();
        let base = ["alerts", verb, &alert.alert_id, "--as", operator, "--format", "json", "--grpc"];
        sos(&[&base[..], &[server.address("grpc")], rest].concat())
    };
    let steps: [(&str, &[&str], &str); 9] = [
        ("bolat", &["escalate", "--reason", "nobody is at the desk"], "RECEIVED"),
        ("asel", &["ack"], "ACKNOWLEDGED"),
        ("asel", &["dispatch", "patrol-7"], "HELP_COMING"),
        ("asel", &["transfer", "bolat"], "HELP_COMING"),
        ("bolat", &["response", "patrol-7", "on-scene"], "HELP_ON_SCENE"),
        ("bolat", &["response", "patrol-7", "cleared"], "ACKNOWLEDGED"),
        ("bolat", &["resolve", "--disposition", "genuine"], "IDLE"),
        ("dana", &["reopen", "--note", "they called again"], "ACKNOWLEDGED"),
        ("dana", &["resolve", "--disposition", "duplicate"], "IDLE"),
    ];
    let mut shown = String::new();
    for (operator, command, indicator) in steps {
        let output = order(operator, command);
        assert!(output.status.success(), "{command:?}: {}", stderr(&output));
        // A lamp that goes on as it is hears nothing; the retained message came with the subscription.
        if shown != indicator {
            let feedback = lamp.next("/feedback").await.payload;
            assert!(feedback.contains(&format!("INDICATOR_{indicator}\"")), "{command:?}: {feedback}");
            shown = indicator.to_owned();
        }
    }
    let refused = order("asel", &["dispatch", "patrol-7"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("RESOLVED by dana: it is closed"), "{}", stderr(&refused));
    let history = order("asel", &["show"]);
    assert_eq!(json_lines(&history)[0]["timeline"].as_array().unwrap().len(), 10);
}

// P11: a log that is not what was written ends verification with its first bad position and exit code 3.
#[tokio::test(flavor = "multi_thread")]
async fn verify_finds_a_changed_byte() {
    let (data, server) = up().await;
    for number in 0..10 {
        let press = format!(r#"{{"bootId":"boot-number-{number}","sequence":"1","press":{{}}}}"#);
        publish_acknowledged(server.mqtt_port(), EVENT, &press);
    }
    server.terminate().await;
    let path = data.path().to_str().unwrap();
    let verify = || sos(&["log", "verify", "--data", path]);
    assert_eq!(verify().status.code(), Some(0), "{}", stderr(&verify()));

    let db = data.path().join("segments").join(format!("{:020}", 1)).join("db");
    let mut bytes = std::fs::read(&db).unwrap();
    let boot_id = b"boot-number-4";
    let at = bytes.windows(boot_id.len()).position(|w| w == boot_id).unwrap();
    *bytes.get_mut(at + boot_id.len() - 1).unwrap() = b'5';
    std::fs::write(&db, bytes).unwrap();
    let found = verify();
    assert_eq!(found.status.code(), Some(3), "{}", stderr(&found));
    assert!(stderr(&found).contains("damaged"), "{}", stderr(&found));
    // And nobody goes on with it as if nothing had happened.
    let refused = sos(&["up", "--data", path, "--mqtt", "127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("damaged"), "{}", stderr(&refused));
}
