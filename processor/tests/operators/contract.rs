//! The port itself: health, reflection, gRPC-Web, and what happens before the state is ready and when the log ends.

use std::sync::Arc;

use futures::stream;
use sos_eventlog::{Append, EventLog, LocalLog};
use sos_processor::{Error, FollowError, Processor};
use sos_proto::alert::v1::ListAlertsRequest;
use sos_proto::device::v1::Press;
use sos_proto::event::v1::event::Body;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use super::gated::Gated;
use super::support::{Town, config, happening, list, log};

const SERVING: i32 = 1;
const NOT_SERVING: i32 = 2;

async fn health(town: &Town, service: &str) -> i32 {
    let request = HealthCheckRequest { service: service.into() };
    HealthClient::new(town.channel().await).check(request).await.unwrap().into_inner().status
}

// P5: nobody is shown the past as the present.
#[tokio::test]
async fn nothing_is_shown_before_the_state_is_ready() {
    let gated = Gated::new(log(), false);
    let processor = Processor::new(config(), gated.clone());
    let mut ready = processor.readiness();
    let press = happening("hall", "door", Body::Press(Press::default()));
    gated.append(Append::one(press)).await.unwrap();

    let town = Town::starting(gated.clone(), processor).await;
    let mut client = town.client().await;
    assert_eq!(client.list_alerts(ListAlertsRequest::default()).await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(
        (health(&town, "").await, health(&town, "sos.alert.v1.AlertService").await),
        (NOT_SERVING, NOT_SERVING)
    );
    assert!(!*ready.borrow());

    gated.open();
    ready.wait_for(|ready| *ready).await.unwrap();
    assert_eq!(list(&mut client, None).await.len(), 1);
    assert_eq!(
        (health(&town, "").await, health(&town, "sos.alert.v1.AlertService").await),
        (SERVING, SERVING)
    );
    town.stop().await.unwrap();
}

#[tokio::test]
async fn the_end_of_the_log_stops_the_processor() {
    let log = LocalLog::in_memory();
    let mut town = Town::on(Arc::new(log.clone()), config()).await;
    log.close().await;
    let ended = town.running.join_next().await.unwrap().unwrap();
    assert!(matches!(ended, Err(Error::Follow(FollowError::Closed))), "{ended:?}");
}

#[tokio::test]
async fn reflection_names_the_services() {
    let town = Town::new().await;
    let mut client = ServerReflectionClient::new(town.channel().await);
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = client.server_reflection_info(stream::iter([request])).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(services) = answer else { panic!("{answer:?}") };
    let mut names: Vec<_> = services.service.into_iter().map(|service| service.name).collect();
    names.sort();
    let served = [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "sos.alert.v1.AlertService",
        "sos.log.v1.EventLogService",
        "sos.registry.v1.RegistryService",
        "sos.session.v1.SessionService",
    ];
    assert_eq!(names, served);
    drop(answers);
    town.stop().await.unwrap();
}

// P10: a connection says how many calls it takes at once.
#[tokio::test]
async fn a_connection_is_limited() {
    let town = Town::new().await;
    let mut stream = TcpStream::connect(town.address).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(head[3], 4, "the first frame holds the settings");
    let mut settings = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
    stream.read_exact(&mut settings).await.unwrap();
    // SETTINGS_MAX_CONCURRENT_STREAMS (RFC 9113, 6.5.2), then its value.
    assert!(settings.chunks(6).any(|setting| setting == [0, 3, 0, 0, 1, 0]), "{settings:?}");
    drop(stream);
    town.stop().await.unwrap();
}

#[tokio::test]
async fn browsers_are_served_as_grpc_web() {
    let town = Town::new().await;
    let mut stream = TcpStream::connect(town.address).await.unwrap();
    let head = format!(
        "POST /sos.alert.v1.AlertService/ListAlerts HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\
         content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\ncontent-length: 5\r\n\r\n",
        town.address
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // An empty message: not compressed, no bytes.
    stream.write_all(&[0; 5]).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("application/grpc-web+proto") && answer.contains("grpc-status:0"), "{answer}");
    town.stop().await.unwrap();
}
