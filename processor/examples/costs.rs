//! What live alerts cost on this machine: `cargo xtask bench alerts`.
//!
//! Prints what was measured beside its goal, and asserts nothing: a machine that is busy makes a bench slow,
//! not wrong. Clients and server share the process, so the clients' work is in the figures.
#![expect(clippy::print_stdout, reason = "the output is the result")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::StreamExt as _;
use futures::future::try_join_all;
use sos_eventlog::{Append, EventLog, LocalLog};
use sos_processor::{Config, Deadlines, Processor};
use sos_proto::alert::v1::WatchAlertsRequest;
use sos_proto::alert::v1::alert_service_client::AlertServiceClient;
use sos_proto::alert::v1::watch_alerts_response::Event as Step;
use sos_proto::device::v1::{Location, Press};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{
    AlertAcknowledged, AlertNoted, AlertResolved, DeviceRegistered, Disposition, Event,
};
use sos_proto::registry::v1::{Device, Place};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Endpoint;

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Open alerts whose memory is measured.
const OPEN_ALERTS: u64 = 100_000;
/// Consoles that watch.
const CONSOLES: usize = 1_000;
/// Consoles on one connection.
const CONSOLES_PER_CONNECTION: usize = 200;
/// Presses that they are told of.
const PRESSES: usize = 200;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["restart", data] => return restart(Path::new(data)).await,
        ["memory", data] => return memory(Path::new(data)).await,
        ["scan", data, events] => return scan(Path::new(data), events.parse()?).await,
        ["rebuild", data, events] => return rebuild(Path::new(data), events.parse()?).await,
        _ => {}
    }
    let events: u64 = arguments.first().map_or(Ok(1_000_000), |n| n.parse()).context("EVENTS")?;
    println!("| what | measured | goal |\n| --- | --- | --- |");
    let (mut rates, mut scanned, mut restarted) = (Vec::new(), 0.0, String::new());
    for events in [events / 2, events] {
        let dir = tempfile::tempdir_in(".")?;
        filled(dir.path(), events, handled).await?.close().await;
        scanned = child(&["scan", &dir.path().to_string_lossy(), &events.to_string()])?.parse::<f64>()?;
        restarted = child(&["restart", &dir.path().to_string_lossy()])?;
        rates.push(child(&["rebuild", &dir.path().to_string_lossy(), &events.to_string()])?.parse::<f64>()?);
    }
    println!("| start from a snapshot of {events} events | {restarted} s | ≤ 1 s |");
    let [half, whole] = rates[..] else { anyhow::bail!("two rebuilds") };
    println!("| reading {events} events and doing nothing with them | {scanned:.2} million events/s | |");
    println!("| rebuild of {events} events | {whole:.2} million events/s | ≥ 1 million/s |");
    println!("| the same against half as many | {:.2} | 1: linear |", whole / half);

    let dir = tempfile::tempdir_in(".")?;
    filled(dir.path(), OPEN_ALERTS, open).await?.close().await;
    let bytes = child(&["memory", &dir.path().to_string_lossy()])?;
    println!("| memory of an open alert, with what reading the log costs | {bytes} bytes | ≤ 2,048 |");
    let dir = tempfile::tempdir_in(".")?;
    filled(dir.path(), OPEN_ALERTS, registered).await?.close().await;
    let bytes = child(&["memory", &dir.path().to_string_lossy()])?;
    println!("| memory of a registered call point, likewise | {bytes} bytes | ≤ 1,024 |");

    let dir = tempfile::tempdir_in(".")?;
    let log: Arc<dyn EventLog> = Arc::new(LocalLog::open(dir.path())?);
    let mut waits = watched(log).await?;
    waits.sort_unstable();
    let at = |per_mille: usize| waits.get(waits.len() * per_mille / 1_000).copied().unwrap_or_default();
    let (half, most) = (at(500), at(990));
    println!("| one press to {CONSOLES} consoles, p50 | {half:.1?} | |");
    println!("| one press to {CONSOLES} consoles, p99 | {most:.1?} | ≤ 50 ms |");
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn rate(events: u64, took: Duration) -> f64 {
    events as f64 / took.as_secs_f64() / 1e6
}

/// What a process of its own measures, whose memory nothing else has filled and freed before.
fn child(arguments: &[&str]) -> anyhow::Result<String> {
    let output = std::process::Command::new(std::env::current_exe()?).args(arguments).output()?;
    anyhow::ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Prints how many million events a second live state is rebuilt from.
async fn rebuild(data: &Path, events: u64) -> anyhow::Result<()> {
    let log: Arc<dyn EventLog> = Arc::new(LocalLog::open(data)?);
    let started = Instant::now();
    let running = Running::start(log).await?;
    println!("{:.3}", rate(events, started.elapsed()));
    running.stop().await
}

/// Prints how long a start takes that finds a snapshot, in seconds.
async fn restart(data: &Path) -> anyhow::Result<()> {
    let log: Arc<dyn EventLog> = Arc::new(LocalLog::open(data)?);
    let kept = || Config { snapshots: Some(data.join("snapshots")), ..config() };
    Running::with(Arc::clone(&log), kept()).await?.stop().await?;
    let started = Instant::now();
    let running = Running::with(log, kept()).await?;
    println!("{:.2}", started.elapsed().as_secs_f64());
    running.stop().await
}

/// Nobody escalates anything.
fn config() -> Config {
    let deadlines = Deadlines { escalation: Vec::new(), ..Deadlines::default() };
    Config { deadlines, ..Config::default() }
}

/// Prints how many million events a second are only read and decoded.
async fn scan(data: &Path, events: u64) -> anyhow::Result<()> {
    let log = LocalLog::open(data)?;
    let started = Instant::now();
    let (mut batches, mut read) = (log.follow(1), 0);
    while read < events {
        read = batches.next().await.context("the log goes on")??.end() - 1;
    }
    println!("{:.3}", rate(events, started.elapsed()));
    Ok(())
}

/// Prints how many bytes each thing in the log takes in memory.
async fn memory(data: &Path) -> anyhow::Result<()> {
    let log: Arc<dyn EventLog> = Arc::new(LocalLog::open(data)?);
    let before = resident()?;
    let running = Running::start(log).await?;
    let bytes = resident()?.saturating_sub(before) / OPEN_ALERTS;
    println!("{bytes}");
    running.stop().await
}

/// Resident memory, in bytes.
fn resident() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024)
}

