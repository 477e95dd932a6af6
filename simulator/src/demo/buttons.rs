//! All call points of the demo town behind one connection: what they do becomes messages. A message that fails is
//! logged, and the next one follows.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

use prost::Message as _;
use sos_proto::call_point::{CallPoint, Leaf};
use sos_proto::device::v1::device_event::Event;
use sos_proto::device::v1::{
    Cancel, Category, DeviceEvent, DeviceHealth, DeviceState, Fault, FaultKind, Press,
};
use sos_proto::time;

use super::places::SPOTS;
use super::scenes::Act;
use crate::device::{Device, Outcome};
use crate::message::{Form, Message};
use crate::numbering::Numbering;
use crate::{clock, telemetry};

/// The call points of the town.
pub(super) struct Buttons {
    device: Device,
    all: Vec<CallPoint>,
    boot_id: String,
    born_at: i64,
    numbering: Numbering,
    gone: HashSet<CallPoint>,
    /// The charge of those whose battery is not full, in percent.
    charges: HashMap<CallPoint, u32>,
}

impl Buttons {
    /// Call points that speak under this boot id.
    pub(super) fn new(device: Device, boot_id: String) -> Self {
        let devices = SPOTS.iter().flat_map(|spot| spot.devices());
        let all =
            devices.filter_map(|device| CallPoint::new(&device.site_id, &device.device_id).ok()).collect();
        let (numbering, gone, charges) = (Numbering::default(), HashSet::new(), HashMap::new());
        Self { device, all, boot_id, born_at: clock::now(), numbering, gone, charges }
    }

    /// How many they are.
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// All say that they are there.
    pub(super) async fn begin(&mut self) {
        for call_point in self.all.clone() {
            self.state(&call_point, true).await;
        }
    }

    /// One of them, by its number, reports how it is if it is there.
    pub(super) async fn report(&mut self, number: usize) {
        if let Some(call_point) = self.all.get(number).filter(|one| !self.gone.contains(*one)).cloned() {
            self.health(&call_point).await;
        }
    }

    /// One of them, `site/device`, does something.
    pub(super) async fn act(&mut self, name: &str, act: Act) {
        let Ok(call_point) = name.parse::<CallPoint>() else { return };
        match act {
            Act::Press(category, note) => self.press(&call_point, category, false, note).await,
            Act::Silent(category, note) => self.press(&call_point, category, true, note).await,
            Act::Cancel(reason) => {
                self.event(&call_point, Event::Cancel(Cancel { reason: reason.to_owned() })).await;
            }
            Act::Broken(kind) => self.fault(&call_point, kind, true).await,
            Act::Repaired(kind) => self.fault(&call_point, kind, false).await,
            Act::Gone => {
                self.gone.insert(call_point.clone());
                self.state(&call_point, false).await;
            }
            Act::Back => {
                self.gone.remove(&call_point);
                self.state(&call_point, true).await;
            }
            Act::Battery(percent) => {
                self.charges.insert(call_point.clone(), percent);
                self.health(&call_point).await;
            }
        }
    }

    async fn press(&mut self, call_point: &CallPoint, category: Category, silent: bool, note: &str) {
        let press = Press { category: category.into(), silent, note: note.to_owned() };
        self.event(call_point, Event::Press(press)).await;
    }

    async fn fault(&mut self, call_point: &CallPoint, kind: FaultKind, active: bool) {
        let fault = Fault { kind: kind.into(), active, detail: String::new() };
        self.event(call_point, Event::Fault(fault)).await;
    }

    async fn event(&mut self, call_point: &CallPoint, event: Event) {
        let event = DeviceEvent {
            boot_id: self.boot_id.clone(),
            sequence: self.numbering.next(call_point),
            occurred_at: Some(time::timestamp(clock::now())),
            event: Some(event),
            ..DeviceEvent::default()
        };
        self.publish(call_point, Leaf::Event, event.encode_to_vec()).await;
    }

    async fn state(&mut self, call_point: &CallPoint, online: bool) {
        let state = DeviceState {
            online,
            boot_id: self.boot_id.clone(),
            firmware: "demo".to_owned(),
            capabilities: vec!["lamp".to_owned()],
        };
        self.publish(call_point, Leaf::State, state.encode_to_vec()).await;
    }

    async fn health(&mut self, call_point: &CallPoint) {
        let up = clock::now().saturating_sub(self.born_at) / 1_000_000;
        let health = DeviceHealth {
            battery_percent: Some(self.charges.get(call_point).copied().unwrap_or(100)),
            mains: Some(true),
            rssi_dbm: None,
            uptime_s: u64::try_from(up).unwrap_or_default(),
        };
        self.publish(call_point, Leaf::Health, health.encode_to_vec()).await;
    }

    async fn publish(&mut self, call_point: &CallPoint, leaf: Leaf, body: Vec<u8>) {
        let (topic, retain) = (call_point.topic(leaf), leaf == Leaf::State);
        let message = Message { topic, body, form: Form::Protobuf, retain };
        if let Outcome::Failed(reason) = self.device.publish(&message).await.outcome {
            telemetry::undelivered(&message.topic, &reason);
        }
    }

    /// Stays connected while there is nothing to say.
    pub(super) async fn idle(&mut self) -> Infallible {
        self.device.idle().await
    }

    /// Says farewell to the broker.
    pub(super) async fn close(self) {
        self.device.close().await;
    }
}
