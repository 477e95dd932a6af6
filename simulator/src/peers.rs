//! Measures any MQTT broker with the same lean clients, so that systems can be compared side by side.

use std::time::Duration;

use prost::Message as _;
use sos_proto::device::v1::device_event::Event;
use sos_proto::device::v1::{DeviceEvent, Press};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

pub use crate::config::Identities;
use crate::config::{Broker, ConfigError};
use crate::report::{Quantiles, histogram};
use crate::wire::{Heard, Wire, WireError};

/// How long the last answers may take.
const DRAIN: Duration = Duration::from_secs(5);

/// Time for everybody to connect.
const WARM_UP: Duration = Duration::from_millis(500);

/// Why a broker was not measured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its address is none.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It did not answer as a broker does.
    #[error("the broker: {0}")]
    Broker(String),
    /// A fault of this program.
    #[error("a task of the measurement failed")]
    Task(#[from] JoinError),
}

impl From<WireError> for Error {
    fn from(error: WireError) -> Self {
        Self::Broker(error.to_string())
    }
}

/// Where call points come in, and how.
#[derive(Clone)]
pub struct Entrance(Broker);

impl Entrance {
    /// A broker that lets everybody in.
    ///
    /// # Errors
    /// If the address is none.
    pub fn open(mqtt: &str) -> Result<Self, Error> {
        Ok(Self(Broker::parse(mqtt)?))
    }

    /// A broker that wants a certificate of each call point.
    ///
    /// # Errors
    /// If the address is none.
    pub fn secured(mqtt: &str, identities: Identities) -> Result<Self, Error> {
        Ok(Self(Broker::secured(mqtt, Some(identities))?))
    }

    /// A connection of the call point with a number. Waits for as long as it takes: many may come together.
    pub(crate) async fn connect(&self, number: usize) -> Result<Wire, WireError> {
        Wire::open(&self.0, &name(number), None).await
    }
}

/// The name of the call point with a number.
#[must_use]
pub fn name(number: usize) -> String {
    format!("peers-{}/point-{}", number / 20, number % 20)
}

/// How many QoS 1 publishes a second a broker acknowledges, of so many devices that each wait for the one before.
///
/// # Errors
/// If it does not answer as a broker does.
pub async fn acknowledged_per_s(
    entrance: &Entrance,
    devices: usize,
    duration: Duration,
    run: &str,
) -> Result<f64, Error> {
    let begin = Instant::now() + WARM_UP;
    let end = begin + duration;
    let mut tasks: JoinSet<Result<u64, WireError>> = JoinSet::new();
    for number in 0..devices {
        let (entrance, run) = (entrance.clone(), run.to_owned());
        tasks.spawn(async move {
            let mut wire = entrance.connect(number).await?;
            let topic = topic(number);
            sleep_until(begin).await;
            let mut count = 0;
            while Instant::now() < end {
                wire.publish(&topic, &press(&run, count + 1, None), 1, false)?;
                wire.flush().await?;
                wire.acknowledged().await?;
                count += 1;
            }
            Ok(count)
        });
    }
    let mut all = 0;
    while let Some(count) = tasks.join_next().await {
        all += count??;
    }
    Ok(all as f64 / duration.as_secs_f64())
}

/// Takes everything that is published to any call point, until stopped.
///
/// # Errors
/// If the broker does not answer as one does.
pub async fn subscribe(mqtt: &str, stop: CancellationToken) -> Result<u64, Error> {
    let mut wire = subscriber(&Broker::parse(mqtt)?).await?;
    let mut count = 0;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(count),
            heard = wire.next() => {
                count += u64::from(matches!(heard?, Heard::Message { .. }));
                wire.flush().await?;
            }
        }
    }
}

async fn subscriber(broker: &Broker) -> Result<Wire, WireError> {
    let mut wire = Wire::connect(broker, "sos-peers-subscriber", None).await?;
    wire.subscribe("sos/v1/+/+/event", 1)?;
    wire.flush().await?;
    Ok(wire)
}