/// A log of so many events, made by number.
async fn filled(dir: &Path, events: u64, make: fn(u64) -> Event) -> anyhow::Result<LocalLog> {
    let log = LocalLog::open(dir)?;
    for first in (0..events).step_by(4_096) {
        let appends = (first..events.min(first + 4_096)).map(|number| log.append(Append::one(make(number))));
        try_join_all(appends).await?;
    }
    Ok(log)
}

/// Alerts from press to closing, five events each, at 10,000 call points.
fn handled(number: u64) -> Event {
    let (alert, step) = (number / 5, number % 5);
    let body = match step {
        0 | 1 => Body::Press(Press::default()),
        2 => Body::AlertAcknowledged(AlertAcknowledged {}),
        3 => Body::AlertNoted(AlertNoted { note: "a patrol is on its way".to_owned() }),
        _ => Body::AlertResolved(AlertResolved {
            disposition: Disposition::Genuine.into(),
            ..Default::default()
        }),
    };
    let event = Event {
        event_id: format!("{number:036}"),
        site_id: format!("school-{}", alert % 100),
        device_id: format!("hall-{}", alert % 10_000 / 100),
        body: Some(body),
        ..Event::default()
    };
    if step < 2 {
        return event;
    }
    Event {
        alert_id: format!("{:036}", alert * 5),
        actor: "asel".to_owned(),
        request_id: format!("request-{number}"),
        ..event
    }
}

/// A press at a call point of its own.
fn open(number: u64) -> Event {
    Event {
        event_id: format!("{number:036}"),
        site_id: format!("school-{}", number % 1_000),
        device_id: format!("hall-{}", number / 1_000),
        body: Some(Body::Press(Press::default())),
        ..Event::default()
    }
}

/// A call point that is registered with all that can be said of it.
fn registered(number: u64) -> Event {
    let place = Place { building: "main building".into(), floor: "2".into(), room: format!("room {number}") };
    let location = Location { latitude: 43.2, longitude: 76.9, ..Location::default() };
    let device = Device {
        site_id: format!("school-{}", number % 1_000),
        device_id: format!("hall-{}", number / 1_000),
        place: Some(place),
        location: Some(location),
        ..Device::default()
    };
    Event {
        event_id: format!("{number:036}"),
        site_id: device.site_id.clone(),
        device_id: device.device_id.clone(),
        body: Some(Body::DeviceRegistered(DeviceRegistered { device: Some(device) })),
        ..Event::default()
    }
}

/// A processor that is up to date.
struct Running {
    address: String,
    stop: CancellationToken,
    task: JoinSet<Result<(), sos_processor::Error>>,
}

impl Running {
    async fn start(log: Arc<dyn EventLog>) -> anyhow::Result<Self> {
        Self::with(log, config()).await
    }

    async fn with(log: Arc<dyn EventLog>, config: Config) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let processor = Processor::new(config, log);
        let (mut ready, stop) = (processor.readiness(), CancellationToken::new());
        let mut task = JoinSet::new();
        task.spawn(processor.run(listener, Routes::default(), stop.clone()));
        if ready.wait_for(|ready| *ready).await.is_err() {
            task.join_next().await.context("it runs")???;
        }
        Ok(Self { address, stop, task })
    }

    async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        Ok(self.task.join_next().await.context("it runs")???)
    }
}

/// How long each console waited for each press.
async fn watched(log: Arc<dyn EventLog>) -> anyhow::Result<Vec<Duration>> {
    let running = Running::start(Arc::clone(&log)).await?;
    let (told, mut heard) = tokio::sync::mpsc::channel(CONSOLES);
    let mut tasks = JoinSet::new();
    for _ in 0..CONSOLES.div_ceil(CONSOLES_PER_CONNECTION) {
        let channel = Endpoint::from_shared(running.address.clone())?.connect().await?;
        for _ in 0..CONSOLES_PER_CONNECTION {
            let (mut client, told) = (AlertServiceClient::new(channel.clone()), told.clone());
            let mut stream = client.watch_alerts(WatchAlertsRequest::default()).await?.into_inner();
            tasks.spawn(async move {
                while let Ok(Some(step)) = stream.message().await {
                    if let Some(Step::Changed(_)) = step.event {
                        let _counted = told.send(Instant::now()).await;
                    }
                }
            });
        }
    }
    let mut waits = Vec::with_capacity(CONSOLES * PRESSES);
    for number in 0..PRESSES {
        let pressed = Instant::now();
        log.append(Append::one(open(number as u64))).await?;
        for _ in 0..CONSOLES {
            waits.push(heard.recv().await.context("the consoles are gone")?.duration_since(pressed));
        }
    }
    running.stop().await?;
    Ok(waits)
}
