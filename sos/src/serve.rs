//! `sos up`, `sos gateway`, `sos processor`: builds the parts, runs them, drains them.

mod demo;
mod doors;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use sos_console::{Part, Report};
use sos_eventlog::{Access, EventLog, LocalLog, LogService, RemoteLog};
use sos_gateway::Gateway;
use sos_privacy::{Keys, PrivateLog};
use sos_processor::Processor;
use sos_proto::link::Link;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::cli::{AccessArgs, ServeArgs, UpArgs};
use crate::config::{self, Addresses, Config};
use crate::stop::Stop;
use crate::witness::Witness;
use crate::{Outcome, output, remote, telemetry, web};

/// Time from the wish to stop to the end of the process. Whatever is cut off then was never acknowledged.
const DRAIN: Duration = Duration::from_secs(4);

/// Time after that for the log to be closed, and its last head to be witnessed.
const CLOSE: Duration = Duration::from_secs(2);

/// Time between two tries to reach the gateway's log.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// The addresses in use.
#[derive(Debug, Default, Serialize)]
struct Ports {
    #[serde(skip_serializing_if = "Option::is_none")]
    mqtt: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<SocketAddr>,
}

/// The parts of one process.
struct House {
    tasks: JoinSet<anyhow::Result<()>>,
    shutdown: CancellationToken,
    stop: Stop,
    metrics: Arc<dyn Fn() -> String + Send + Sync>,
    config: Config,
    addresses: Addresses,
    ports: Ports,
    ports_file: Option<PathBuf>,
    parts: Vec<Part>,
    has_demo: bool,
    log: Option<LocalLog>,
    witness: JoinSet<anyhow::Result<()>>,
}

/// Runs `sos up`.
pub async fn up(args: UpArgs) -> anyhow::Result<Outcome> {
    let mut house = House::build(args.serve)?;
    if args.demo {
        demo::check(&house.config)?;
    }
    let log = house.open_log().await?;
    house.add_gateway(Arc::clone(&log)).await?;
    let http = house.bind_http().await?;
    house.add_processor(log).await?;
    house.add_http(http)?;
    if args.demo {
        house.add_demo();
    }
    house.run().await
}

/// Runs `sos gateway`.
pub async fn gateway(args: ServeArgs) -> anyhow::Result<Outcome> {
    let mut house = House::build(args)?;
    let log = house.open_log().await?;
    house.add_gateway(Arc::clone(&log)).await?;
    house.add_log_server(log).await?;
    let http = house.bind_http().await?;
    house.add_http(http)?;
    house.run().await
}

/// Runs `sos processor`.
pub async fn processor(args: ServeArgs) -> anyhow::Result<Outcome> {
    let mut house = House::build(args)?;
    let Some(channel) = house.reach_log().await else { return Ok(Outcome::Done) };
    let http = house.bind_http().await?;
    house.add_processor(Arc::new(RemoteLog::new(channel))).await?;
    house.add_http(http)?;
    house.run().await
}

impl House {
    fn build(args: ServeArgs) -> anyhow::Result<Self> {
        let stop = Stop::listen()?;
        let (config, addresses) = config::load(&args.source)?;
        let metrics = telemetry::start(&config.telemetry)?;
        if config.insecure {
            tracing::warn!("INSECURE: whoever reaches these ports can press, listen and command");
        }
        if let Some(file) = &args.ports_file {
            // What an earlier run wrote is not true any more.
            let _ = std::fs::remove_file(file);
        }
        Ok(Self {
            tasks: JoinSet::new(),
            shutdown: CancellationToken::new(),
            stop,
            metrics,
            config,
            addresses,
            ports: Ports::default(),
            ports_file: args.ports_file,
            parts: Vec::new(),
            has_demo: false,
            log: None,
            witness: JoinSet::new(),
        })
    }

