//! Alerts about what does not work.

use sos_proto::alert::v1::{AlertKind, AlertPriority, AlertState};
use sos_proto::device::v1::{Fault, FaultKind, Location, SelfTest};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{Disposition, Event, Quarantined};

use super::{acknowledged, command, event, fold, origin, press, resolved, views};

fn fault(kind: FaultKind, active: bool) -> Body {
    Body::Fault(Fault { kind: kind.into(), active, detail: String::new() })
}

fn self_test(passed: bool) -> Body {
    Body::SelfTest(SelfTest { passed, detail: "no echo".to_owned() })
}

// P9: a fault is shown, and leaves the screen when it is repaired.
#[test]
fn a_fault_opens_an_alert_and_its_repair_closes_it() {
    let low = || fault(FaultKind::BatteryLow, true);
    let opened = fold(&[event(1, low())]);
    let alert = &views(&opened)[0].alert;
    assert_eq!((alert.kind(), alert.priority()), (AlertKind::Technical, AlertPriority::Low));
    assert_eq!((alert.state(), alert.note.as_str()), (AlertState::Raised, "BATTERY_LOW"));

    // Saying the same again changes nothing.
    assert_eq!(views(&fold(&[event(1, low()), event(2, low())]))[0].alert.revision, 1);

    let repaired = fold(&[event(1, low()), event(2, fault(FaultKind::BatteryLow, false))]);
    let alert = &views(&repaired)[0].alert;
    assert_eq!((alert.state(), alert.disposition()), (AlertState::Resolved, Disposition::Technical));
    assert!(alert.resolved_at.is_some() && !alert.attention);
    let again = fold(&[event(1, low()), event(2, fault(FaultKind::BatteryLow, false)), event(3, low())]);
    assert_eq!(views(&again).len(), 2);
}

#[test]
fn one_alert_has_all_that_is_wrong() {
    let history = [
        event(1, fault(FaultKind::MainsLost, true)),
        event(2, self_test(false)),
        event(3, fault(FaultKind::Tamper, true)),
        event(4, fault(FaultKind::MainsLost, false)),
    ];
    let state = fold(&history);
    let [view] = &views(&state)[..] else { panic!("one alert") };
    assert_eq!(view.alert.note, "SELF_TEST_FAILED: no echo; TAMPER");
    assert_eq!((view.alert.priority(), view.alert.attention), (AlertPriority::Medium, true));
    // What was never broken repairs nothing.
    let more = [event(5, fault(FaultKind::Video, false)), event(6, self_test(true))];
    let state = fold(&[&history[..], &more].concat());
    assert_eq!((views(&state)[0].alert.state(), views(&state)[0].alert.revision), (AlertState::Raised, 5));
    let last = [&history[..], &more, &[event(7, fault(FaultKind::Tamper, false))]].concat();
    assert_eq!(views(&fold(&last))[0].alert.state(), AlertState::Resolved);
}

#[test]
fn what_more_is_wrong_may_say_where() {
    let place = Location { latitude: 43.2, longitude: 76.9, ..Location::default() };
    let more = Event { origin: origin(Some(place), &[]), ..event(2, fault(FaultKind::Audio, true)) };
    let state = fold(&[event(1, fault(FaultKind::Tamper, true)), more]);
    assert_eq!(views(&state)[0].alert.location, Some(place));
}

// P3: what cannot be read may have been a press; only an operator closes that.
#[test]
fn unreadable_bytes_stay_until_an_operator_has_looked() {
    let unreadable = || Body::Quarantined(Quarantined { reason: "no JSON".to_owned(), ..Default::default() });
    let history = [
        event(1, unreadable()),
        event(2, fault(FaultKind::Audio, true)),
        event(3, fault(FaultKind::Audio, false)),
        event(4, unreadable()),
    ];
    let state = fold(&history);
    let alert = &views(&state)[0].alert;
    assert_eq!((alert.state(), alert.note.as_str(), alert.revision), (AlertState::Raised, "no JSON", 4));
    let closing = [
        command(5, "e1", "asel", acknowledged()),
        command(6, "e1", "asel", resolved(Disposition::Technical)),
    ];
    let state = fold(&[&history[..], &closing].concat());
    assert_eq!(views(&state)[0].alert.state(), AlertState::Resolved);
}

// P3: a repair never touches a press.
#[test]
fn a_press_beside_a_fault_is_an_alert_of_its_own() {
    let history = [
        event(1, fault(FaultKind::ButtonStuck, true)),
        event(2, press()),
        event(3, fault(FaultKind::ButtonStuck, false)),
    ];
    let state = fold(&history);
    let states: Vec<_> = views(&state).iter().map(|view| (view.alert.kind(), view.alert.state())).collect();
    let expected = [(AlertKind::Technical, AlertState::Resolved), (AlertKind::Press, AlertState::Raised)];
    assert_eq!(states, expected);
}
