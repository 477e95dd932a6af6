//! What security costs, and what the gateway bears: `cargo xtask bench security`.
//!
//! Everything with and without is measured in one run, on the same machine as the clients. Prints ratios and asserts
//! nothing: a machine that is busy makes a bench slow, not wrong.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the output is the result, and a bench may panic"
)]

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sos_auth::certs::{self, Subject};
use sos_proto::alert::v1::ListAlertsRequest;
use sos_proto::alert::v1::alert_service_client::AlertServiceClient;
use sos_proto::link::{Bearer, Link};
use sos_simulator::peers::{self, Entrance, Identities};
use sos_simulator::siege::{self, Pressed};
use sos_tests::Server;
use sos_tests::authority::Authority;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

/// How long each thing is measured.
const DURATION: Duration = Duration::from_secs(5);

/// Call points that come back together.
const STORM: usize = 5_000;

/// Call points that press honestly, and those that do not.
const HONEST: usize = 20;
const HOSTILE: usize = 100;

/// Presses of the honest in a second.
const HONEST_RATE: f64 = 100.0;

/// Connections that say nothing, or as many as this machine allows.
const SILENT: usize = 10_000;

/// Calls at once on one connection.
const CALLS: usize = 16;

#[tokio::main]
async fn main() {
    let authority = Authority::new();
    let dir = tempfile::tempdir_in(".").unwrap();
    let identities = identities(&authority);

    let open = Server::up(&dir.path().join("open"), &["--config", &unpaced(dir.path())]).await;
    let config = authority.config("certificate", "token", "");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("[mqtt]\n", "[mqtt]\ndevice_rate = 0\n")).unwrap();
    let secured = authority.up(&dir.path().join("secured"), &config).await;

    let plainly = Entrance::open(open.address("mqtt")).unwrap();
    let certified = Entrance::secured(secured.address("mqtt"), identities.clone()).unwrap();
    let without = peers::acknowledged_per_s(&plainly, 100, DURATION, "plain").await.unwrap();
    let with = peers::acknowledged_per_s(&certified, 100, DURATION, "tls").await.unwrap();
    row("publishes acknowledged, 100 devices, /s", without, with);

    let channel = format!("http://{}", open.address("grpc"));
    let channel = Channel::from_shared(channel).unwrap().connect().await.unwrap();
    let without = calls_per_s(Bearer::default().over(channel)).await;
    let token = authority.token("asel", "viewer", &["--region", "almaty"]);
    let with = calls_per_s(authority.link(&secured, None, Some(&token)).await.unwrap()).await;
    row("calls answered, TLS and token, /s", without, with);

    let took = siege::storm(&certified, STORM, "storm").await.unwrap();
    let again = siege::storm(&certified, STORM, "again").await.unwrap();
    println!(
        "| {STORM} connect with TLS at once, each has a press acknowledged | | {took:.1?}, again {again:.1?} | |"
    );
    drop((open, secured));

    let config = authority.config("certificate", "token", "");
    let besieged = authority.up(&dir.path().join("besieged"), &config).await;
    let entrance = Entrance::secured(besieged.address("mqtt"), identities).unwrap();
    let quiet = siege::steady(&entrance, HONEST, HONEST_RATE, 2 * DURATION, "quiet").await.unwrap();
    let stop = CancellationToken::new();
    let mut hostile = JoinSet::new();
    let (of_hostile, until) = (entrance.clone(), stop.clone());
    hostile.spawn(async move { siege::flood(of_hostile, HONEST..HONEST + HOSTILE, "hostile", until).await });
    let flooded = siege::steady(&entrance, HONEST, HONEST_RATE, 2 * DURATION, "flooded").await.unwrap();
    stop.cancel();
    hostile.join_next().await;
    println!(
        "| press to PUBACK, p99, quiet and with {HOSTILE} hostile call points | {:.1} ms | {:.1} ms | {:.2} |",
        quiet.waits.p99 as f64 / 1_000.0,
        flooded.waits.p99 as f64 / 1_000.0,
        flooded.waits.p99 as f64 / quiet.waits.p99 as f64
    );
    let before = besieged.memory();
    let mut silent = Vec::new();
    while silent.len() < SILENT
        && let Ok(stream) = tokio::net::TcpStream::connect(besieged.address("mqtt")).await
    {
        silent.push(stream);
    }
    let beside = siege::steady(&entrance, HONEST, HONEST_RATE, DURATION, "silent").await.unwrap();
    println!(
        "| the same beside {} connections that say nothing, which take {} KB each | {:.1} ms | {:.1} ms | {:.2} |",
        silent.len(),
        besieged.memory().saturating_sub(before) / 1_024 / silent.len().max(1) as u64,
        quiet.waits.p99 as f64 / 1_000.0,
        beside.waits.p99 as f64 / 1_000.0,
        beside.waits.p99 as f64 / quiet.waits.p99 as f64,
    );
    let lost = |pressed: &Pressed| pressed.due - pressed.acknowledged;
    println!("| lost of the honest | {} | {} | |", lost(&quiet), lost(&flooded) + lost(&beside));
}

fn row(what: &str, without: f64, with: f64) {
    println!("| {what} | {without:.0} | {with:.0} | {:.2} |", with / without);
}

/// A configuration without a pace for call points.
fn unpaced(dir: &Path) -> String {
    let file = dir.join("open.toml");
    std::fs::write(&file, "[mqtt]\ndevice_rate = 0\n[alerts]\nescalation = []\n").unwrap();
    file.to_str().unwrap().to_owned()
}

/// A certificate for each call point of the bench, made beforehand.
fn identities(authority: &Authority) -> Identities {
    let own = certs::Authority::open(&authority.path("")).unwrap();
    let mut configs = HashMap::new();
    for name in (0..STORM).map(peers::name) {
        let mut config = own.client(&Subject::Device(name.parse().unwrap())).unwrap();
        // Each time as for the first time.
        config.resumption = rustls::client::Resumption::disabled();
        configs.insert(name, Arc::new(config));
    }
    Identities::new(move |name| Ok(Arc::clone(configs.get(name).unwrap())))
}

/// How often a page of alerts is answered in a second.
async fn calls_per_s(link: Link) -> f64 {
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..CALLS {
        let mut client = AlertServiceClient::new(link.clone());
        tasks.spawn(async move {
            let mut count = 0_u32;
            while begin.elapsed() < DURATION {
                let request = ListAlertsRequest { page_size: 1, ..ListAlertsRequest::default() };
                client.list_alerts(request).await.unwrap();
                count += 1;
            }
            count
        });
    }
    let count: u32 = tasks.join_all().await.into_iter().sum();
    f64::from(count) / begin.elapsed().as_secs_f64()
}
