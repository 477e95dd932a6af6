//! Call points that are gone, and those that come and go (P9).

use sos_proto::alert::v1::{Alert, AlertKind, AlertPriority, AlertState};
use sos_proto::device::v1::{DeviceHealth, Fault, FaultKind};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{
    BrokerLost, BrokerRestored, DeviceConditionChanged, DeviceOffline, DeviceOnline, DeviceRetired,
    Disposition, Event,
};

use super::{press, views};
use crate::core::{State, evolve};

const SECOND: i64 = 1_000_000;

/// What happens, each at a time in seconds.
#[derive(Default)]
struct Story {
    state: State,
}

impl Story {
    fn tell(&mut self, at: i64, site: &str, device: &str, body: Body) {
        let position = self.state.position() + 1;
        let event = Event {
            event_id: format!("e{position}"),
            site_id: site.into(),
            device_id: device.into(),
            body: Some(body),
            ..Event::default()
        };
        evolve(&mut self.state, position, at * SECOND, &event);
    }

    fn goes(&mut self, at: i64, site: &str, device: &str) {
        self.tell(at, site, device, Body::DeviceOffline(DeviceOffline::default()));
    }

    fn comes(&mut self, at: i64, site: &str, device: &str) {
        self.tell(at, site, device, Body::DeviceOnline(DeviceOnline::default()));
    }

    /// Open alerts: where, and what they say.
    fn open(&self) -> Vec<(String, String)> {
        let place = |alert: &Alert| format!("{}/{}", alert.site_id, alert.device_id);
        self.state.open_after(0).map(|view| (place(&view.alert), view.alert.note.clone())).collect()
    }
}

fn told(place: &str, note: &str) -> (String, String) {
    (place.to_owned(), note.to_owned())
}

#[test]
fn a_lost_call_point_is_an_alert_until_it_is_back() {
    let mut story = Story::default();
    story.comes(0, "hall", "door");
    story.goes(10, "hall", "door");
    story.goes(11, "hall", "door");
    assert_eq!(story.open(), [told("hall/door", "LOST")]);
    story.comes(20, "hall", "door");
    assert_eq!(story.open(), []);
    let alert = &views(&story.state)[0].alert;
    assert_eq!((alert.kind(), alert.priority()), (AlertKind::Technical, AlertPriority::Medium));
    assert_eq!((alert.disposition(), alert.revision), (Disposition::Technical, 2));
}

#[test]
fn nobody_waits_for_what_was_taken_out_of_use() {
    let mut story = Story::default();
    story.goes(0, "hall", "door");
    story.tell(1, "hall", "door", Body::DeviceRetired(DeviceRetired::default()));
    assert_eq!(story.open(), []);
    story.comes(2, "hall", "door");
    story.goes(3, "hall", "door");
    assert_eq!(story.open(), []);
    // P3: a press from there still opens an alert.
    story.tell(4, "hall", "door", press());
    assert_eq!(story.open(), [told("hall/door", "")]);
}

#[test]
fn a_site_link_that_breaks_is_one_alert() {
    let mut story = Story::default();
    for number in 0..100 {
        story.goes(number, "hall", &format!("door-{number}"));
    }
    story.goes(100, "school", "door");
    let site = told("hall/", "LOST: 64 call points or more");
    assert_eq!(story.open(), [site, told("school/door", "LOST")]);
    // Those that were told of before they were three are parts of it.
    let parts: Vec<_> = views(&story.state).into_iter().filter(|view| !view.is_open()).collect();
    assert!(parts.iter().all(|view| view.alert.disposition() == Disposition::Duplicate));
    assert_eq!(parts.len(), 2);
    // Not one change for each of a hundred.
    let site = views(&story.state).into_iter().find(|view| view.alert.device_id.is_empty()).unwrap();
    assert_eq!((site.alert.priority(), site.alert.revision), (AlertPriority::High, 6));

    for number in 0..99 {
        story.comes(200, "hall", &format!("door-{number}"));
    }
    assert_eq!(story.open().len(), 2);
    story.comes(201, "hall", "door-99");
    assert_eq!(story.open(), [told("school/door", "LOST")]);
}

#[test]
fn ten_thousand_lost_together_are_one_alert() {
    let mut story = Story::default();
    for device in 0..10 {
        for site in 0..1_000 {
            story.goes(site / 20 + device, &format!("site-{site}"), &format!("door-{device}"));
        }
    }
    assert_eq!(story.open(), [told("/", "LOST: 8192 call points or more")]);
    assert!(views(&story.state).len() <= 10, "{} alerts", views(&story.state).len());
    let all = views(&story.state).into_iter().next_back().unwrap().alert;
    assert_eq!((all.priority(), all.state()), (AlertPriority::Critical, AlertState::Raised));
    for device in 0..10 {
        for site in 0..1_000 {
            story.comes(300, &format!("site-{site}"), &format!("door-{device}"));
        }
    }
    assert_eq!(story.open(), []);
}

#[test]
fn site_after_site_is_one_alert_too() {
    let mut story = Story::default();
    for site in 0..200 {
        for device in 0..5 {
            story.goes(site / 10, &format!("site-{site}"), &format!("door-{device}"));
        }
    }
    assert_eq!(story.open(), [told("/", "LOST: 512 call points or more")]);
    // What a group of a site told of is counted in the group of all.
    assert_eq!(story.state.point_at("", "").unwrap().lost, 1_000);
    for site in 0..200 {
        for device in 0..5 {
            story.comes(300, &format!("site-{site}"), &format!("door-{device}"));
        }
    }
    assert_eq!((story.open().len(), story.state.point_at("", "").unwrap().lost), (0, 0));
}

