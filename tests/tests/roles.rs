//! Every method of the operator contract, by every role, within every scope, on a server that wants tokens.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use sos_auth::Role;
use sos_auth::policy::{Wants, methods};
use sos_proto::alert::v1::alert_service_client::AlertServiceClient;
use sos_proto::alert::v1::watch_alerts_response::Event;
use sos_proto::alert::v1::{
    AcknowledgeAlertRequest, GetAlertRequest, ListAlertsRequest, ListIncidentsRequest, WatchAlertsRequest,
};
use sos_proto::link::Link;
use sos_proto::registry::v1::registry_service_client::RegistryServiceClient;
use sos_proto::registry::v1::{
    GetDeviceRequest, ListDevicesRequest, ListSitesRequest, PutSiteRequest, RetireDeviceRequest, Site,
    WatchDevicesRequest, watch_devices_response,
};
use sos_proto::session::v1::session_service_client::SessionServiceClient;
use sos_proto::session::v1::{GetSessionRequest, GetSessionResponse};
use sos_tests::authority::Authority;
use sos_tests::mqtt::publish_acknowledged;
use sos_tests::server::{sos, stderr, stdout};
use sos_tests::{Server, eventually};
use tempfile::TempDir;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

/// A server that wants tokens, and call points that press at two sites of two regions and at one that nobody
/// registered. Devices prove nothing: they are another test's business.
async fn up(authority: &Authority) -> (Server, TempDir) {
    let data = tempfile::tempdir().unwrap();
    let config = authority.config("none", "token", "");
    let text = std::fs::read_to_string(&config).unwrap();
    let mqtt = text.lines().filter(|line| !line.starts_with("tls = ")).collect::<Vec<_>>().join("\n");
    let grpc_tls = text.lines().rfind(|line| line.starts_with("tls = ")).unwrap();
    std::fs::write(&config, mqtt.replace("[grpc]", &format!("[grpc]\n{grpc_tls}"))).unwrap();
    let server = authority.up(&data.path().join("data"), &config).await;
    let admin = link(authority, &server, "admin", &[]).await;
    for (site_id, region) in [("school-1", "almaty"), ("school-2", "astana")] {
        let site =
            Site { site_id: site_id.into(), name: site_id.into(), region: region.into(), ..Site::default() };
        let request = PutSiteRequest { request_id: format!("put-{site_id}"), site: Some(site) };
        RegistryServiceClient::new(admin.clone()).put_site(request).await.unwrap();
    }
    for site in ["school-1", "school-2", "nowhere"] {
        publish_acknowledged(server.mqtt_port(), &format!("sos/v1/{site}/door/event"), r#"{"press":{}}"#);
    }
    eventually("all alerts are there", async || (alerts(&admin).await.len() == 3).then_some(())).await;
    (server, data)
}

async fn link(authority: &Authority, server: &Server, role: &str, scope: &[&str]) -> Link {
    let token = authority.token(&format!("{role}-1"), role, scope);
    authority.link(server, None, Some(&token)).await.unwrap()
}

async fn alerts(link: &Link) -> Vec<(String, String)> {
    let mut client = AlertServiceClient::new(link.clone());
    let page = client.list_alerts(ListAlertsRequest::default()).await.unwrap().into_inner();
    page.alerts.into_iter().map(|alert| (alert.site_id, alert.alert_id)).collect()
}

/// What a method answers to a message that says nothing.
async fn call(link: &Link, path: &str) -> Result<(), Status> {
    let mut grpc = tonic::client::Grpc::new(link.clone());
    grpc.ready().await.unwrap();
    let path = PathAndQuery::try_from(path).unwrap();
    let codec: ProstCodec<(), ()> = ProstCodec::default();
    // A refusal comes before the first answer.
    grpc.server_streaming(Request::new(()), path, codec).await.map(drop)
}

/// Who the server says somebody is.
async fn session(link: &Link) -> GetSessionResponse {
    let mut client = SessionServiceClient::new(link.clone());
    client.get_session(GetSessionRequest {}).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_is_for_its_roles_only() {
    let authority = Authority::new();
    let (server, _data) = up(&authority).await;
    let mut denied = 0;
    for role in Role::ALL {
        let everywhere = link(&authority, &server, role.as_str(), &[]).await;
        let somewhere = link(&authority, &server, role.as_str(), &["--site", "school-1"]).await;
        let mut open = [BTreeSet::new(), BTreeSet::new()];
        for method in methods() {
            let answer = call(&everywhere, &method).await.err().map(|status| status.code());
            let is_denied = answer == Some(Code::PermissionDenied);
            // Nobody may append here; the log says so itself, too.
            let may = Wants::of(&method).allows(role);
            assert_eq!(is_denied, !may, "{role} {method}: {answer:?}");
            assert_ne!(answer, Some(Code::Unauthenticated), "{role} {method}");
            denied += u64::from(is_denied);
            let scoped = call(&somewhere, &method).await.err().map(|status| status.code());
            let whole = method.contains("EventLogService");
            assert_eq!(scoped == Some(Code::PermissionDenied), !may || whole, "{role} {method}: {scoped:?}");
            for (open, answer) in open.iter_mut().zip([answer, scoped]) {
                if answer != Some(Code::PermissionDenied) {
                    open.insert(method.trim_start_matches('/').to_owned());
                }
            }
        }
        // A session names what was not denied just now, and nothing else.
        for (open, link) in open.into_iter().zip([&everywhere, &somewhere]) {
            let session = session(link).await;
            assert_eq!((session.name, session.role), (format!("{role}-1"), role.to_string()));
            assert_eq!(session.methods.into_iter().collect::<BTreeSet<_>>(), open, "{role}");
        }
    }
    // The table itself says what it should: looked at from outside, in a few places that matter.
    let viewer = link(&authority, &server, "viewer", &[]).await;
    let admin = link(&authority, &server, "admin", &[]).await;
    for (link, method) in [
        (&viewer, "/sos.alert.v1.AlertService/AcknowledgeAlert"),
        (&viewer, "/sos.log.v1.EventLogService/ReadEvents"),
        (&admin, "/sos.alert.v1.AlertService/ResolveAlert"),
        (&admin, "/sos.log.v1.EventLogService/AppendEvents"),
    ] {
        assert_eq!(call(link, method).await.unwrap_err().code(), Code::PermissionDenied, "{method}");
    }
    let metrics = server.get("/metrics");
    let counted =
        metrics.lines().find_map(|l| l.strip_prefix("sos_auth_denied_total{reason=\"forbidden\"} "));
    assert!(counted.unwrap().parse::<u64>().unwrap() >= denied, "{counted:?} of {denied}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_let_in_without_a_token_that_is_right() {
    let authority = Authority::new();
    let (server, _data) = up(&authority).await;
    let other = Authority::new().token("asel", "admin", &[]);
    let right = authority.token("asel", "viewer", &[]);
    let cut = right.rsplit_once('.').unwrap().0.to_owned() + ".";
    for token in [None, Some(other.as_str()), Some("x"), Some(cut.as_str())] {
        let link = authority.link(&server, None, token).await.unwrap();
        for method in methods() {
            let status = call(&link, &method).await.unwrap_err();
            assert_eq!(status.code(), Code::Unauthenticated, "{method}");
            if let Some(token) = token.filter(|token| token.len() > 8) {
                assert!(!status.message().contains(token), "a token is never told");
            }
        }
        let health = call(&link, "/grpc.health.v1.Health/Check").await;
        assert!(health.is_ok(), "whether the server is well is no secret: {health:?}");
    }
    // Plain text is not understood.
    let plain = format!("http://{}", server.address("grpc"));
    let plain = tonic::transport::Channel::from_shared(plain).unwrap().connect().await;
    let answered = match plain {
        Ok(channel) => {
            AlertServiceClient::new(channel).list_alerts(ListAlertsRequest::default()).await.is_ok()
        }
        Err(_) => false,
    };
    assert!(!answered);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_out_of_scope_does_not_exist() {
    let authority = Authority::new();
    let (server, _data) = up(&authority).await;
    let all = alerts(&link(&authority, &server, "viewer", &[]).await).await;
    let id = |site: &str| all.iter().find(|(of, _)| of == site).unwrap().1.clone();
    for (scope, sees) in [
        (&["--region", "almaty"][..], &["school-1"][..]),
        (&["--site", "school-2"], &["school-2"]),
        (&["--region", "almaty", "--site", "nowhere"], &["nowhere", "school-1"]),
        (&["--region", "elsewhere"], &[]),
    ] {
        let link = link(&authority, &server, "supervisor", scope).await;
        let session = session(&link).await;
        let named = [("--region", session.regions), ("--site", session.site_ids)];
        let named = named
            .into_iter()
            .flat_map(|(key, names)| names.into_iter().map(move |name| [key.to_owned(), name]));
        assert_eq!(named.flatten().collect::<Vec<_>>(), scope, "{scope:?}: session");
        assert!(session.authenticated && session.expires_at.is_some());
        let mut seen: Vec<_> = alerts(&link).await.into_iter().map(|(site, _)| site).collect();
        seen.sort_unstable();
        assert_eq!(seen, sees, "{scope:?}: list");
        assert_eq!(watched(&link).await, sees, "{scope:?}: watch");
        let mut client = AlertServiceClient::new(link.clone());
        let incidents = client.list_incidents(ListIncidentsRequest::default()).await.unwrap().into_inner();
        assert!(incidents.incidents.iter().all(|of| sees.contains(&of.site_id.as_str())), "{scope:?}");
        for (site, alert_id) in &all {
            let exists = sees.contains(&site.as_str());
            let get = client.get_alert(GetAlertRequest { alert_id: alert_id.clone() }).await;
            assert_eq!(get.err().map(|s| s.code()), (!exists).then_some(Code::NotFound), "{scope:?} {site}");
            let request_id = format!("ack-{alert_id}-{}", scope.join("-"));
            let ack =
                AcknowledgeAlertRequest { alert_id: alert_id.clone(), request_id, expected_revision: None };
            let ack = client.acknowledge_alert(ack).await.err().map(|status| status.code());
            assert_eq!(ack == Some(Code::NotFound), !exists, "{scope:?} {site}: {ack:?}");
        }
        let (devices, sites) = registry(&link).await;
        assert_eq!(devices, sees, "{scope:?}: call points");
        assert!(sites.iter().all(|site| sees.contains(&site.as_str())), "{scope:?}: {sites:?}");
    }
    // An administrator of one region changes nothing of another, and moves nothing there.
    let admin = link(&authority, &server, "admin", &["--region", "almaty"]).await;
    let mut client = RegistryServiceClient::new(admin);
    let retire = RetireDeviceRequest {
        request_id: "r1".into(),
        site_id: "school-2".into(),
        device_id: "door".into(),
        ..RetireDeviceRequest::default()
    };
    assert_eq!(client.retire_device(retire).await.unwrap_err().code(), Code::NotFound);
    for (site, region) in
        [("school-2", "almaty"), ("school-1", "astana"), ("school-3", "astana"), ("nowhere", "almaty")]
    {
        let site = Site { site_id: site.into(), name: "x".into(), region: region.into(), ..Site::default() };
        let request = PutSiteRequest { request_id: format!("r-{}", site.site_id), site: Some(site) };
        assert_eq!(client.put_site(request).await.unwrap_err().code(), Code::NotFound);
    }
    let site = Site { site_id: "new".into(), name: "x".into(), region: "almaty".into(), ..Site::default() };
    let request = PutSiteRequest { request_id: "r-new".into(), site: Some(site) };
    assert!(client.put_site(request).await.is_ok());
    assert_ne!(id("school-1"), id("school-2"));
}

/// The sites that a watch shows first.
async fn watched(link: &Link) -> Vec<String> {
    let mut client = AlertServiceClient::new(link.clone());
    let mut stream = client.watch_alerts(WatchAlertsRequest::default()).await.unwrap().into_inner();
    let mut seen = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        match message.event {
            Some(Event::Snapshot(alert)) => seen.push(alert.site_id),
            _ => break,
        }
    }
    seen.sort_unstable();
    seen
}

/// The sites of the call points that exist, and the sites that do.
async fn registry(link: &Link) -> (Vec<String>, Vec<String>) {
    let mut client = RegistryServiceClient::new(link.clone());
    let devices = client.list_devices(ListDevicesRequest::default()).await.unwrap().into_inner().devices;
    let devices: Vec<_> = devices.into_iter().map(|device| device.site_id).collect();
    for site in ["school-1", "school-2", "nowhere"] {
        let request = GetDeviceRequest { site_id: site.into(), device_id: "door".into() };
        let exists = client.get_device(request).await.is_ok();
        assert_eq!(exists, devices.contains(&site.to_owned()), "{site}");
    }
    let mut stream = client.watch_devices(WatchDevicesRequest::default()).await.unwrap().into_inner();
    let mut watched = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        match message.event {
            Some(watch_devices_response::Event::Snapshot(device)) => watched.push(device.site_id),
            _ => break,
        }
    }
    watched.sort_unstable();
    assert_eq!(watched, devices);
    let sites = client.list_sites(ListSitesRequest::default()).await.unwrap().into_inner().sites;
    (devices, sites.into_iter().map(|site| site.site_id).collect())
}

// Who did something is who proved it, whatever they call themselves; a watch ends with its token.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_in_the_name_that_was_proved() {
    let authority = Authority::new();
    let (server, _data) = up(&authority).await;
    let file = authority.path("token");
    let token_file = file.to_str().unwrap();
    std::fs::write(&file, authority.token("asel", "operator", &[])).unwrap();
    let (ca, grpc) = (authority.file("ca.crt"), server.address("grpc"));
    let access = ["--ca", &ca, "--token-file", token_file, "--grpc", grpc];
    let alert_id = alerts(&link(&authority, &server, "viewer", &[]).await).await.remove(0).1;
    let ack =
        sos(&[&["alerts", "ack", &alert_id, "--as", "somebody", "--format", "json"][..], &access].concat());
    assert!(ack.status.success(), "{}", stderr(&ack));
    assert!(stdout(&ack).contains(r#""owner":"asel""#), "{}", stdout(&ack));
    let log = sos(&[&["log", "info"][..], &access].concat());
    assert!(stderr(&log).contains("the role operator may not call"), "{}", stderr(&log));

    std::fs::write(&file, authority.token("asel", "viewer", &["--ttl", "2s"])).unwrap();
    let token = std::fs::read_to_string(&file).unwrap();
    let link = authority.link(&server, None, Some(&token)).await.unwrap();
    let mut client = AlertServiceClient::new(link);
    let mut stream = client.watch_alerts(WatchAlertsRequest::default()).await.unwrap().into_inner();
    let ended = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            ended => break ended,
        }
    };
    assert_eq!(ended.unwrap_err().code(), Code::Unauthenticated);
}

// Certificates instead of tokens: the role is in them.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_has_a_role() {
    let authority = Authority::new();
    authority.issue(&["--operator", "Әсел", "--role", "operator"], "asel");
    authority.issue(&["--device", "school-1/door"], "door");
    let data = tempfile::tempdir().unwrap();
    let config = authority.config("certificate", "certificate", "");
    let server = authority.up(data.path(), &config).await;
    let asel = authority.link(&server, Some("asel"), None).await.unwrap();
    assert!(alerts(&asel).await.is_empty());
    let log = call(&asel, "/sos.log.v1.EventLogService/GetHead").await.unwrap_err();
    assert_eq!(log.code(), Code::PermissionDenied);
    // A call point is nobody at a console, and who has no certificate is not even heard.
    let door = authority.link(&server, Some("door"), None).await.unwrap();
    let status = call(&door, "/sos.alert.v1.AlertService/ListAlerts").await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    if let Ok(nobody) = authority.link(&server, None, None).await {
        assert!(call(&nobody, "/sos.alert.v1.AlertService/ListAlerts").await.is_err());
    }
}

