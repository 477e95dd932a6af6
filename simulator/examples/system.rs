//! The whole system beside what a user could pick instead, in one run: `cargo xtask bench system`.
//!
//! Mosquitto stores nothing; nats-server stores to a stream that it syncs always. Prints what was measured and its
//! ratio to Mosquitto, and asserts nothing: a machine that is busy makes a bench slow, not wrong. All share the
//! machine with the clients.
#![expect(clippy::print_stdout, reason = "the output is the result")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use sos_proto::link::Bearer;
use sos_simulator::load::{self, Rate};
use sos_simulator::report::Quantiles;
use sos_simulator::{faults, peers};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

/// How long each thing is measured.
const DURATION: Duration = Duration::from_secs(5);

/// Idle subscribers whose memory is measured.
const IDLE: usize = 1_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // For a profiler beside a server that runs already.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mqtt, devices] = &arguments[..] {
        let run = format!("bench-{:x}", fastrand::u64(..) >> 16);
        let rate = peers::acknowledged_per_s(&peers::Entrance::open(mqtt)?, devices.parse()?, DURATION, &run)
            .await?;
        println!("{rate:.0}/s");
        return Ok(());
    }
    let dir = tempfile::tempdir_in(".")?;
    let mut systems = Vec::new();
    let dir = dir.path();
    for started in [Server::mosquitto(dir).await, Server::sos(dir).await, Server::nats(dir).await] {
        match started {
            Ok(server) => systems.push(server),
            Err(error) => println!("left out: {error:#}"),
        }
    }
    println!("| what | {} |", systems.iter().map(|s| s.name).collect::<Vec<_>>().join(" | "));
    println!("| --- |{}", " --- |".repeat(systems.len()));
    for devices in [1, 10, 100] {
        let mut rates = Vec::new();
        for server in &systems {
            rates.push(server.acknowledged(devices).await?);
        }
        let told =
            rates.iter().map(|(rate, cpu)| (*rate, format!("{rate:.0}/s, {cpu:.2} s CPU per 100,000")));
        row(&format!("QoS 1 publishes acknowledged, {devices} devices"), told.collect());
    }
    for rate in [500.0, 2_000.0] {
        let mut waits = Vec::new();
        for server in &systems {
            waits.push(server.delivered(rate).await?);
        }
        let told = waits.iter().map(|w| {
            (w.p99 as f64, format!("p50 {:.1} p99 {:.1} p99.9 {:.1} ms", ms(w.p50), ms(w.p99), ms(w.p999)))
        });
        row(&format!("publish to subscriber or console at {rate:.0}/s"), told.collect());
    }
    let mut memory = Vec::new();
    for server in &systems {
        let before = server.resident()?;
        let idle = peers::idle_subscribers(&server.mqtt, IDLE).await?;
        let each = server.resident()?.saturating_sub(before) / IDLE as u64;
        drop(idle);
        memory.push((each as f64, format!("{each} bytes each, {} MB in all", before / 1_000_000)));
    }
    row(&format!("memory of {IDLE} idle subscribers"), memory);
    Ok(())
}

/// One line: what was measured of each, and how it stands to the first.
fn row(what: &str, measured: Vec<(f64, String)>) {
    let first = measured.first().map_or(0.0, |(value, _)| *value);
    let cells = measured.iter().map(|(value, told)| match value / first {
        ratio if ratio.is_finite() => format!("{told} ({ratio:.2})"),
        _ => told.clone(),
    });
    println!("| {what} | {} |", cells.collect::<Vec<_>>().join(" | "));
}

fn ms(us: u64) -> f64 {
    us as f64 / 1_000.0
}

/// A running system.
struct Server {
    name: &'static str,
    mqtt: String,
    /// Only ours has one.
    grpc: Option<String>,
    child: Child,
}

impl Server {
    async fn mosquitto(dir: &Path) -> anyhow::Result<Self> {
        let (port, config) = (free_port()?, dir.join("mosquitto.conf"));
        fs::write(
            &config,
            format!("listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"),
        )?;
        let mut command = Command::new("mosquitto");
        command.arg("-c").arg(&config);
        Self::start("Mosquitto (stores nothing)", command, format!("127.0.0.1:{port}"), None).await
    }

