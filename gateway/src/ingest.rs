//! The one way from an MQTT message into the log, for both brokers.
//!
//! Invariant: [`Ingest::ingest`] returns `Ok` only when the message is on stable storage (P1), and then the
//! broker may acknowledge it. It never returns `Ok` for a message that it did not understand without the
//! bytes being in the log (P3).

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use futures::future::BoxFuture;
use sos_eventlog::{Append, AppendError, Appended, EventLog, clock};
use sos_proto::call_point::{CallPoint, Leaf, TopicError};
use sos_proto::device::v1::{Receipt, ReceiptStatus};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{DeviceOrigin, Encoding, Event, Quarantined};
use sos_proto::time;
use tokio::sync::watch;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::decode::{self, Decoded, Unreadable};
use crate::devices::Devices;
use crate::downlink::{self, Downlink};
use crate::supervision::Heard;
use crate::{normal, telemetry};
use presence::Turns;
pub(crate) use presence::about;

/// Longest payload of a device's message, in bytes; a longer one is quarantined.
pub const PAYLOAD_BYTES_MAX: usize = 16 * 1024;

/// What became of bytes that nobody can read.
pub(crate) const QUARANTINED: &str = "quarantined";

/// Most bytes of a quarantined payload that the log keeps.
const QUARANTINE_BYTES_MAX: usize = 8 * 1024;

/// A message from a device, as its broker hands it over.
pub struct Incoming<'a> {
    /// MQTT topic.
    pub topic: &'a str,
    /// Who speaks and about what, as the topic says.
    pub address: Result<(CallPoint, Leaf), TopicError>,
    /// Body.
    pub payload: Bytes,
    /// MQTT 5 content type.
    pub content_type: Option<&'a str>,
    /// W3C trace context from the MQTT 5 user property of that name.
    pub traceparent: Option<&'a str>,
    /// The message came with the retain flag; it may be of any age.
    pub retained: bool,
    /// The session whose last will this is. Absent: the device itself sent it.
    pub last_will_of: Option<&'a dyn Session>,
}

/// A session at a broker.
pub trait Session: Sync {
    /// Whether the same client has a newer one.
    fn is_superseded(&self) -> BoxFuture<'_, bool>;
}

