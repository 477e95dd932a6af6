//! What the gateway must know of each call point: whether it is there, in which form it wants its answers,
//! and what its lamp should show. A pure fold of the log (P4); it sends nothing (P12).

mod credentials;

use std::collections::{BTreeMap, HashMap};

use sos_proto::call_point::CallPoint;
use sos_proto::device::v1::{DeviceHealth, Feedback, Indicator};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{Encoding, Event, OfflineReason, ResponseStatus};
use sos_proto::registry::v1::{DeviceCondition, SupervisionClass, Window, WindowKind};
use sos_proto::window::kind_at;

use credentials::Credentials;

/// All call points that the log speaks of.
#[derive(Debug, Default)]
pub struct Devices {
    all: HashMap<CallPoint, Device>,
    /// Exercises and tests of whole sites.
    windows: HashMap<String, Window>,
    /// The log says that the broker is gone.
    broker_lost: bool,
    credentials: Credentials,
}

/// One call point.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Device {
    /// The run of the firmware that is connected; nothing while it is gone.
    pub online: Option<String>,
    /// The form of its newest message.
    pub encoding: Encoding,
    /// What its lamp should show; nothing before its first press that may light it.
    pub feedback: Option<Feedback>,
    /// The run of the firmware that was lost for its silence; nothing once it was heard again.
    pub silent: Option<String>,
    /// How soon its silence is noticed.
    pub class: SupervisionClass,
    /// It was taken out of use.
    pub retired: bool,
    /// What its newest health report in the log means.
    pub health: Option<Health>,
    /// Position of the newest event about it.
    pub position: u64,
    /// The exercise or test that it alone is or was in.
    window: Option<Window>,
    /// The newest alert that a press opened here.
    alert: Option<PressAlert>,
}

/// What a health report means: a report that means the same is no news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    condition: DeviceCondition,
    battery_is_low: bool,
    mains_are_lost: bool,
}

impl Health {
    /// What a report means.
    #[must_use]
    pub fn of(report: &DeviceHealth) -> Self {
        Self {
            condition: report.condition(),
            battery_is_low: report.battery_is_low(),
            mains_are_lost: report.mains == Some(false),
        }
    }
}

/// As much of an alert as a lamp depends on.
#[derive(Debug, Clone, PartialEq)]
struct PressAlert {
    alert_id: String,
    /// Nothing at the call point may light up.
    silent: bool,
    /// The exercise or test that it is part of; nothing in earnest.
    drill: Option<WindowKind>,
    stage: Stage,
    /// The units that are on their way or there.
    units: BTreeMap<String, ResponseStatus>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Raised,
    Taken,
    Closed,
}

/// A lamp that should show something else now.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Whose lamp.
    pub call_point: CallPoint,
    /// In which form to say so.
    pub encoding: Encoding,
    /// What it should show.
    pub feedback: Feedback,
}

impl Devices {
    /// What is known of a call point.
    #[must_use]
    pub fn get(&self, call_point: &CallPoint) -> Option<&Device> {
        self.all.get(call_point)
    }

    /// Whether a call point (`site/device`) may not connect, whatever it presents.
    #[must_use]
    pub fn is_revoked(&self, name: &str) -> bool {
        self.credentials.is_revoked(name)
    }

    /// The hash of a call point's password, if it has one.
    #[must_use]
    pub fn password_hash(&self, name: &str) -> Option<&str> {
        self.credentials.password_hash(name)
    }

    /// Whether the log says that the broker is gone.
    #[must_use]
    pub fn broker_is_lost(&self) -> bool {
        self.broker_lost
    }

    /// Every call point that should be heard of now and then.
    pub fn supervised(&self) -> impl Iterator<Item = (&CallPoint, &Device)> {
        self.all.iter().filter(|(_, device)| device.online.is_some() && !device.retired)
    }

    /// What one lamp should show; nothing where it was never lit.
    #[must_use]
    pub fn wanted_at(&self, call_point: &CallPoint) -> Option<Wanted> {
        self.all.get(call_point)?.wanted(call_point)
    }

    /// What every lamp should show.
    pub fn wanted(&self) -> impl Iterator<Item = Wanted> {
        self.all.iter().filter_map(|(call_point, device)| device.wanted(call_point))
    }

    /// Learns an event. Answers with the lamp that should change.
    pub fn evolve(&mut self, position: u64, recorded_at: i64, event: &Event) -> Option<Wanted> {
        match event.body.as_ref()? {
            Body::BrokerLost(_) => self.broker_lost = true,
            Body::BrokerRestored(_) => self.broker_lost = false,
            Body::WindowStarted(started) if event.device_id.is_empty() => {
                self.windows.insert(event.site_id.clone(), started.window.clone().unwrap_or_default());
            }
            Body::WindowEnded(_) if event.device_id.is_empty() => drop(self.windows.remove(&event.site_id)),
            _ => {}
        }
        let call_point = CallPoint::new(&event.site_id, &event.device_id).ok()?;
        if let Some(Body::DeviceAccessChanged(access)) = &event.body {
            self.credentials.learn(&call_point, access);
            return None;
        }
        let device = self.all.entry(call_point.clone()).or_default();
        device.position = position;
        // Bytes that cannot be read do not say in which form answers are understood.
        match event.origin.as_ref().map(|o| o.encoding()) {
            None | Some(Encoding::Unspecified) => {}
            Some(encoding) => device.encoding = encoding,
        }
        device.presence(event);
        let of_site = self.windows.get(&event.site_id);
        let drill = kind_at(device.window.as_ref(), of_site, recorded_at);
        let feedback = device.next_feedback(event, drill)?;
        if device.feedback.as_ref() == Some(&feedback) {
            return None;
        }
        device.feedback = Some(feedback);
        device.wanted(&call_point)
    }
}

