//! Replays what really happened: the device events of `sos log export`, or a capture of `sos simulate record`, with
//! the spacing that they had.
//!
//! Invariant: the same file under the same run is the same messages, so that replaying it again adds no event
//! (P2). A capture is sent byte for byte.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use sos_proto::call_point::{CallPoint, Leaf};
use sos_proto::device::v1::DeviceEvent;
use sos_proto::device::v1::device_event::Event;
use sos_proto::event::v1::RecordedEvent;
use sos_proto::event::v1::event::Body;
use sos_proto::time;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::button::{Button, IN_FLIGHT_MAX, Order, Publication, Shared};
use crate::capture::Captured;
use crate::config::{Broker, ConfigError, Run as Name};
use crate::faults::Faults;
use crate::ledger::{LedgerError, Run};
use crate::numbering::Numbering;
use crate::recorder::{self, Count};
use crate::replay::Summary;

/// Orders that wait for one call point; the schedule waits beyond that.
const ORDERS_MAX: usize = 64;

/// Facts on their way to be counted.
const FACTS_MAX: usize = 1_024;

/// Most call points of a file.
const CALL_POINTS_MAX: usize = 20_000;

/// What to replay, and how.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file.
    pub file: PathBuf,
    /// Broker, `host:port`.
    pub mqtt: String,
    /// How many times faster than recorded; 0 is as fast as acknowledged.
    pub speed: f64,
    /// Names the run, 1 to 40 characters of `[a-z0-9._-]`. Absent: after the file's digest.
    pub run: Option<String>,
    /// How long what is unacknowledged is still tried at the end.
    pub give_up: Duration,
}

/// Why a replay did not take place.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The file cannot be read.
    #[error("cannot read {}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("{}: line {line}: {reason}", file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A fault of this program.
    #[error("a task of the replay failed")]
    Task(#[from] JoinError),
    /// Never, since no ledger is kept.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// One message to come.
#[derive(Debug, Clone, PartialEq)]
struct Moment {
    /// When it was, in microseconds.
    at: i64,
    call_point: CallPoint,
    leaf: Leaf,
    sequence: u64,
    body: Bytes,
}

/// Whether a file is one of these, by its first byte: a table of calls begins otherwise.
#[must_use]
pub fn is_one(bytes: &[u8]) -> bool {
    bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

/// Replays a file, until everything is acknowledged or given up, or soon after `shutdown`.
///
/// # Errors
/// If a setting or the file is wrong; nothing was sent then.
pub async fn run(
    config: Config,
    counted: impl FnMut(Count) + Send + 'static,
    shutdown: CancellationToken,
) -> Result<Summary, Error> {
    let broker = Broker::parse(&config.mqtt)?;
    if !(config.speed.is_finite() && config.speed >= 0.0) {
        return Err(ConfigError::Speed(config.speed).into());
    }
    let bytes =
        std::fs::read(&config.file).map_err(|source| Error::Read { file: config.file.clone(), source })?;
    let name = config.run.as_deref().map(Name::parse).transpose()?.unwrap_or_else(|| Name::of(&bytes));
    let boot_id = format!("replay-{}", name.as_str());
    let moments = moments(&config.file, &bytes, &boot_id)?;
    let run = Run::new(name.as_str(), 0, 0);

    let start = Instant::now();
    let (facts, arriving) = mpsc::channel(FACTS_MAX);
    let mut recording = JoinSet::new();
    recording.spawn(recorder::record(arriving, run, None, counted));
    let over = shutdown.child_token();
    let shared = Arc::new(Shared {
        broker,
        faults: Faults::default(),
        facts,
        start,
        shutdown: over.clone(),
        drain: config.give_up,
        presence: false,
        in_flight: IN_FLIGHT_MAX,
    });
    let (mut tasks, mut devices) = (JoinSet::new(), HashMap::new());
    for moment in &moments {
        devices.entry(moment.call_point.clone()).or_insert_with(|| {
            let (orders, inbox) = mpsc::channel(ORDERS_MAX);
            let button =
                Button::new(Arc::clone(&shared), moment.call_point.clone(), boot_id.clone(), inbox, 0);
            tasks.spawn(button.run());
            orders
        });
    }
    drop(shared);
    let total = moments.len() as u64;
    send(moments, &devices, config.speed, start, &shutdown).await;
    drop(devices);
    if shutdown.is_cancelled() {
        over.cancel();
    }
    let give_up = tokio::time::sleep(config.give_up);
    tokio::pin!(give_up);
    loop {
        tokio::select! {
            ended = tasks.join_next() => match ended {
                Some(ended) => ended?,
                None => break,
            },
            () = &mut give_up => tasks.shutdown().await,
        }
    }
    let stories = recording.join_next().await.transpose()?.transpose()?.unwrap_or_default();
    let count =
        |known: &dyn Fn(&recorder::Story) -> bool| stories.all.values().filter(|s| known(s)).count() as u64;
    let published = count(&|story| story.sent_at.is_some());
    let acknowledged = count(&|story| story.acked_at.is_some());
    let failed = if shutdown.is_cancelled() { published - acknowledged } else { total - acknowledged };
    Ok(Summary { published, acknowledged, failed })
}

/// Gives each message to its call point when it is due.
async fn send(
    moments: Vec<Moment>,
    devices: &HashMap<CallPoint, mpsc::Sender<Order>>,
    speed: f64,
    start: Instant,
    shutdown: &CancellationToken,
) {
    let begin = moments.first().map_or(0, |moment| moment.at);
    for (n, moment) in (0..).zip(moments) {
        let Some(device) = devices.get(&moment.call_point) else { continue };
        let elapsed = Duration::from_micros(u64::try_from(moment.at - begin).unwrap_or(0));
        let due = if speed > 0.0 { start + elapsed.div_f64(speed) } else { start };
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            () = sleep_until(due) => {}
        }
        let Moment { leaf, sequence, body, .. } = moment;
        let order = Order::Publish(Publication { n, what: "replay", sequence, leaf, body, due: None });
        tokio::select! {
            () = shutdown.cancelled() => return,
            // Fails only where the call point is gone, which its task tells.
            _ = device.send(order) => {}
        }
    }
}

/// The messages of a file, in its order.
fn moments(file: &Path, bytes: &[u8], boot_id: &str) -> Result<Vec<Moment>, Error> {
    let mut numbering = Numbering::default();
    let mut moments = Vec::new();
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let wrong = |reason: String| Error::Format { file: file.to_owned(), line: number, reason };
        let moment = match serde_json::from_slice::<Captured>(line) {
            Ok(captured) => Some(captured.into_moment().map_err(wrong)?),
            Err(_) => recorded(line, boot_id, &mut numbering).map_err(wrong)?,
        };
        moments.extend(moment);
    }
    let call_points: std::collections::HashSet<_> = moments.iter().map(|moment| &moment.call_point).collect();
    if call_points.len() > CALL_POINTS_MAX {
        let reason = format!("{} call points are more than {CALL_POINTS_MAX}", call_points.len());
        return Err(Error::Format { file: file.to_owned(), line: moments.len(), reason });
    }
    Ok(moments)
}