    async fn open_log(&mut self) -> anyhow::Result<Arc<dyn EventLog>> {
        let data = self.config.data.clone();
        let limits = self.config.log.limits();
        let log = tokio::task::spawn_blocking(move || LocalLog::open_with(&data, limits)).await?;
        let log = log.with_context(|| {
            format!("failed to open the event log of --data {}", self.config.data.display())
        })?;
        let failed = log.clone();
        let shutdown = self.shutdown.clone();
        // P1: a log that failed gives no further answer, so the process ends.
        self.tasks.spawn(async move {
            match shutdown.run_until_cancelled(failed.failed()).await {
                Some(reason) => anyhow::bail!("the event log failed: {reason}"),
                None => Ok(()),
            }
        });
        if let Some(witness) = Witness::configured(&self.config) {
            witness.check(&log).await?;
            // Not one of the parts that are waited for before the log is closed: it ends when the log does.
            self.witness.spawn(witness.keep(log.clone()));
        }
        self.log = Some(log.clone());
        let path = self.config.data.join("keys");
        let keys = tokio::task::spawn_blocking(move || Keys::open(&path)).await??;
        Ok(Arc::new(PrivateLog::new(Arc::new(log), keys)))
    }

    /// Waits for the gateway's log, which may start later than the processor; nothing if it shall stop.
    async fn reach_log(&self) -> Option<Link> {
        let reached = async {
            loop {
                match remote::connect(&self.config.log.address, &AccessArgs::default()).await {
                    Ok(channel) => return channel,
                    Err(error) => {
                        tracing::info!(error = format!("{error:#}"), "waiting for the log of `sos gateway`")
                    }
                }
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
        };
        tokio::select! {
            channel = reached => Some(channel),
            () = self.stop.asked() => None,
        }
    }

    async fn add_gateway(&mut self, log: Arc<dyn EventLog>) -> anyhow::Result<()> {
        let embedded = self.addresses.mqtt.map(|listen| self.embedded(listen)).transpose()?;
        let config = sos_gateway::Config { embedded, external: self.addresses.external.clone() };
        let gateway = Gateway::start(config, log).await.map_err(|error| match error {
            sos_gateway::Error::Listen { .. } => anyhow::anyhow!("{error}; {}", elsewhere("mqtt.listen")),
            error => error.into(),
        })?;
        self.ports.mqtt = gateway.mqtt_address();
        self.parts.push(Part { name: "gateway", ready: gateway.readiness() });
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move { Ok(gateway.run(shutdown).await?) });
        Ok(())
    }

