//! Browsers: the page through TLS, and which pages may speak to the operator contract.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, ClientConnection, StreamOwned};
use sos_auth::tls;
use sos_proto::alert::v1::{AcknowledgeAlertRequest, AlertState};
use sos_proto::session::v1::session_service_client::SessionServiceClient;
use sos_proto::session::v1::{GetSessionRequest, GetSessionResponse};
use sos_tests::authority::Authority;
use sos_tests::mqtt::publish_acknowledged;
use sos_tests::web::{ask, converse, exchange, find, text};
use sos_tests::{Server, eventually};
use tonic::transport::Channel;
use tonic::{Code, Request};

const GET_SESSION: &str = "sos.session.v1.SessionService/GetSession";

/// What a browser is told that asks whether a page may call.
fn preflight(server: &Server, origin: &str) -> String {
    let head = format!(
        "OPTIONS /{GET_SESSION} HTTP/1.1\r\nOrigin: {origin}\r\nAccess-Control-Request-Method: POST\r\n\
         Access-Control-Request-Headers: authorization,content-type,x-grpc-web"
    );
    text(&exchange(server.address("grpc"), &head, b""))
}

/// What a page is told that asks who sits in front of it.
fn session(server: &Server, origin: &str, lines: &[&str]) -> (String, Option<GetSessionResponse>) {
    let origin = format!("Origin: {origin}");
    let lines = [&[origin.as_str(), "X-Grpc-Web: 1"], lines].concat();
    let answer = ask(server.address("grpc"), GET_SESSION, &lines, &GetSessionRequest {});
    let session =
        find(&answer, |session: GetSessionResponse| (!session.methods.is_empty()).then_some(session));
    (text(&answer), session)
}

fn is_allowed(answer: &str, origin: &str) -> bool {
    answer.contains(&format!("access-control-allow-origin: {origin}\r\n"))
        && answer.contains("access-control-allow-credentials: true\r\n")
}

