//! `sos simulate`.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use sos_auth::certs::{Authority, Subject};
use sos_simulator::faults::Faults;
use sos_simulator::fleet::{self, Scenario};
use sos_simulator::peers::Identities;
use sos_simulator::proxy::{self, Network};
use sos_simulator::report::Report;
use sos_simulator::{capture, load, replay, rerun, verify};
use tokio_util::sync::CancellationToken;

use crate::cli::{
    AccessArgs, FleetArgs, LoadArgs, ProxyArgs, RateArg, RecordArgs, ReplayArgs, RunArgs, SimulateArgs,
    SimulateCommand, VerifyLedgerArgs,
};
use crate::stop::Stop;
use crate::{Outcome, output, remote};

/// Runs `sos simulate`.
pub async fn run(args: SimulateArgs, access: &AccessArgs) -> anyhow::Result<Outcome> {
    match args.command {
        SimulateCommand::Replay(args) => replay(args).await,
        SimulateCommand::Record(args) => record(args).await,
        SimulateCommand::Proxy(args) => proxy(args).await,
        SimulateCommand::Fleet(args) => fleet(args, access).await,
        SimulateCommand::Load(args) => load(args, access).await,
        SimulateCommand::Verify(args) => verify(args, access).await,
    }
}

/// Runs something until its end, or until it is asked to stop and has stopped. Answers whether that was its end.
async fn until_stopped<T, E, F>(run: impl FnOnce(CancellationToken) -> F) -> anyhow::Result<(T, bool)>
where
    F: Future<Output = Result<T, E>>,
    anyhow::Error: From<E>,
{
    let stop = Stop::listen()?;
    let shutdown = CancellationToken::new();
    let running = run(shutdown.clone());
    tokio::pin!(running);
    tokio::select! {
        ended = &mut running => Ok((ended?, true)),
        () = stop.asked() => {
            shutdown.cancel();
            Ok((running.await?, false))
        }
    }
}

/// Differences that are told; there may be more.
const DIFFERENCES_TOLD: usize = 10;

async fn verify(args: VerifyLedgerArgs, access: &AccessArgs) -> anyhow::Result<Outcome> {
    let told = verify::read(&args.ledger)?;
    let verdict = verify::run(&told, remote::connect(&args.grpc, access).await?).await?;
    let verify::Verdict { acknowledged, recorded, alerts, differences } = &verdict;
    differences.iter().take(DIFFERENCES_TOLD).for_each(|difference| output::line(difference));
    let figures = format!("acknowledged {acknowledged} recorded {recorded} alerts {alerts}");
    output::line(&format!("{figures} differences {}", differences.len()));
    Ok(if differences.is_empty() { Outcome::Done } else { Outcome::Fault })
}

async fn load(args: LoadArgs, access: &AccessArgs) -> anyhow::Result<Outcome> {
    let rate = match args.rate {
        RateArg::PerSecond(rate) => load::Rate::PerSecond(rate),
        RateArg::Max => load::Rate::Max,
    };
    let (latency_ms, jitter_ms) = (args.latency_ms, args.jitter_ms);
    let (duplicate, reorder, reset) = (args.duplicate, args.reorder, args.reset);
    let config = load::Config {
        mqtt: args.run.mqtt.clone(),
        identities: args.run.identities()?,
        grpc: remote::connect(&args.run.grpc, access).await?,
        devices: args.devices,
        rate,
        duration: Duration::from_secs(args.seconds),
        run: args.run.name(),
        seed: args.run.seed,
        faults: Faults { latency_ms, jitter_ms, duplicate, reorder, reset },
        ledger: args.run.ledger.clone(),
    };
    let title = format!("{} devices, {:?}, {} s, run {}", config.devices, rate, args.seconds, config.run);
    let expected = match rate {
        load::Rate::PerSecond(rate) => Some((rate * args.seconds as f64) as u64),
        load::Rate::Max => None,
    };
    let bar = sos_simulator::count_bar(expected);
    // Whoever stops it gets the report of what there was until then.
    let (report, _) = until_stopped(|shutdown| load::run(config, bar, shutdown)).await?;
    publish(&report, &title, &args.run)?;
    anyhow::ensure!(report.lost == 0, "{} acknowledged presses are not in the log", report.lost);
    anyhow::ensure!(report.duplicated == 0, "{} presses are in the log more than once", report.duplicated);
    Ok(Outcome::Done)
}

async fn fleet(args: FleetArgs, access: &AccessArgs) -> anyhow::Result<Outcome> {
    let mut scenario = Scenario::load(&args.scenario)?;
    scenario.devices = args.devices.unwrap_or(scenario.devices);
    scenario.seconds = args.seconds.unwrap_or(scenario.seconds);
    anyhow::ensure!(
        (1..=fleet::DEVICES_MAX).contains(&scenario.devices),
        "--devices: {} is not 1 to {}",
        scenario.devices,
        fleet::DEVICES_MAX
    );
    let config = fleet::Config {
        mqtt: args.run.mqtt.clone(),
        identities: args.run.identities()?,
        grpc: remote::connect(&args.run.grpc, access).await?,
        scenario,
        connected: args.connected,
        register: args.register,
        run: args.run.name(),
        seed: args.run.seed,
        ledger: args.run.ledger.clone(),
    };
    let title = format!("{}, run {}, seed {}", args.scenario.display(), config.run, config.seed);
    output::remark(&config.scenario.about);
    let (outcome, whole) =
        until_stopped(|shutdown| fleet::run(config, sos_simulator::count_bar(None), shutdown)).await?;
    publish(&outcome.report, &title, &args.run)?;
    anyhow::ensure!(whole, "stopped before the end of the scenario");
    outcome.broken.iter().for_each(|broken| output::line(&format!("must hold and does not: {broken}")));
    Ok(if outcome.broken.is_empty() { Outcome::Done } else { Outcome::Fault })
}