/// Why a message is not in the log. It must not be acknowledged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refusal {
    /// The topic is outside the scheme.
    #[error(transparent)]
    Topic(#[from] TopicError),
    /// The topic is one that devices only listen to.
    #[error("topic: devices do not publish to {0}")]
    NotForDevices(Leaf),
    /// The log can take nothing now; the device repeats its message.
    #[error(transparent)]
    Unavailable(#[from] AppendError),
}

/// The way into the log. Clones share it.
#[derive(Clone)]
pub struct Ingest {
    log: Arc<dyn EventLog>,
    devices: Arc<RwLock<Devices>>,
    /// How far the log is folded into `devices`.
    folded: watch::Receiver<u64>,
    turns: Arc<Turns>,
    heard: Arc<Heard>,
}

impl Ingest {
    /// A way into `log`, beside a fold of the same log.
    pub(crate) fn new(
        log: Arc<dyn EventLog>,
        devices: Arc<RwLock<Devices>>,
        folded: watch::Receiver<u64>,
        heard: Arc<Heard>,
    ) -> Self {
        Self { log, devices, folded, turns: Arc::default(), heard }
    }

    /// Records a message, and answers the device on the way it came.
    ///
    /// # Errors
    /// If it is not recorded; see [`Refusal`].
    pub async fn ingest(&self, incoming: &Incoming<'_>, downlink: &dyn Downlink) -> Result<(), Refusal> {
        self.ingest_told(incoming, downlink).await.map(|_| ())
    }

    /// The same, and tells what became of it: `recorded`, `duplicate`, `quarantined`, ….
    pub(crate) async fn ingest_told(
        &self,
        incoming: &Incoming<'_>,
        downlink: &dyn Downlink,
    ) -> Result<&'static str, Refusal> {
        let received_at = clock::now();
        let recorded = self.record(incoming, received_at, downlink).await;
        match &recorded {
            Ok(outcome) => telemetry::ingested(outcome, (clock::now() - received_at) as f64 / 1e6),
            Err(refusal) => telemetry::refused(incoming.topic, refusal),
        }
        recorded
    }

    /// Records a message whose broker has acknowledged it already: a topic outside the scheme is
    /// quarantined, since nobody can be told.
    ///
    /// # Errors
    /// If it is not recorded; see [`Refusal`].
    pub async fn ingest_acknowledged(
        &self,
        incoming: &Incoming<'_>,
        downlink: &dyn Downlink,
    ) -> Result<(), Refusal> {
        if incoming.address.as_ref().is_ok_and(|(call_point, _)| self.is_revoked(call_point)) {
            // Its broker has let it in, which it should not have.
            telemetry::denied("publish", incoming.topic, None, &"its access is revoked");
            return Ok(());
        }
        match self.ingest(incoming, downlink).await {
            Err(refusal @ (Refusal::Topic(_) | Refusal::NotForDevices(_))) => {
                let reason = refusal.to_string();
                telemetry::quarantined(None, &reason);
                let unreadable = Unreadable { reason, ..Unreadable::default() };
                let event = quarantined(None, incoming, &unreadable, clock::now());
                self.append(event).await?;
                Ok(())
            }
            other => other,
        }
    }

    fn is_revoked(&self, call_point: &CallPoint) -> bool {
        let devices = self.devices.read().unwrap_or_else(PoisonError::into_inner);
        devices.is_revoked(&call_point.to_string())
    }

    async fn record(
        &self,
        incoming: &Incoming<'_>,
        received_at: i64,
        downlink: &dyn Downlink,
    ) -> Result<&'static str, Refusal> {
        let (call_point, leaf) = incoming.address.as_ref().map_err(Clone::clone)?;
        if !leaf.is_from_device() {
            return Err(Refusal::NotForDevices(*leaf));
        }
        let recorded = match leaf {
            Leaf::State => self.record_state(call_point, incoming, received_at).await?,
            Leaf::Health => self.record_health(call_point, incoming, received_at).await?,
            _ => self.record_event(call_point, incoming, received_at, downlink).await?,
        };
        // What a broker sends in the name of a device that is gone is no sign of life.
        if incoming.last_will_of.is_none() && !incoming.retained {
            self.heard.note(call_point);
            if *leaf != Leaf::State {
                self.is_back(call_point, received_at).await?;
            }
        }
        let unreadable = match recorded {
            Ok(outcome) => return Ok(outcome),
            Err(unreadable) => unreadable,
        };
        telemetry::quarantined(Some(call_point), &unreadable.reason);
        let event = quarantined(Some(call_point), incoming, &unreadable, received_at);
        let appended = self.append(event).await?;
        if *leaf == Leaf::Event {
            let Unreadable { encoding, reason, boot_id, sequence } = unreadable;
            let encoding = self.form_of(call_point, encoding);
            let origin = DeviceOrigin { boot_id, sequence, ..DeviceOrigin::default() };
            let mut receipt = receipt(&origin, appended, ReceiptStatus::Quarantined);
            receipt.reason = reason;
            downlink.answer(downlink::outgoing(call_point, Leaf::Receipt, encoding, &receipt)).await;
        }
        Ok(QUARANTINED)
    }

    /// The form in which to answer bytes that cannot be read: as they seem to be written, where that is
    /// plain, else as the call point last wrote.
    fn form_of(&self, call_point: &CallPoint, seems: Encoding) -> Encoding {
        let devices = self.devices.read().unwrap_or_else(PoisonError::into_inner);
        match (seems, devices.get(call_point).map(|d| d.encoding)) {
            (Encoding::Json, _) | (_, None | Some(Encoding::Unspecified)) => seems,
            (_, Some(known)) => known,
        }
    }

    async fn record_event(
        &self,
        call_point: &CallPoint,
        incoming: &Incoming<'_>,
        received_at: i64,
        downlink: &dyn Downlink,
    ) -> Result<Result<&'static str, Unreadable>, Refusal> {
        let decoded = match check_size(incoming)
            .and_then(|()| decode::event(&incoming.payload, incoming.content_type))
        {
            Ok(decoded) => decoded,
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        let Decoded { encoding, .. } = decoded;
        let (boot_id, sequence) = (decoded.message.boot_id.clone(), decoded.message.sequence);
        if incoming.retained && (sequence == 0 || boot_id.is_empty()) {
            let reason = "retained: an event of unknown age without boot id and sequence".to_owned();
            return Ok(Err(Unreadable { encoding, reason, ..Unreadable::default() }));
        }
        let want_receipt = decoded.message.want_receipt;
        let mut event = normal::event(call_point, decoded, incoming.retained, received_at);
        identify(&mut event, incoming.traceparent, received_at);
        let answered = want_receipt || matches!(event.body, Some(Body::Press(_) | Body::Cancel(_)));
        let appended = self.append(event).await?;
        let (outcome, status) = if appended.duplicate {
            ("duplicate", ReceiptStatus::Duplicate)
        } else {
            ("recorded", ReceiptStatus::Recorded)
        };
        if answered {
            let origin = DeviceOrigin { boot_id, sequence, ..DeviceOrigin::default() };
            let receipt = receipt(&origin, appended, status);
            downlink.answer(downlink::outgoing(call_point, Leaf::Receipt, encoding, &receipt)).await;
        }
        Ok(Ok(outcome))
    }

    async fn append(&self, event: Event) -> Result<Appended, AppendError> {
        let span = tracing::debug_span!(
            "ingest",
            trace_id = sos_proto::trace::trace_id(&event),
            site = event.site_id
        );
        async {
            let appended = self.log.append(Append::one(event)).await?.pop();
            let appended = appended.ok_or_else(|| AppendError::Unavailable("no answer".to_owned()))?;
            tracing::debug!(position = appended.position, duplicate = appended.duplicate, "recorded");
            Ok(appended)
        }
        .instrument(span)
        .await
    }
}

