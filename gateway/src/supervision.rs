//! Notices call points that fall silent, and a broker that is gone (P9).
//!
//! Silence is measured from the last message by a clock that nobody can set. While the broker is out of reach,
//! and for a while after it is back or the gateway has started, silence says nothing about a call point.
//!
//! Invariant: silence is recorded only if nothing happened to the call point since; of two gateways on one log,
//! one records it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures::future::join_all;
use sos_eventlog::{Append, AppendError, EventLog, Expected, clock};
use sos_proto::call_point::CallPoint;
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{BrokerLost, BrokerRestored, DeviceOffline, Event, OfflineReason};
use sos_proto::registry::v1::SupervisionClass;
use sos_proto::time;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use crate::devices::Devices;
use crate::ingest::{about, identify};
use crate::{normal, telemetry};

/// Time between two looks; silence is noticed so much before it is too late.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// Call points whose silence is recorded at once; the next ones wait for them.
const RECORDED_AT_ONCE: usize = 64;

/// How long call points may take to come back after the gateway or the broker did.
const GRACE: Duration = Duration::from_secs(5 * 60);

/// How long a broker may be out of reach before that is an event.
const BROKER_PATIENCE: Duration = Duration::from_secs(15);

/// When each call point was last heard of since the gateway started.
#[derive(Debug, Default)]
pub(crate) struct Heard(Mutex<HashMap<CallPoint, Instant>>);

impl Heard {
    /// A call point is heard of now.
    pub(crate) fn note(&self, call_point: &CallPoint) {
        let now = Instant::now();
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match heard.get_mut(call_point) {
            Some(at) => *at = now,
            None => drop(heard.insert(call_point.clone(), now)),
        }
    }

    fn at(&self, call_point: &CallPoint) -> Option<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(call_point).copied()
    }
}

/// After how long a silence a call point of a class is lost (after EN 50136).
fn deadline(class: SupervisionClass) -> Duration {
    match class {
        SupervisionClass::A => Duration::from_secs(90),
        SupervisionClass::B => Duration::from_secs(3 * 60),
        SupervisionClass::C => Duration::from_secs(30 * 60),
        SupervisionClass::D | SupervisionClass::Unspecified => Duration::from_secs(25 * 60 * 60),
    }
}

/// Watches over the call points of a gateway.
pub(crate) struct Supervision {
    log: Arc<dyn EventLog>,
    devices: Arc<RwLock<Devices>>,
    heard: Arc<Heard>,
    /// The external broker, if there is one, and whether messages come from there.
    broker: Option<(String, watch::Receiver<bool>)>,
}

/// Since when the broker is in or out of reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reach {
    within: bool,
    since: Instant,
}

impl Reach {
    /// As it is seen now.
    fn seen(self, within: bool, now: Instant) -> Self {
        if within == self.within { self } else { Self { within, since: now } }
    }
}

impl Supervision {
    pub(crate) fn new(
        log: Arc<dyn EventLog>,
        devices: Arc<RwLock<Devices>>,
        heard: Arc<Heard>,
        broker: Option<(String, watch::Receiver<bool>)>,
    ) -> Self {
        Self { log, devices, heard, broker }
    }

    /// Looks now and then, for ever.
    pub(crate) async fn run(self) {
        let mut looks = tokio::time::interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut reach = Reach { within: true, since: Instant::now() };
        loop {
            looks.tick().await;
            let now = Instant::now();
            let within = self.broker.as_ref().is_none_or(|(_, within)| *within.borrow());
            reach = reach.seen(within, now);
            if let Err(error) = self.look(&reach, now).await {
                telemetry::silence_not_recorded(&error);
            }
        }
    }

    async fn look(&self, reach: &Reach, now: Instant) -> Result<(), AppendError> {
        let was_lost = self.read(Devices::broker_is_lost);
        let body = match &self.broker {
            Some((broker, _)) if !reach.within => {
                let waited = now.saturating_duration_since(reach.since);
                let reason = format!("out of reach for {} s", waited.as_secs());
                let lost = BrokerLost { broker: broker.clone(), reason };
                (!was_lost && waited >= BROKER_PATIENCE).then_some(Body::BrokerLost(lost))
            }
            // Also where it was lost in an earlier run, and there is none any more.
            known => {
                let broker = known.as_ref().map(|(broker, _)| broker.clone()).unwrap_or_default();
                was_lost.then_some(Body::BrokerRestored(BrokerRestored { broker }))
            }
        };
        if let Some(body) = body {
            self.append(about_everything(body), Vec::new()).await?;
        }
        if !reach.within || now < reach.since + GRACE {
            return Ok(());
        }
        let silent = self.read(|devices| self.silent(devices, reach.since, now));
        for some in silent.chunks(RECORDED_AT_ONCE) {
            let recorded = some.iter().map(|(call_point, position)| self.record(call_point, *position));
            join_all(recorded).await.into_iter().collect::<Result<(), _>>()?;
        }
        Ok(())
    }

    async fn record(&self, call_point: &CallPoint, position: u64) -> Result<(), AppendError> {
        let gone = DeviceOffline { reason: OfflineReason::Silence.into() };
        let event = about(call_point, clock::now(), Body::DeviceOffline(gone));
        let expected = Expected::call_point(call_point.site(), call_point.device(), position);
        match self.append(event, vec![expected]).await {
            Ok(()) => {
                telemetry::silent(call_point);
                Ok(())
            }
            // It said something at the last moment, or another gateway was faster.
            Err(AppendError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Call points of which nothing was heard for too long, with the position of what is known of them.
    fn silent(&self, devices: &Devices, since: Instant, now: Instant) -> Vec<(CallPoint, u64)> {
        let overdue = devices.supervised().filter(|(call_point, device)| {
            let heard = self.heard.at(call_point).map_or(since, |at| at.max(since));
            now + LOOK_INTERVAL > heard + deadline(device.class)
        });
        overdue.map(|(call_point, d)| (call_point.clone(), d.position)).collect()
    }

    async fn append(&self, mut event: Event, expected: Vec<Expected>) -> Result<(), AppendError> {
        identify(&mut event, None, clock::now());
        self.log.append(Append { events: vec![event], expected }).await.map(|_| ())
    }

    fn read<T>(&self, look: impl FnOnce(&Devices) -> T) -> T {
        look(&self.devices.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn about_everything(body: Body) -> Event {
    Event {
        received_at: Some(time::timestamp(clock::now())),
        schema: normal::SCHEMA,
        body: Some(body),
        ..Event::default()
    }
}

#[cfg(test)]
mod tests;
