//! Load by the clock: presses leave when they are due, whether or not the system keeps up, and every latency
//! counts from then. `Rate::Max` presses as fast as acknowledged instead.
//!
//! Invariant: what was acknowledged is looked for in the log afterwards; the report never takes the system's
//! word for it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use sos_proto::call_point::{CallPoint, Leaf};
use sos_proto::device::v1::device_event::Event;
use sos_proto::device::v1::{DeviceEvent, Press};
use sos_proto::link::Link;
use sos_proto::time;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::button::{Button, IN_FLIGHT_MAX, Order, Publication, Shared};
use crate::clock;
use crate::config::{Broker, ConfigError, Identities, Run as Name};
use crate::faults::Faults;
use crate::recorder::Count;
use crate::report::Report;
use crate::session::{Session, SessionError};
use crate::system::{System, SystemError};

/// Most devices of a load.
pub const DEVICES_MAX: usize = 20_000;

/// Presses that wait for one device. Beyond it the schedule waits, and the waiting is part of the latency.
const ORDERS_MAX: usize = 1_024;

/// Devices of one site.
const DEVICES_PER_SITE: usize = 20;

/// How long devices may take to connect before the first press is due.
const WARM_UP: Duration = Duration::from_secs(1);

/// How long unacknowledged presses may still be answered.
const DRAIN: Duration = Duration::from_secs(30);

/// How fast to press.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// So many a second in all.
    PerSecond(f64),
    /// As fast as acknowledged, one at a time for each device.
    Max,
}