// The keys of tokens can be replaced without a restart: old tokens are worth nothing then, and new ones are.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_replaced_while_it_runs() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (server, _data) = up(&authority).await;
    let (old, new) = (authority.token("asel", "viewer", &[]), other.token("asel", "viewer", &[]));
    let old = authority.link(&server, None, Some(&old)).await.unwrap();
    let new = authority.link(&server, None, Some(&new)).await.unwrap();
    let list = "/sos.alert.v1.AlertService/ListAlerts";
    assert!(call(&old, list).await.is_ok());
    assert_eq!(call(&new, list).await.unwrap_err().code(), Code::Unauthenticated);
    let mut console = AlertServiceClient::new(old.clone());
    let stream = console.watch_alerts(WatchAlertsRequest::default());
    let mut stream = stream.await.unwrap().into_inner();
    assert!(stream.message().await.is_ok());
    std::fs::copy(other.path("jwks.json"), authority.path("jwks.json")).unwrap();
    let ended = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            ended => break ended,
        }
    };
    assert_eq!(ended.unwrap_err().code(), Code::Unauthenticated, "a stream does not outlive its key");
    eventually("the new key counts", async || call(&new, list).await.ok()).await;
    assert_eq!(call(&old, list).await.unwrap_err().code(), Code::Unauthenticated);
    // What begins after that is whole, and lasts.
    assert_eq!(alerts(&new).await.len(), 3);
    assert_eq!(watched(&new).await.len(), 3);
}