    async fn nats(dir: &Path) -> anyhow::Result<Self> {
        let (port, mqtt, config) = (free_port()?, free_port()?, dir.join("nats.conf"));
        let store = dir.join("nats");
        let text = format!(
            "server_name: bench\nlisten: 127.0.0.1:{port}\nmqtt {{ listen: 127.0.0.1:{mqtt} }}\n\
             jetstream {{ store_dir: \"{}\" }}\n",
            store.display()
        );
        let synced =
            text.replace(" }\n", ", sync_interval: always }\n").replacen(", sync_interval: always", "", 1);
        fs::write(&config, &synced)?;
        // Versions before 2.10 cannot sync always.
        let checked = Command::new("nats-server").args(["-t", "-c"]).arg(&config).output();
        let name = match checked {
            Ok(checked) if checked.status.success() => "nats-server (JetStream, sync always)",
            Ok(_) => {
                fs::write(&config, &text)?;
                "nats-server (JetStream, too old to sync always)"
            }
            Err(error) => return Err(error).context("nats-server"),
        };
        let mut command = Command::new("nats-server");
        command.arg("-c").arg(&config);
        Self::start(name, command, format!("127.0.0.1:{mqtt}"), None).await
    }

    async fn sos(dir: &Path) -> anyhow::Result<Self> {
        let (mqtt, grpc) = (format!("127.0.0.1:{}", free_port()?), format!("127.0.0.1:{}", free_port()?));
        let mut command = Command::new(beside_us("sos")?);
        command.args(["up", "--mqtt", &mqtt, "--grpc", &grpc, "--http", "127.0.0.1:0", "--data"]);
        command.arg(dir.join("sos")).env("SOS_TELEMETRY__LOG", "warn").env("SOS_ALERTS__ESCALATION", "[]");
        // A device of the bench is faster than any that is not broken.
        command.env("SOS_MQTT__DEVICE_RATE", "0");
        Self::start("sos (durable)", command, mqtt, Some(grpc)).await
    }

    async fn start(
        name: &'static str,
        mut command: Command,
        mqtt: String,
        grpc: Option<String>,
    ) -> anyhow::Result<Self> {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context(name)?;
        let server = Self { name, mqtt, grpc, child };
        for address in [Some(&server.mqtt), server.grpc.as_ref()].into_iter().flatten() {
            for _ in 0..200 {
                if tokio::net::TcpStream::connect(address).await.is_ok() {
                    break;
                }
                sleep(Duration::from_millis(50)).await;
            }
        }
        sleep(Duration::from_millis(500)).await;
        Ok(server)
    }

    /// Acknowledged publishes a second, and the server's CPU seconds for 100,000 of them. A broker that stores
    /// nothing brings them to one subscriber.
    async fn acknowledged(&self, devices: usize) -> anyhow::Result<(f64, f64)> {
        let stop = CancellationToken::new();
        let mut listening = JoinSet::new();
        if self.grpc.is_none() {
            let (mqtt, stop) = (self.mqtt.clone(), stop.clone());
            listening.spawn(async move { peers::subscribe(&mqtt, stop).await });
            sleep(Duration::from_millis(200)).await;
        }
        let before = self.cpu()?;
        let rate =
            peers::acknowledged_per_s(&peers::Entrance::open(&self.mqtt)?, devices, DURATION, &self.run())
                .await?;
        let cpu = (self.cpu()? - before) / (rate * DURATION.as_secs_f64()) * 100_000.0;
        stop.cancel();
        while let Some(ended) = listening.join_next().await {
            ended??;
        }
        Ok((rate, cpu))
    }

    /// From the intended moment to a subscriber, or to a console.
    async fn delivered(&self, rate: f64) -> anyhow::Result<Quantiles> {
        let Some(grpc) = &self.grpc else {
            return Ok(peers::publish_to_subscriber(&self.mqtt, rate, DURATION, &self.run()).await?);
        };
        let channel = Channel::from_shared(format!("http://{grpc}"))?.connect().await?;
        let config = load::Config {
            mqtt: self.mqtt.clone(),
            identities: None,
            grpc: Bearer::default().over(channel),
            devices: 100,
            rate: Rate::PerSecond(rate),
            duration: DURATION,
            run: self.run(),
            seed: 1,
            faults: faults::Faults::default(),
            ledger: None,
        };
        Ok(load::run(config, |_| (), CancellationToken::new()).await?.press_to_console_us)
    }

    /// A new name, so that no press is a repeat.
    fn run(&self) -> String {
        format!("bench-{:x}", fastrand::u64(..) >> 16)
    }

    /// CPU seconds so far.
    fn cpu(&self) -> anyhow::Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
        // Behind the name: state, and then by number; a tick is a hundredth of a second.
        Ok((ticks(11).context("utime")? + ticks(12).context("stime")?) / 100.0)
    }

    /// Resident memory, in bytes.
    fn resident(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1_024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill().and_then(|()| self.child.wait()).is_ok();
    }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A binary of the same build.
fn beside_us(name: &str) -> anyhow::Result<PathBuf> {
    let us = std::env::current_exe()?;
    Ok(us.parent().and_then(Path::parent).context("the build has a folder")?.join(name))
}