/// What to load, and how.
#[derive(Debug, Clone)]
pub struct Config {
    /// Broker, `host:port`.
    pub mqtt: String,
    /// What its call points present, if it wants certificates.
    pub identities: Option<Identities>,
    /// The operator contract.
    pub grpc: Link,
    /// Virtual call points, 1 to [`DEVICES_MAX`], each with its own connection.
    pub devices: usize,
    /// How fast.
    pub rate: Rate,
    /// For how long.
    pub duration: Duration,
    /// Names the run, 1 to 40 characters of `[a-z0-9._-]`.
    pub run: String,
    /// What chance grows from.
    pub seed: u64,
    /// What goes wrong on the way.
    pub faults: Faults,
    /// Where to keep the ledger. Absent: nowhere.
    pub ledger: Option<PathBuf>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A setting is out of range.
    #[error("{0}")]
    Setting(String),
    /// It was not measured to its end.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The system cannot be asked.
    #[error(transparent)]
    System(#[from] SystemError),
    /// A fault of this program.
    #[error("a task of the load failed")]
    Task(#[from] JoinError),
}

/// Loads a system until the time is over or `shutdown`, and reports what became of it.
///
/// # Errors
/// If a setting is wrong, the system is out of reach, or the ledger cannot be written.
pub async fn run(
    config: Config,
    counted: impl FnMut(Count) + Send + 'static,
    shutdown: CancellationToken,
) -> Result<Report, Error> {
    let (broker, name) =
        (Broker::secured(&config.mqtt, config.identities.clone())?, Name::parse(&config.run)?);
    config.check()?;
    let system = System::new(config.grpc.clone());
    let named = (name.as_str(), config.seed);
    let session = Session::begin(system, named, config.ledger.as_deref(), counted).await?;
    let over = shutdown.child_token();
    let shared = Arc::new(Shared {
        broker,
        faults: config.faults.clone(),
        facts: session.facts.clone(),
        start: session.start,
        shutdown: over.clone(),
        drain: DRAIN,
        presence: false,
        in_flight: if config.rate == Rate::Max { 1 } else { IN_FLIGHT_MAX },
    });
    let mut tasks = JoinSet::new();
    let mut devices = Vec::new();
    for number in 0..config.devices {
        let (orders, inbox) = mpsc::channel(if config.rate == Rate::Max { 1 } else { ORDERS_MAX });
        let boot_id = format!("load-{}", name.as_str());
        let call_point = call_point(number);
        let seed = config.seed.wrapping_add(number as u64);
        tasks.spawn(Button::new(Arc::clone(&shared), call_point, boot_id, inbox, seed).run());
        devices.push(orders);
    }
    drop(shared);
    press(&config, devices, session.start, &shutdown).await?;
    // Each button ends when it has nothing more to bring, at the latest after the drain.
    over.cancel();
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    Ok(session.finish().await?)
}

impl Config {
    fn check(&self) -> Result<(), Error> {
        let refuse = |reason: String| Err(Error::Setting(reason));
        if !(1..=DEVICES_MAX).contains(&self.devices) {
            return refuse(format!("--devices: {} is not 1 to {DEVICES_MAX}", self.devices));
        }
        if let Rate::PerSecond(rate) = self.rate
            && !(rate.is_finite() && rate > 0.0 && rate <= 1e6)
        {
            return refuse(format!("--rate: {rate} is not above 0 and at most 1,000,000"));
        }
        if let Some((name, reason)) = self.faults.fault() {
            return refuse(format!("--{name}: {reason}"));
        }
        Ok(())
    }
}

/// The call points of every load are the same.
#[expect(clippy::expect_used, reason = "the names are made here, and sound")]
fn call_point(number: usize) -> CallPoint {
    let site = format!("load-{}", number / DEVICES_PER_SITE);
    CallPoint::new(&site, &format!("point-{}", number % DEVICES_PER_SITE)).expect("a sound name")
}

/// Orders presses when they are due.
async fn press(
    config: &Config,
    devices: Vec<mpsc::Sender<Order>>,
    start: Instant,
    shutdown: &CancellationToken,
) -> Result<(), Error> {
    let first = start + WARM_UP;
    let end = first + config.duration;
    let stop = shutdown.cancelled();
    tokio::pin!(stop);
    match config.rate {
        Rate::PerSecond(rate) => {
            let mut sequences = vec![0; devices.len()];
            for n in 0_u64.. {
                let due = first + Duration::from_secs_f64(n as f64 / rate);
                if due >= end {
                    break;
                }
                tokio::select! {
                    biased;
                    () = &mut stop => break,
                    () = sleep_until(due) => {}
                }
                let number = usize::try_from(n).unwrap_or(usize::MAX) % devices.len();
                let (Some(device), Some(sequence)) = (devices.get(number), sequences.get_mut(number)) else {
                    break;
                };
                *sequence += 1;
                let order = Order::Publish(publication(n, *sequence, &config.run, Some(due)));
                tokio::select! {
                    () = &mut stop => break,
                    sent = device.send(order) => if sent.is_err() { break },
                }
            }
        }
        Rate::Max => {
            sleep_until(first).await;
            let mut pressing = JoinSet::new();
            for (number, device) in devices.into_iter().enumerate() {
                let (run, shutdown) = (config.run.clone(), shutdown.clone());
                pressing.spawn(async move {
                    for sequence in 1_u64.. {
                        if Instant::now() >= end || shutdown.is_cancelled() {
                            break;
                        }
                        // Numbers of different devices never meet.
                        let n = (number as u64) << 40 | sequence;
                        if device.send(Order::Publish(publication(n, sequence, &run, None))).await.is_err() {
                            break;
                        }
                    }
                });
            }
            while let Some(ended) = pressing.join_next().await {
                ended?;
            }
        }
    }
    Ok(())
}

fn publication(n: u64, sequence: u64, run: &str, due: Option<Instant>) -> Publication {
    let event = DeviceEvent {
        boot_id: format!("load-{run}"),
        sequence,
        occurred_at: Some(time::timestamp(clock::now())),
        event: Some(Event::Press(Press::default())),
        ..DeviceEvent::default()
    };
    Publication { n, what: "press", sequence, leaf: Leaf::Event, body: event.encode_to_vec().into(), due }
}
