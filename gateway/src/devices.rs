//! What the gateway must know of each call point: whether it is there, in which form it wants its answers,
//! and what its lamp should show. A pure fold of the log (P4); it sends nothing (P12).

use std::collections::{BTreeMap, HashMap};

use sos_proto::call_point::CallPoint;
use sos_proto::device::v1::{Feedback, Indicator};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{Encoding, Event, ResponseStatus};

/// All call points that the log speaks of.
#[derive(Debug, Default)]
pub struct Devices(HashMap<CallPoint, Device>);

/// One call point.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Device {
    /// The run of the firmware that is connected; nothing while it is gone.
    pub online: Option<String>,
    /// The form of its newest message.
    pub encoding: Encoding,
    /// What its lamp should show; nothing before its first press that may light it.
    pub feedback: Option<Feedback>,
    /// The newest alert that a press opened here.
    alert: Option<PressAlert>,
}

/// As much of an alert as a lamp depends on.
#[derive(Debug, Clone, PartialEq)]
struct PressAlert {
    alert_id: String,
    /// Nothing at the call point may light up.
    silent: bool,
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
        self.0.get(call_point)
    }

    /// What one lamp should show; nothing where it was never lit.
    #[must_use]
    pub fn wanted_at(&self, call_point: &CallPoint) -> Option<Wanted> {
        self.0.get(call_point)?.wanted(call_point)
    }

    /// What every lamp should show.
    pub fn wanted(&self) -> impl Iterator<Item = Wanted> {
        self.0.iter().filter_map(|(call_point, device)| device.wanted(call_point))
    }

    /// Learns an event. Answers with the lamp that should change.
    pub fn evolve(&mut self, event: &Event) -> Option<Wanted> {
        let call_point = CallPoint::new(&event.site_id, &event.device_id).ok()?;
        let device = self.0.entry(call_point.clone()).or_default();
        // Bytes that cannot be read do not say in which form answers are understood.
        match event.origin.as_ref().map(|o| o.encoding()) {
            None | Some(Encoding::Unspecified) => {}
            Some(encoding) => device.encoding = encoding,
        }
        match event.body.as_ref()? {
            Body::DeviceOnline(_) => device.online = event.origin.as_ref().map(|o| o.boot_id.clone()),
            Body::DeviceOffline(_) => device.online = None,
            _ => {}
        }
        let feedback = device.next_feedback(event)?;
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

    /// What the lamp should show after an event, where the event has a say in it.
    fn next_feedback(&mut self, event: &Event) -> Option<Feedback> {
        let indicator = match event.body.as_ref()? {
            Body::Press(press) => self.press(&event.event_id, press.silent)?,
            body => self.command(&event.alert_id, body)?,
        };
        let alert = self.alert.as_ref().filter(|alert| !alert.silent)?;
        Some(Feedback {
            alert_id: alert.alert_id.clone(),
            indicator: indicator.into(),
            message: String::new(),
        })
    }

    /// A press opens an alert where none is open, else it joins the one that is.
    fn press(&mut self, event_id: &str, silent: bool) -> Option<Indicator> {
        if self.alert.as_ref().is_some_and(|alert| alert.stage != Stage::Closed) {
            return None;
        }
        let (alert_id, units) = (event_id.to_owned(), BTreeMap::new());
        self.alert = Some(PressAlert { alert_id, silent, stage: Stage::Raised, units });
        Some(Indicator::Received)
    }

    fn command(&mut self, alert_id: &str, body: &Body) -> Option<Indicator> {
        let alert = self.alert.as_mut().filter(|alert| alert.alert_id == alert_id)?;
        match body {
            Body::AlertAcknowledged(_) | Body::AlertReopened(_) => alert.stage = Stage::Taken,
            Body::AlertAckExpired(_) => alert.stage = Stage::Raised,
            Body::AlertResolved(_) => alert.stage = Stage::Closed,
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
mod tests {
    use super::*;
    use sos_proto::device::v1::Press;
    use sos_proto::event::v1::{
        AlertAckExpired, AlertAcknowledged, AlertReopened, AlertResolved, DeviceOffline, DeviceOnline,
        DeviceOrigin, ResponseUpdated, UnitDispatched,
    };

    fn event(event_id: &str, alert_id: &str, body: Body) -> Event {
        Event {
            event_id: event_id.to_owned(),
            alert_id: alert_id.to_owned(),
            site_id: "s".to_owned(),
            device_id: "d".to_owned(),
            body: Some(body),
            ..Event::default()
        }
    }

    fn lamps(events: &[Event]) -> Vec<(String, Indicator)> {
        let mut devices = Devices::default();
        let changes = events.iter().filter_map(|e| devices.evolve(e));
        changes.map(|w| (w.feedback.alert_id.clone(), w.feedback.indicator())).collect()
    }

    #[test]
    fn the_lamp_follows_the_alert() {
        let history = [
            event("a", "", Body::Press(Press::default())),
            event("b", "", Body::Press(Press::default())),
            event("c", "another", Body::AlertAcknowledged(AlertAcknowledged {})),
            event("d", "a", Body::AlertAcknowledged(AlertAcknowledged {})),
            event("e", "a", sent("u")),
            event("f", "a", at("u", ResponseStatus::OnScene)),
            event("f", "a", at("u", ResponseStatus::Cleared)),
            event("g", "a", Body::AlertResolved(AlertResolved::default())),
            event("h", "a", Body::AlertReopened(AlertReopened::default())),
            event("i", "a", Body::AlertResolved(AlertResolved::default())),
            event("j", "", Body::Press(Press::default())),
        ];
        let expected = [
            ("a", Indicator::Received),
            ("a", Indicator::Acknowledged),
            ("a", Indicator::HelpComing),
            ("a", Indicator::HelpOnScene),
            ("a", Indicator::Acknowledged),
            ("a", Indicator::Idle),
            ("a", Indicator::Acknowledged),
            ("a", Indicator::Idle),
            ("j", Indicator::Received),
        ];
        assert_eq!(lamps(&history), expected.map(|(id, lamp)| (id.to_owned(), lamp)));
    }

    fn sent(unit_id: &str) -> Body {
        Body::UnitDispatched(UnitDispatched { unit_id: unit_id.to_owned() })
    }

    fn at(unit_id: &str, status: ResponseStatus) -> Body {
        Body::ResponseUpdated(ResponseUpdated { unit_id: unit_id.to_owned(), status: status.into() })
    }

    /// Help that was called back is not shown as coming, and help that is there not as only coming.
    #[test]
    fn the_lamp_shows_the_nearest_unit() {
        use ResponseStatus::{EnRoute, OnScene, Withdrawn};
        let history = [
            event("a", "", Body::Press(Press::default())),
            event("b", "a", Body::AlertAcknowledged(AlertAcknowledged {})),
            event("c", "a", sent("u")),
            event("d", "a", at("u", Withdrawn)),
            event("e", "a", sent("u")),
            event("f", "a", sent("v")),
            event("g", "a", at("v", OnScene)),
            event("h", "a", sent("w")),
            event("i", "a", at("u", EnRoute)),
            event("j", "a", Body::AlertAckExpired(AlertAckExpired::default())),
            event("k", "a", at("v", Withdrawn)),
            event("l", "a", at("u", Withdrawn)),
            event("m", "a", at("w", Withdrawn)),
            event("n", "a", at("nobody", OnScene)),
        ];
        let expected = [
            Indicator::Received,
            Indicator::Acknowledged,
            Indicator::HelpComing,
            Indicator::Acknowledged,
            Indicator::HelpComing,
            Indicator::HelpOnScene,
            Indicator::HelpComing,
            Indicator::Received,
        ];
        assert_eq!(lamps(&history), expected.map(|lamp| ("a".to_owned(), lamp)));
    }

    #[test]
    fn a_silent_alert_lights_nothing_and_the_next_one_does() {
        let silent = Press { silent: true, ..Press::default() };
        let history = [
            event("a", "", Body::Press(silent)),
            event("b", "", Body::Press(Press::default())),
            event("c", "a", Body::AlertAcknowledged(AlertAcknowledged {})),
            event("d", "a", Body::AlertResolved(AlertResolved::default())),
            event("e", "", Body::Press(Press::default())),
            event("f", "e", Body::AlertAcknowledged(AlertAcknowledged {})),
        ];
        let expected = [("e", Indicator::Received), ("e", Indicator::Acknowledged)];
        assert_eq!(lamps(&history), expected.map(|(id, lamp)| (id.to_owned(), lamp)));
    }

    #[test]
    fn presence_and_form_are_those_of_the_newest_message() {
        let from = |boot_id: &str, encoding: Encoding, body| {
            let origin =
                DeviceOrigin { boot_id: boot_id.to_owned(), encoding: encoding.into(), ..Default::default() };
            Event { origin: Some(origin), ..event("x", "", body) }
        };
        let mut devices = Devices::default();
        let call_point = CallPoint::new("s", "d").unwrap();
        devices.evolve(&from("boot", Encoding::Json, Body::DeviceOnline(DeviceOnline::default())));
        let device = devices.get(&call_point).unwrap();
        assert_eq!((device.online.as_deref(), device.encoding), (Some("boot"), Encoding::Json));
        devices.evolve(&from("boot", Encoding::Protobuf, Body::DeviceOffline(DeviceOffline::default())));
        let device = devices.get(&call_point).unwrap();
        assert_eq!((device.online.as_deref(), device.encoding), (None, Encoding::Protobuf));
    }
}