fn check_size(incoming: &Incoming<'_>) -> Result<(), Unreadable> {
    let bytes = incoming.payload.len();
    if bytes <= PAYLOAD_BYTES_MAX {
        return Ok(());
    }
    let encoding = decode::encoding(&incoming.payload, incoming.content_type);
    let reason = format!("payload: {bytes} bytes, {PAYLOAD_BYTES_MAX} allowed");
    Err(Unreadable { encoding, reason, ..Unreadable::default() })
}

fn quarantined(
    call_point: Option<&CallPoint>,
    incoming: &Incoming<'_>,
    unreadable: &Unreadable,
    received_at: i64,
) -> Event {
    let kept = incoming.payload.len().min(QUARANTINE_BYTES_MAX);
    let body = Quarantined {
        topic: normal::clip(incoming.topic.to_owned(), 200),
        payload: incoming.payload.slice(..kept),
        payload_size: incoming.payload.len() as u64,
        reason: normal::clip(unreadable.reason.clone(), 500),
    };
    let mut event = Event {
        site_id: call_point.map(|c| c.site().to_owned()).unwrap_or_default(),
        device_id: call_point.map(|c| c.device().to_owned()).unwrap_or_default(),
        received_at: Some(time::timestamp(received_at)),
        schema: normal::SCHEMA,
        // P2: what is numbered is recorded once, readable or not.
        origin: Some(DeviceOrigin {
            boot_id: normal::boot_id(&unreadable.boot_id),
            sequence: unreadable.sequence,
            ..DeviceOrigin::default()
        }),
        body: Some(Body::Quarantined(body)),
        ..Event::default()
    };
    identify(&mut event, incoming.traceparent, received_at);
    event
}

/// Gives an event its id and its place in a trace.
pub(crate) fn identify(event: &mut Event, traceparent: Option<&str>, received_at: i64) {
    let seconds = u64::try_from(received_at / 1_000_000).unwrap_or(0);
    let nanos = u32::try_from(received_at % 1_000_000 * 1_000).unwrap_or(0);
    let timestamp = uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos);
    event.event_id = Uuid::new_v7(timestamp).to_string();
    event.traceparent =
        traceparent.filter(|t| sos_proto::trace::is_traceparent(t)).unwrap_or_default().to_owned();
}

fn receipt(origin: &DeviceOrigin, appended: Appended, status: ReceiptStatus) -> Receipt {
    Receipt {
        boot_id: origin.boot_id.clone(),
        sequence: origin.sequence,
        event_id: appended.event_id,
        position: appended.position,
        status: status.into(),
        recorded_at: Some(time::timestamp(appended.recorded_at)),
        reason: String::new(),
    }
}

mod presence;

#[cfg(test)]
mod tests;
