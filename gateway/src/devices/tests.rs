//! Histories of one call point, and what its lamp shows.

use super::*;
use sos_proto::device::v1::Press;
use sos_proto::event::v1::{
    AlertAckExpired, AlertAcknowledged, AlertDeclaredActual, AlertReopened, AlertResolved, DeviceOffline,
    DeviceOnline, DeviceOrigin, ResponseUpdated, UnitDispatched, WindowEnded, WindowStarted,
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
    let changes = (1..).zip(events).filter_map(|(position, e)| devices.evolve(position, 0, e));
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
    devices.evolve(1, 0, &from("boot", Encoding::Json, Body::DeviceOnline(DeviceOnline::default())));
    let device = devices.get(&call_point).unwrap();
    assert_eq!((device.online.as_deref(), device.encoding), (Some("boot"), Encoding::Json));
    devices.evolve(2, 0, &from("boot", Encoding::Protobuf, Body::DeviceOffline(DeviceOffline::default())));
    let device = devices.get(&call_point).unwrap();
    assert_eq!((device.online.as_deref(), device.encoding), (None, Encoding::Protobuf));
}

/// The lamp of a real press follows the real alert, whatever an exercise left behind.
#[test]
fn a_press_in_earnest_is_not_taken_for_an_exercise() {
    let ends_at = Some(sos_proto::time::timestamp(1));
    let drill = Window { kind: WindowKind::Exercise.into(), ends_at, ..Window::default() };
    let history = [
        event("w", "", Body::WindowStarted(WindowStarted { window: Some(drill) })),
        event("a", "", Body::Press(Press::default())),
        event("b", "", Body::Press(Press::default())),
        event("v", "", Body::WindowEnded(WindowEnded::default())),
        event("c", "", Body::Press(Press::default())),
        event("d", "c", Body::AlertAcknowledged(AlertAcknowledged {})),
        event("e", "a", Body::AlertAcknowledged(AlertAcknowledged {})),
    ];
    let expected = [("a", Indicator::Received), ("c", Indicator::Received), ("c", Indicator::Acknowledged)];
    assert_eq!(lamps(&history), expected.map(|(id, lamp)| (id.to_owned(), lamp)));
    // Declared to be real, it takes what comes after the exercise.
    let mut real = history.to_vec();
    real.insert(3, event("r", "a", Body::AlertDeclaredActual(AlertDeclaredActual::default())));
    let expected = [("a", Indicator::Received), ("a", Indicator::Acknowledged)];
    assert_eq!(lamps(&real), expected.map(|(id, lamp)| (id.to_owned(), lamp)));
}