impl RunArgs {
    /// What the virtual call points present: certificates of an authority, where one is named.
    fn identities(&self) -> anyhow::Result<Option<Identities>> {
        let Some(dir) = &self.pki else { return Ok(None) };
        let authority = Authority::open(dir).context("--pki")?;
        Ok(Some(Identities::new(move |name| {
            let call_point = name.parse().map_err(io::Error::other)?;
            authority.client(&Subject::Device(call_point)).map(Arc::new).map_err(io::Error::other)
        })))
    }

    /// The name of the run; a new one where none was given.
    fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| format!("{:x}", sos_eventlog::clock::now()))
    }
}

/// Writes a report where it is wanted, and to standard output.
fn publish(report: &Report, title: &str, run: &RunArgs) -> anyhow::Result<()> {
    let figures = serde_json::to_string_pretty(report)?;
    if let Some(file) = &run.report {
        std::fs::write(file, &figures)
            .with_context(|| format!("failed to write --report {}", file.display()))?;
    }
    if let Some(file) = &run.html {
        let page = sos_simulator::report::page(report, title);
        std::fs::write(file, page).with_context(|| format!("failed to write --html {}", file.display()))?;
    }
    output::line(&figures);
    Ok(())
}

async fn record(args: RecordArgs) -> anyhow::Result<Outcome> {
    let (count, _) = until_stopped(|shutdown| capture::record(&args.mqtt, &args.output, shutdown)).await?;
    output::line(&format!("recorded {count}"));
    Ok(Outcome::Done)
}

async fn proxy(args: ProxyArgs) -> anyhow::Result<Outcome> {
    let network = Network {
        latency_ms: args.latency_ms,
        jitter_ms: args.jitter_ms,
        kilobytes_per_s: args.bandwidth,
        reset: args.reset,
        half_open: args.half_open,
        mute: args.mute,
        partition_at_s: args.partition_at,
        partition_for_s: args.partition_for,
    };
    if let Some(fault) = network.fault() {
        anyhow::bail!(fault);
    }
    let stop = Stop::listen()?;
    let target = tokio::net::lookup_host(&args.to).await.with_context(|| format!("--to {}", args.to))?.next();
    let target = target.with_context(|| format!("--to {}: no such host", args.to))?;
    let listener = tokio::net::TcpListener::bind(&args.listen).await;
    let listener = listener.with_context(|| format!("--listen {}", args.listen))?;
    output::announce(&format!("proxy {}", listener.local_addr()?));
    let shutdown = CancellationToken::new();
    let passing = proxy::run(listener, target, network, args.seed, shutdown.clone());
    tokio::select! {
        passed = passing => passed?,
        () = stop.asked() => {}
    }
    Ok(Outcome::Done)
}

/// Replays lines of JSON: an export, or a capture.
async fn rerun(args: ReplayArgs) -> anyhow::Result<Outcome> {
    let config = rerun::Config {
        file: args.file,
        mqtt: args.mqtt,
        speed: args.speed,
        run: args.run,
        give_up: Duration::from_secs(args.give_up),
    };
    let (summary, whole) =
        until_stopped(|shutdown| rerun::run(config, sos_simulator::count_bar(None), shutdown)).await?;
    summed_up(&summary, whole)
}

async fn replay(args: ReplayArgs) -> anyhow::Result<Outcome> {
    if let Err(error) = tokio::net::TcpStream::connect(&args.mqtt).await {
        let (broker, give_up) = (&args.mqtt, args.give_up);
        output::remark(&format!(
            "no broker answers at {broker} ({error}): is `sos up` running? Every press is repeated for {give_up} s"
        ));
    }
    // What cannot be read is told by whoever reads all of it.
    if std::fs::read(&args.file).is_ok_and(|bytes| rerun::is_one(&bytes)) {
        return rerun(args).await;
    }
    let config = replay::Config {
        file: args.file,
        mqtt: args.mqtt,
        speed: args.speed,
        run: args.run,
        connections: args.connections,
        give_up: Duration::from_secs(args.give_up),
        json: args.json,
    };
    let (summary, whole) =
        until_stopped(|shutdown| replay::run(config, sos_simulator::Bar::new(), shutdown)).await?;
    summed_up(&summary, whole)
}

fn summed_up(summary: &replay::Summary, whole: bool) -> anyhow::Result<Outcome> {
    output::line(&format!(
        "published {} acknowledged {} failed {}",
        summary.published, summary.acknowledged, summary.failed
    ));
    anyhow::ensure!(summary.failed == 0, "{} presses were not acknowledged", summary.failed);
    anyhow::ensure!(whole, "stopped before the end of the file");
    Ok(Outcome::Done)
}