impl Device {
    fn wanted(&self, call_point: &CallPoint) -> Option<Wanted> {
        let feedback = self.feedback.clone()?;
        Some(Wanted { call_point: call_point.clone(), encoding: self.encoding, feedback })
    }

    /// Whether it is there, and how well, after an event.
    fn presence(&mut self, event: &Event) {
        match &event.body {
            Some(Body::DeviceOnline(_)) => {
                self.online = event.origin.as_ref().map(|o| o.boot_id.clone());
                self.silent = None;
            }
            Some(Body::DeviceOffline(gone)) => {
                let gone_run = self.online.take();
                self.silent = gone_run.filter(|_| gone.reason() == OfflineReason::Silence);
            }
            Some(Body::DeviceConditionChanged(changed)) => {
                self.health = changed.health.as_ref().map(Health::of);
            }
            Some(Body::DeviceRegistered(registered)) => {
                self.class = registered.device.as_ref().map(|d| d.supervision_class()).unwrap_or_default();
                self.retired = false;
            }
            Some(Body::DeviceRetired(_)) => self.retired = true,
            Some(Body::WindowStarted(started)) => self.window.clone_from(&started.window),
            Some(Body::WindowEnded(_)) => self.window = None,
            _ => {}
        }
    }

    /// What the lamp should show after an event, where the event has a say in it.
    fn next_feedback(&mut self, event: &Event, drill: Option<WindowKind>) -> Option<Feedback> {
        let indicator = match event.body.as_ref()? {
            Body::Press(press) => self.press(&event.event_id, press.silent, drill)?,
            body => self.command(&event.alert_id, body)?,
        };
        let alert = self.alert.as_ref().filter(|alert| !alert.silent)?;
        Some(Feedback {
            alert_id: alert.alert_id.clone(),
            indicator: indicator.into(),
            message: String::new(),
        })
    }

    /// A press opens an alert where none is open, else it joins the one that is. One in earnest never joins
    /// one of an exercise.
    fn press(&mut self, event_id: &str, silent: bool, drill: Option<WindowKind>) -> Option<Indicator> {
        let may_join = |alert: &PressAlert| alert.drill.is_none() || alert.drill == drill;
        if self.alert.as_ref().is_some_and(|alert| alert.stage != Stage::Closed && may_join(alert)) {
            return None;
        }
        let (alert_id, units) = (event_id.to_owned(), BTreeMap::new());
        self.alert = Some(PressAlert { alert_id, silent, drill, stage: Stage::Raised, units });
        Some(Indicator::Received)
    }

    fn command(&mut self, alert_id: &str, body: &Body) -> Option<Indicator> {
        let alert = self.alert.as_mut().filter(|alert| alert.alert_id == alert_id)?;
        match body {
            Body::AlertAcknowledged(_) | Body::AlertReopened(_) => alert.stage = Stage::Taken,
            Body::AlertAckExpired(_) => alert.stage = Stage::Raised,
            Body::AlertResolved(_) => alert.stage = Stage::Closed,
            Body::AlertDeclaredActual(_) => alert.drill = None,
            Body::UnitDispatched(sent) => {
                alert.units.insert(sent.unit_id.clone(), ResponseStatus::Dispatched);
            }
            Body::ResponseUpdated(report) => alert.progress(&report.unit_id, report.status()),
            _ => return None,
        }
        Some(alert.indicator())
    }
}

impl PressAlert {
    fn progress(&mut self, unit_id: &str, status: ResponseStatus) {
        match status {
            ResponseStatus::Cleared | ResponseStatus::Withdrawn => {
                self.units.remove(unit_id);
            }
            status => {
                if let Some(unit) = self.units.get_mut(unit_id) {
                    *unit = status;
                }
            }
        }
    }

    /// What is the most that the person at the call point may count on.
    fn indicator(&self) -> Indicator {
        match self.stage {
            Stage::Closed => Indicator::Idle,
            _ if self.units.values().any(|status| *status == ResponseStatus::OnScene) => {
                Indicator::HelpOnScene
            }
            _ if !self.units.is_empty() => Indicator::HelpComing,
            Stage::Taken => Indicator::Acknowledged,
            Stage::Raised => Indicator::Received,
        }
    }
}

#[cfg(test)]
mod tests;