async fn up(data: &Path) -> Server {
    Server::up(data, &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_of_the_process_may_ask() {
    let data = tempfile::tempdir().unwrap();
    let server = up(data.path()).await;
    let http = server.address("http");
    let port = http.rsplit_once(':').unwrap().1;
    for origin in [format!("http://{http}"), format!("http://localhost:{port}")] {
        let told = preflight(&server, &origin);
        assert!(told.starts_with("HTTP/1.1 200") && is_allowed(&told, &origin), "{told}");
        for line in ["access-control-allow-methods: POST", "access-control-max-age: 86400"] {
            assert!(told.contains(line), "{line} in {told}");
        }
        let allowed =
            told.lines().find_map(|line| line.strip_prefix("access-control-allow-headers: ")).unwrap();
        let allowed: Vec<_> = allowed.split(',').collect();
        for name in
            ["authorization", "content-type", "sos-operator", "x-grpc-web", "grpc-timeout", "traceparent"]
        {
            assert!(allowed.contains(&name), "{name} in {allowed:?}");
        }
        let (answer, session) = session(&server, &origin, &["sos-operator: asel"]);
        assert!(is_allowed(&answer, &origin), "{answer}");
        for name in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
            let exposed =
                answer.lines().find(|line| line.starts_with("access-control-expose-headers: ")).unwrap();
            assert!(exposed.contains(name), "{name} in {exposed}");
        }
        assert_eq!(session.unwrap().name, "asel");
    }
}

// On loopback nobody is asked who they are: whatever page a browser there shows could command, were it not for this.
#[tokio::test(flavor = "multi_thread")]
async fn no_other_page_may() {
    let data = tempfile::tempdir().unwrap();
    let server = up(data.path()).await;
    publish_acknowledged(server.mqtt_port(), "sos/v1/school-12/hall-1/event", r#"{"press":{}}"#);
    let alert = eventually("the alert", async || server.list().await.pop()).await;
    let grpc = server.address("grpc");
    let http = server.address("http");
    let origins = [
        "https://evil.example".to_owned(),
        // A name of theirs that leads here: to the browser, page and port are one.
        format!("http://evil.example:{}", grpc.rsplit_once(':').unwrap().1),
        format!("https://{http}"),
        format!("http://{http}.evil.example"),
        "null".to_owned(),
    ];
    for origin in &origins {
        assert!(!preflight(&server, origin).contains("access-control-allow-origin"), "{origin}");
        let (answer, session) = session(&server, origin, &["sos-operator: asel"]);
        assert!(answer.contains("grpc-status: 7") && answer.contains("grpc.origins"), "{answer}");
        assert!(!answer.contains("access-control-allow-origin") && session.is_none(), "{answer}");
        // A browser sends some requests without asking first, and only keeps the answer from the page.
        let line = format!("Origin: {origin}");
        let ack = AcknowledgeAlertRequest {
            alert_id: alert.alert_id.clone(),
            request_id: origin.clone(),
            expected_revision: None,
        };
        let _ = ask(grpc, "sos.alert.v1.AlertService/AcknowledgeAlert", &[&line, "sos-operator: asel"], &ack);
    }
    assert_eq!(server.list().await.pop().unwrap().state(), AlertState::Raised);
    let counted = format!("sos_auth_denied_total{{reason=\"origin\"}} {}", 2 * origins.len());
    let metrics = server.get("/metrics");
    assert!(metrics.contains(&counted), "{counted} in {metrics}");

    // HTTP/2 is no way around it, and who is no page says nothing of one.
    let channel = Channel::from_shared(format!("http://{grpc}")).unwrap().connect().await.unwrap();
    let mut client = SessionServiceClient::new(channel);
    let mut request = Request::new(GetSessionRequest {});
    request.metadata_mut().insert("origin", "https://evil.example".parse().unwrap());
    assert_eq!(client.get_session(request).await.unwrap_err().code(), Code::PermissionDenied);
    assert!(client.get_session(GetSessionRequest {}).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_elsewhere_may_by_name_and_need_a_token_all_the_same() {
    let (authority, data) = (Authority::new(), tempfile::tempdir().unwrap());
    let (config, jwks) = (authority.path("web.toml"), authority.file("jwks.json"));
    let origin = "https://console.example.kz";
    let text = format!("[grpc]\nauth = \"token\"\njwks = {jwks:?}\norigins = [\"{origin}:443\"]\n");
    std::fs::write(&config, text).unwrap();
    let server = Server::up(data.path(), &["--config", config.to_str().unwrap()]).await;
    let told = preflight(&server, origin);
    assert!(told.starts_with("HTTP/1.1 200") && is_allowed(&told, origin), "no token is sent yet: {told}");
    let (refused, nobody) = session(&server, origin, &[]);
    assert!(refused.contains("grpc-status: 16") && is_allowed(&refused, origin), "{refused}");
    assert_eq!(nobody, None);
    let bearer = format!("Authorization: Bearer {}", authority.token("asel", "viewer", &[]));
    let (_, asel) = session(&server, origin, &[&bearer]);
    assert_eq!(asel.map(|asel| (asel.name, asel.role)), Some(("asel".to_owned(), "viewer".to_owned())));
    let (answer, session) = session(&server, "https://evil.example", &[&bearer]);
    assert!(session.is_none() && answer.contains("grpc-status: 7"), "{answer}");
}

/// What the HTTP port answers through TLS to whoever trusts the authority, the protocol, and whom they spoke to.
fn get(authority: &Authority, server: &Server, path: &str) -> (String, Option<Vec<u8>>, Vec<u8>) {
    let mut config = ClientConfig::builder_with_provider(tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(tls::roots(&authority.path("ca.crt")).unwrap())
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let client = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let http = server.address("http");
    let mut stream = StreamOwned::new(client, TcpStream::connect(http).unwrap());
    let answer = converse(&mut stream, http, &format!("GET {path} HTTP/1.1"), b"");
    let certificate = stream.conn.peer_certificates().unwrap().first().unwrap().to_vec();
    (text(&answer), stream.conn.alpn_protocol().map(<[u8]>::to_vec), certificate)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_comes_through_tls() {
    let (authority, data) = (Authority::new(), tempfile::tempdir().unwrap());
    authority.issue(&["--server", "localhost", "sos.example.kz"], "web");
    let (config, cert, key) =
        (authority.path("web.toml"), authority.file("web.crt"), authority.file("web.key"));
    std::fs::write(&config, format!("[http]\ntls = {{ cert = {cert:?}, key = {key:?} }}\n")).unwrap();
    let server = Server::up(data.path(), &["--config", config.to_str().unwrap()]).await;
    for path in ["/", "/metrics", "/readyz"] {
        let (answer, protocol, _) = get(&authority, &server, path);
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        assert_eq!(protocol.as_deref(), Some(&b"http/1.1"[..]));
    }
    // Who speaks plainly hears nothing, and the page's origins are those of the certificate.
    let mut plain = TcpStream::connect(server.address("http")).unwrap();
    let mut heard = Vec::new();
    // It may be cut off at any byte.
    let _sent = plain.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let _read = plain.read_to_end(&mut heard);
    assert!(!text(&heard).contains("200"), "{}", text(&heard));
    let http = server.address("http");
    let port = http.rsplit_once(':').unwrap().1;
    for (origin, is_ours) in [
        (format!("https://sos.example.kz:{port}"), true),
        (format!("https://localhost:{port}"), true),
        (format!("https://{http}"), true),
        (format!("http://{http}"), false),
        (format!("https://sos.example.kz:{port}0"), false),
    ] {
        let (answer, session) = session(&server, &origin, &[]);
        assert_eq!(session.is_some(), is_ours, "{answer}");
    }
    // A certificate that is renewed is used without a restart.
    let (_, _, before) = get(&authority, &server, "/healthz");
    authority.issue(&["--server", "localhost"], "renewed");
    std::fs::copy(authority.path("renewed.key"), &key).unwrap();
    std::fs::copy(authority.path("renewed.crt"), &cert).unwrap();
    eventually("the new certificate", async || {
        (get(&authority, &server, "/healthz").2 != before).then_some(())
    })
    .await;
}