    async fn add_processor(&mut self, log: Arc<dyn EventLog>) -> anyhow::Result<()> {
        let listener = bind("grpc.listen", self.addresses.grpc).await?;
        self.ports.grpc = Some(listener.local_addr()?);
        let door = self.door(listener)?;
        let config = sos_processor::Config {
            deadlines: self.config.alerts.deadlines(),
            rules: self.config.alerts.rules(),
            snapshots: Some(self.config.data.join("snapshots")),
            ..sos_processor::Config::default()
        };
        let processor = Processor::new(config, Arc::clone(&log));
        self.parts.push(Part { name: "processor", ready: processor.readiness() });
        let routes = Routes::new(LogService::server(log, Access::Read, self.shutdown.clone()));
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move { Ok(processor.run(door, routes, shutdown).await?) });
        Ok(())
    }

    async fn add_log_server(&mut self, log: Arc<dyn EventLog>) -> anyhow::Result<()> {
        let listener = bind("log.address", self.addresses.log).await?;
        self.ports.log = Some(listener.local_addr()?);
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move { Ok(sos_eventlog::serve(listener, log, shutdown).await?) });
        Ok(())
    }

    /// Where the console comes from, which the processor has to know.
    async fn bind_http(&mut self) -> anyhow::Result<TcpListener> {
        let listener = bind("http.listen", self.addresses.http).await?;
        self.ports.http = Some(listener.local_addr()?);
        Ok(listener)
    }

    fn add_http(&mut self, listener: TcpListener) -> anyhow::Result<()> {
        let tls = match self.config.http.tls.files() {
            None => None,
            Some(files) => Some(self.reloaded("http.tls", files.paths(), move || {
                files.config().map(|mut config| {
                    config.alpn_protocols = vec![b"http/1.1".to_vec()];
                    config
                })
            })?),
        };
        let console = self.ports.grpc.map(|grpc| web::console(&self.config, grpc));
        let (metrics, parts) = (Arc::clone(&self.metrics), self.parts.clone());
        let report = Report { metrics, parts, console, is_open: self.config.insecure };
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move { Ok(sos_console::serve(listener, tls, report, shutdown).await?) });
        Ok(())
    }

    /// Serves until it is asked to stop or a part fails, then drains.
    async fn run(mut self) -> anyhow::Result<Outcome> {
        let ended = match self.announce().await {
            Ok(()) => tokio::select! {
                () = self.stop.asked() => Ok(()),
                ended = first_end(&mut self.tasks) => ended,
            },
            Err(error) => Err(error),
        };
        tracing::info!("stopping");
        self.shutdown.cancel();
        let drained = tokio::time::timeout(DRAIN, async {
            while let Some(ended) = self.tasks.join_next().await {
                if let Err(error) = ended.map_err(Into::into).flatten() {
                    tracing::warn!(error = format!("{error:#}"), "a part failed while it stopped");
                }
            }
        });
        if drained.await.is_err() {
            tracing::warn!("some parts did not stop in time and are cut off");
        }
        // Also where a part hangs.
        let closed = tokio::time::timeout(CLOSE, async {
            if let Some(log) = &self.log {
                log.close().await;
            }
            while let Some(ended) = self.witness.join_next().await {
                if let Err(error) = ended.map_err(Into::into).flatten() {
                    tracing::warn!(error = format!("{error:#}"), "the last head was not witnessed");
                }
            }
        });
        if closed.await.is_err() {
            tracing::warn!("the log was not closed in time, which costs the next start some time");
        }
        ended.map(|()| Outcome::Done)
    }

    /// Tells where to connect, once everything is ready.
    async fn announce(&mut self) -> anyhow::Result<()> {
        for part in &mut self.parts {
            tokio::select! {
                ready = part.ready.wait_for(|ready| *ready) => {
                    ready.map_err(|_| anyhow::anyhow!("the {} ended before it was ready", part.name))?;
                }
                ended = first_end(&mut self.tasks) => return ended,
                () = self.stop.asked() => return Ok(()),
            }
        }
        let ports = &self.ports;
        let named = [("MQTT", ports.mqtt), ("gRPC", ports.grpc), ("HTTP", ports.http), ("log", ports.log)];
        for (name, address) in named {
            if let Some(address) = address {
                output::announce(&format!("{name:<5} {address}"));
            }
        }
        if let (Some(grpc), Some(http)) = (ports.grpc, ports.http) {
            let scheme = if self.config.http.tls.files().is_some() { "https" } else { "http" };
            let (grpc, http) = (near(grpc), near(http));
            output::announce(&format!(
                "console: {scheme}://{http}, or in a terminal: sos console --grpc {grpc}"
            ));
        }
        if self.has_demo {
            demo::announce();
        }
        match &self.ports_file {
            Some(file) => write_whole(file, &serde_json::to_vec(ports)?)
                .with_context(|| format!("failed to write --ports-file {}", file.display())),
            None => Ok(()),
        }
    }
}

/// The first part that ends, which none does of itself unless it fails or shutdown was asked for.
async fn first_end(tasks: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    match tasks.join_next().await {
        Some(ended) => ended.map_err(Into::into).flatten(),
        None => Ok(()),
    }
}

/// A reader of the file sees all of it or none.
fn write_whole(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let part = file.with_extension("part");
    std::fs::write(&part, bytes)?;
    std::fs::rename(part, file)
}

async fn bind(key: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|error| anyhow::anyhow!("failed to listen on {address}: {error}; {}", elsewhere(key)))
}

/// What to do where an address cannot be had.
fn elsewhere(key: &str) -> String {
    let flag = key.split('.').next().unwrap_or_default();
    format!("stop what uses it, or choose another with --{flag} (key {key}; port 0 picks a free one)")
}

/// How an address to listen on is reached from here.
fn near(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            std::net::Ipv4Addr::LOCALHOST.into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}
