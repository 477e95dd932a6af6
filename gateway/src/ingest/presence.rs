//! Whether a call point is there and how well it is. Only news becomes an event: what it reports every minute is
//! not.
//!
//! Invariant: each message meets the state that the one before it made, so the same news is recorded once.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::PoisonError;

use prost::Message;
use serde::de::DeserializeOwned;
use sos_eventlog::AppendError;
use sos_proto::call_point::CallPoint;
use sos_proto::device::v1::{DeviceHealth, DeviceState};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{
    DeviceConditionChanged, DeviceOffline, DeviceOnline, DeviceOrigin, Event, OfflineReason,
};
use sos_proto::time;
use tokio::sync::{Mutex, MutexGuard};

use super::{Incoming, Ingest, Refusal, check_size, identify};
use crate::decode::{self, Decoded, Unreadable};
use crate::devices::{Device, Health};
use crate::normal;

/// Most capabilities of a call point that the log keeps.
const CAPABILITIES_MAX: usize = 32;

/// Locks that keep the messages of one call point in order.
const TURNS: usize = 64;

/// Messages of one call point are taken in turn.
pub(super) struct Turns([Mutex<()>; TURNS]);

impl Default for Turns {
    fn default() -> Self {
        Self([const { Mutex::const_new(()) }; TURNS])
    }
}

impl Turns {
    /// Waits for the turn of a call point; tokio's mutex is fair, so turns are taken in order of receipt.
    async fn of(&self, call_point: &CallPoint) -> Option<MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        call_point.hash(&mut hasher);
        let stripe = usize::try_from(hasher.finish() % TURNS as u64).unwrap_or(0);
        Some(self.0.get(stripe)?.lock().await)
    }
}

impl Ingest {
    /// Records that a call point came or went, where that is news.
    pub(super) async fn record_state(
        &self,
        call_point: &CallPoint,
        incoming: &Incoming<'_>,
        received_at: i64,
    ) -> Result<Result<&'static str, Unreadable>, Refusal> {
        // An empty body only clears what the broker retained.
        if incoming.payload.is_empty() {
            return Ok(Ok("unchanged"));
        }
        let decoded = match read::<DeviceState>(incoming) {
            Ok(decoded) => decoded,
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        let _turn = self.turns.of(call_point).await;
        if let Some(session) = incoming.last_will_of
            && session.is_superseded().await
        {
            // P9: the device has come back already; the will of its old connection says nothing.
            return Ok(Ok("unchanged"));
        }
        let state = decoded.message;
        let boot_id = normal::boot_id(&state.boot_id);
        let connected = self.known(call_point, |device| device.online.clone());
        // P9: the last will of an older run never ends a newer one.
        let news = if state.online {
            connected.as_ref() != Some(&boot_id)
        } else {
            connected == Some(boot_id.clone())
        };
        if !news {
            return Ok(Ok("unchanged"));
        }
        let origin = DeviceOrigin { boot_id, encoding: decoded.encoding.into(), ..DeviceOrigin::default() };
        self.tell(call_point, (received_at, incoming.traceparent), origin, presence(state)).await?;
        Ok(Ok("recorded"))
    }

    /// Records what a health report means, where that is news.
    pub(super) async fn record_health(
        &self,
        call_point: &CallPoint,
        incoming: &Incoming<'_>,
        received_at: i64,
    ) -> Result<Result<&'static str, Unreadable>, Refusal> {
        let decoded = match read::<DeviceHealth>(incoming) {
            Ok(decoded) => decoded,
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        let report = decoded.message;
        let is_known = || self.known(call_point, |device| device.health) == Some(Health::of(&report));
        // A retained report may be of any age.
        if incoming.retained || is_known() {
            return Ok(Ok("unchanged"));
        }
        let _turn = self.turns.of(call_point).await;
        if is_known() {
            return Ok(Ok("unchanged"));
        }
        let condition = report.condition().into();
        let changed = DeviceConditionChanged { condition, health: Some(report) };
        let origin = DeviceOrigin { encoding: decoded.encoding.into(), ..DeviceOrigin::default() };
        self.tell(
            call_point,
            (received_at, incoming.traceparent),
            origin,
            Body::DeviceConditionChanged(changed),
        )
        .await?;
        Ok(Ok("recorded"))
    }

    /// P9: a call point that was lost for its silence is back with its first message, without waiting for its
    /// next birth.
    pub(super) async fn is_back(&self, call_point: &CallPoint, received_at: i64) -> Result<(), Refusal> {
        if self.known(call_point, |device| device.silent.clone()).is_none() {
            return Ok(());
        }
        let _turn = self.turns.of(call_point).await;
        let known = self.known(call_point, |device| device.silent.clone().map(|run| (run, device.encoding)));
        let Some((boot_id, encoding)) = known else { return Ok(()) };
        let origin = DeviceOrigin { boot_id, encoding: encoding.into(), ..DeviceOrigin::default() };
        let body = Body::DeviceOnline(DeviceOnline::default());
        Ok(self.tell(call_point, (received_at, None), origin, body).await?)
    }

    fn known<T>(&self, call_point: &CallPoint, what: impl FnOnce(&Device) -> Option<T>) -> Option<T> {
        self.devices.read().unwrap_or_else(PoisonError::into_inner).get(call_point).and_then(what)
    }

    /// Appends an event, and waits until the next message meets what it changed.
    async fn tell(
        &self,
        call_point: &CallPoint,
        (received_at, traceparent): (i64, Option<&str>),
        origin: DeviceOrigin,
        body: Body,
    ) -> Result<(), AppendError> {
        let mut event = about(call_point, received_at, body);
        event.origin = Some(origin);
        identify(&mut event, traceparent, received_at);
        let position = self.append(event).await?.position;
        let mut folded = self.folded.clone();
        let _ = folded.wait_for(|folded| *folded >= position).await;
        Ok(())
    }
}

/// What a message says, if it is no longer than allowed and can be read.
fn read<T>(incoming: &Incoming<'_>) -> Result<Decoded<T>, Unreadable>
where
    T: Message + Default + DeserializeOwned,
{
    check_size(incoming)?;
    decode::message(&incoming.payload, incoming.content_type)
}

/// An event about a call point.
pub(crate) fn about(call_point: &CallPoint, received_at: i64, body: Body) -> Event {
    Event {
        site_id: call_point.site().to_owned(),
        device_id: call_point.device().to_owned(),
        received_at: Some(time::timestamp(received_at)),
        schema: normal::SCHEMA,
        body: Some(body),
        ..Event::default()
    }
}

fn presence(state: DeviceState) -> Body {
    if !state.online {
        return Body::DeviceOffline(DeviceOffline { reason: OfflineReason::LastWill.into() });
    }
    let capabilities = state.capabilities.into_iter().take(CAPABILITIES_MAX);
    Body::DeviceOnline(DeviceOnline {
        firmware: normal::clip(state.firmware, normal::NAME_CHARS_MAX),
        capabilities: capabilities.map(|c| normal::clip(c, 64)).collect(),
    })
}