#[test]
fn what_is_lost_long_before_is_no_part_of_a_group() {
    let mut story = Story::default();
    for number in 0..30 {
        story.goes(number * 200, &format!("site-{number}"), "door");
    }
    assert_eq!(story.open().len(), 30);
    story.goes(10_000, "site-1", "gate");
    story.goes(10_001, "site-1", "roof");
    assert_eq!(story.open().len(), 32);
    story.goes(10_002, "site-1", "cellar");
    assert_eq!(story.open().len(), 31);
}

#[test]
fn losses_two_minutes_apart_do_not_belong_together() {
    for (last, alerts) in [(119, 1), (120, 3)] {
        let mut story = Story::default();
        for (at, device) in [(0, "door"), (1, "gate"), (last, "roof")] {
            story.goes(at, "hall", device);
        }
        assert_eq!(story.open().len(), alerts, "the last after {last} s");
    }
}

// Watchers of call points are told of a new one once, and of those that change.
#[test]
fn a_call_point_changes_when_it_is_new_and_when_it_comes() {
    let mut story = Story::default();
    let mut changed = 0;
    let mut news = |story: &Story| {
        let all = story.state.points_changed_after((changed, u32::MAX));
        let news: Vec<_> = all.map(|(number, _)| number).collect();
        changed = story.state.position();
        news.len()
    };
    story.tell(0, "hall", "door", press());
    assert_eq!(news(&story), 1);
    story.tell(1, "hall", "door", press());
    assert_eq!(news(&story), 0);
    let online = |capabilities: &[&str]| {
        let capabilities = capabilities.iter().map(|name| (*name).to_owned()).collect();
        Body::DeviceOnline(DeviceOnline { capabilities, ..DeviceOnline::default() })
    };
    story.tell(2, "hall", "door", online(&["audio"]));
    assert_eq!(news(&story), 1);
    // Who says nothing of what it can does not unlearn it.
    story.tell(3, "hall", "door", online(&[]));
    assert_eq!(story.state.point_at("hall", "door").unwrap().capabilities, ["audio"]);
}

// A press is never buried under a call point that breaks and is repaired all the time.
#[test]
fn a_flapping_call_point_is_told_once() {
    let mut story = Story::default();
    for minute in 0..100 {
        story.goes(minute * 60, "hall", "door");
        story.comes(minute * 60 + 30, "hall", "door");
    }
    assert_eq!(story.open(), [told("hall/door", "LOST; FLAPPING: broke 4 times within 10 minutes")]);
    assert_eq!(views(&story.state).len(), 4);
    assert_eq!(story.state.open_after(0).next().unwrap().alert.revision, 1);
    // Something else that breaks there is news.
    let tamper = Fault { kind: FaultKind::Tamper.into(), active: true, detail: String::new() };
    story.tell(6_000, "hall", "door", Body::Fault(tamper));
    assert!(story.open()[0].1.ends_with("; TAMPER"), "{:?}", story.open());
    // Nor is four times within exactly ten minutes.
    for (fourth, flapping) in [(599, true), (600, false)] {
        let mut story = Story::default();
        for at in [0, 200, 400, fourth] {
            story.goes(at, "hall", "door");
            story.comes(at, "hall", "door");
        }
        assert_eq!(story.open().len() == 1, flapping, "the fourth after {fourth} s");
    }
    // Every hour is not all the time.
    let mut slow = Story::default();
    for hour in 0..10 {
        slow.goes(hour * 3_600, "hall", "door");
        slow.comes(hour * 3_600 + 30, "hall", "door");
    }
    assert_eq!((slow.open().len(), views(&slow.state).len()), (0, 10));
}

#[test]
fn battery_and_mains_are_told_and_taken_back() {
    let health = |battery_percent, mains| {
        let health = DeviceHealth { battery_percent, mains: Some(mains), ..DeviceHealth::default() };
        let condition = health.condition().into();
        Body::DeviceConditionChanged(DeviceConditionChanged { condition, health: Some(health) })
    };
    let mut story = Story::default();
    story.tell(0, "hall", "door", health(Some(80), false));
    assert_eq!(story.open(), [told("hall/door", "MAINS_LOST")]);
    story.tell(1, "hall", "door", health(Some(15), false));
    assert_eq!(story.open(), [told("hall/door", "BATTERY_LOW: 15 %; MAINS_LOST")]);
    story.tell(2, "hall", "door", health(Some(15), true));
    assert_eq!(story.open(), [told("hall/door", "BATTERY_LOW: 15 %")]);
    story.tell(3, "hall", "door", health(Some(90), true));
    assert_eq!(story.open(), []);
}

#[test]
fn a_broker_that_is_gone_is_one_alert() {
    let mut story = Story::default();
    let lost = || Body::BrokerLost(BrokerLost { broker: "10.0.0.1:1883".into(), reason: "refused".into() });
    story.tell(0, "", "", lost());
    story.tell(1, "", "", lost());
    assert_eq!(story.open(), [told("/", "BROKER_LOST: 10.0.0.1:1883: refused")]);
    story.tell(2, "", "", Body::BrokerRestored(BrokerRestored::default()));
    assert_eq!(story.open(), []);
    assert_eq!(views(&story.state)[0].alert.priority(), AlertPriority::Critical);
}