impl Captured {
    fn into_moment(self) -> Result<Moment, String> {
        let (call_point, leaf) = CallPoint::parse_topic(&self.topic).map_err(|e| format!("topic: {e}"))?;
        let body = self.payload()?.into();
        Ok(Moment { at: self.at, call_point, leaf, sequence: 0, body })
    }
}

/// A line of an export; nothing for what no device says.
fn recorded(line: &[u8], boot_id: &str, numbering: &mut Numbering) -> Result<Option<Moment>, String> {
    let recorded: RecordedEvent = serde_json::from_slice(line).map_err(|e| e.to_string())?;
    let at = recorded.recorded_at.as_ref().and_then(time::micros).ok_or("recordedAt: is missing")?;
    let event = recorded.event.ok_or("event: is missing")?;
    let said = match event.body {
        Some(Body::Press(press)) => Event::Press(press),
        Some(Body::Cancel(cancel)) => Event::Cancel(cancel),
        Some(Body::Call(call)) => Event::Call(call),
        Some(Body::Fault(fault)) => Event::Fault(fault),
        Some(Body::SelfTest(test)) => Event::SelfTest(test),
        Some(Body::Located(located)) => Event::Located(located),
        _ => return Ok(None),
    };
    let call_point = CallPoint::new(&event.site_id, &event.device_id).map_err(|e| e.to_string())?;
    let sequence = numbering.next(&call_point);
    let message = DeviceEvent {
        boot_id: boot_id.to_owned(),
        sequence,
        occurred_at: event.occurred_at,
        location: event.origin.and_then(|origin| origin.location),
        want_receipt: false,
        event: Some(said),
    };
    Ok(Some(Moment { at, call_point, leaf: Leaf::Event, sequence, body: message.encode_to_vec().into() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPORT: &str = r#"{"position":"1","recordedAt":"2026-01-01T00:00:00Z","event":{"eventId":"a","siteId":"s","deviceId":"d","press":{}}}
{"position":"2","recordedAt":"2026-01-01T00:00:05Z","event":{"eventId":"b","siteId":"s","deviceId":"d","alertId":"a","actor":"asel","alertAcknowledged":{}}}

{"position":"3","recordedAt":"2026-01-01T00:00:07Z","event":{"eventId":"c","siteId":"s","deviceId":"d","cancel":{"reason":"ok"}}}
"#;

    #[test]
    fn an_export_is_what_its_devices_said() {
        assert!(is_one(EXPORT.as_bytes()) && !is_one(b"latitude,longitude\n"));
        let moments = moments(Path::new("x"), EXPORT.as_bytes(), "replay-r").unwrap();
        let told: Vec<_> = moments.iter().map(|m| (m.at - moments[0].at, m.sequence)).collect();
        assert_eq!(told, [(0, 1), (7_000_000, 2)]);
        let cancel = DeviceEvent::decode(&*moments[1].body).unwrap();
        assert_eq!((cancel.boot_id.as_str(), cancel.sequence), ("replay-r", 2));
    }

    #[test]
    fn a_capture_is_sent_byte_for_byte() {
        let line = r#"{"at":5,"topic":"sos/v1/s/d/event","payload":"7b7d"}"#;
        let moments = moments(Path::new("x"), line.as_bytes(), "b").unwrap();
        assert_eq!((moments[0].at, moments[0].body.as_ref()), (5, &b"{}"[..]));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_line() {
        let told = |text: &str| moments(Path::new("x"), text.as_bytes(), "b").unwrap_err().to_string();
        assert!(told("{}\n{\"position\":1}").starts_with("x: line 1: recordedAt"));
        assert!(told(r#"{"at":5,"topic":"elsewhere","payload":""}"#).starts_with("x: line 1: topic: "));
        assert!(
            told(r#"{"at":5,"topic":"sos/v1/s/d/event","payload":"7"}"#).starts_with("x: line 1: payload: ")
        );
        assert!(told("\n\nnonsense").starts_with("x: line 3: "));
    }
}