/// How long a QoS 1 publish takes to one QoS 1 subscriber, at so many a second of 100 devices, from the intended
/// moment.
///
/// # Errors
/// If the broker does not answer as one does.
pub async fn publish_to_subscriber(
    mqtt: &str,
    rate: f64,
    duration: Duration,
    run: &str,
) -> Result<Quantiles, Error> {
    const DEVICES: usize = 100;
    let broker = Broker::parse(mqtt)?;
    let mut wire = subscriber(&broker).await?;
    let begin = Instant::now() + WARM_UP;
    let count = (rate * duration.as_secs_f64()) as u64;
    let mut publishers: JoinSet<Result<(), WireError>> = JoinSet::new();
    for device in 0..DEVICES {
        let (broker, run) = (broker.clone(), run.to_owned());
        publishers.spawn(async move {
            let mut wire = Wire::connect(&broker, &format!("{run}-{device}"), None).await?;
            let topic = topic(device);
            for n in (device as u64..count).step_by(DEVICES) {
                let due = Duration::from_secs_f64(n as f64 / rate);
                // Whoever is slow to acknowledge is not waited for.
                loop {
                    tokio::select! {
                        biased;
                        () = sleep_until(begin + due) => break,
                        heard = wire.next() => drop(heard?),
                    }
                }
                let pkid = u16::try_from(n % 60_000).unwrap_or(0) + 1;
                wire.publish(&topic, &press(&run, n + 1, Some(due)), pkid, false)?;
                wire.flush().await?;
            }
            let _rest = timeout(DRAIN, async { while wire.next().await.is_ok() {} }).await.is_ok();
            Ok(())
        });
    }
    let mut waits = histogram();
    let listening = async {
        while waits.len() < count {
            if let Heard::Message { body, .. } = wire.next().await? {
                let at = Instant::now().saturating_duration_since(begin);
                if let Some(due) = due_of(&body) {
                    let wait = at.saturating_sub(due).as_micros();
                    waits.saturating_record(u64::try_from(wait).unwrap_or(u64::MAX));
                }
            }
            wire.flush().await?;
        }
        Ok::<_, WireError>(())
    };
    match timeout(WARM_UP + duration + DRAIN, listening).await {
        Ok(listened) => listened?,
        Err(_) => return Err(Error::Broker(format!("{} of {count} came through", waits.len()))),
    }
    publishers.shutdown().await;
    Ok(Quantiles::of(&waits))
}

/// Connections that say nothing and listen to nothing that happens, until stopped.
///
/// # Errors
/// If the broker does not answer as one does.
pub async fn idle_subscribers(mqtt: &str, count: usize) -> Result<Vec<impl Sized>, Error> {
    let broker = Broker::parse(mqtt)?;
    let mut wires = Vec::new();
    for number in 0..count {
        let mut wire = Wire::connect(&broker, &format!("sos-peers-idle-{number}"), None).await?;
        wire.subscribe(&format!("sos/v1/idle/point-{number}/feedback"), 1)?;
        wire.flush().await?;
        wires.push(wire);
    }
    Ok(wires)
}

pub(crate) fn topic(device: usize) -> String {
    format!("sos/v1/{}/event", name(device))
}

/// A press; its note says when it was due, in microseconds.
pub(crate) fn press(run: &str, sequence: u64, due: Option<Duration>) -> Vec<u8> {
    let note = due.map(|due| due.as_micros().to_string()).unwrap_or_default();
    DeviceEvent {
        boot_id: run.to_owned(),
        sequence,
        event: Some(Event::Press(Press { note, ..Press::default() })),
        ..DeviceEvent::default()
    }
    .encode_to_vec()
}

fn due_of(body: &[u8]) -> Option<Duration> {
    match DeviceEvent::decode(body).ok()?.event? {
        Event::Press(press) => press.note.parse().ok().map(Duration::from_micros),
        _ => None,
    }
}
