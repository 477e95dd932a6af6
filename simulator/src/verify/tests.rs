//! Whatever is damaged, in the ledger, in the log or in the alerts, is found.

use sos_proto::device::v1::{Fault, FaultKind, Press, SelfTest};
use sos_proto::event::v1::{
    AlertAcknowledged, AlertReopened, AlertResolved, DeviceOrigin, Event, WindowEnded, WindowStarted,
};

use super::*;
use crate::ledger::{Fact, Meant};

/// A run of two presses at one call point, of which the second joins the alert of the first, which was taken.
fn sound() -> (Vec<Fact>, Vec<RecordedEvent>, Vec<Alert>) {
    let meant = |n| {
        let (call_point, boot_id) = ("hall/door".to_owned(), "b".to_owned());
        Fact::Meant(Meant { n, call_point, boot_id, sequence: n, what: "press".into(), at: n })
    };
    let receipt = |n: u64| Fact::Receipt {
        n,
        at: 9,
        event_id: format!("e{n}"),
        position: n,
        status: "RECEIPT_STATUS_RECORDED".into(),
    };
    let lamp = Fact::Lamp {
        call_point: "hall/door".into(),
        at: 9,
        alert_id: "e1".into(),
        indicator: "INDICATOR_RECEIVED".into(),
    };
    let mut facts: Vec<_> = [1, 2]
        .into_iter()
        .flat_map(|n| [meant(n), Fact::Sent { n, at: n }, Fact::Acked { n, at: n }, receipt(n)])
        .collect();
    facts.extend([lamp, Fact::End { at: 10 }]);
    let press = |position: u64| {
        let origin = DeviceOrigin { boot_id: "b".into(), sequence: position, ..DeviceOrigin::default() };
        let event = Event {
            event_id: format!("e{position}"),
            site_id: "hall".into(),
            device_id: "door".into(),
            origin: Some(origin),
            body: Some(Body::Press(Press::default())),
            ..Event::default()
        };
        RecordedEvent { position, event: Some(event), ..RecordedEvent::default() }
    };
    let alert = Alert {
        alert_id: "e1".into(),
        site_id: "hall".into(),
        device_id: "door".into(),
        kind: AlertKind::Press.into(),
        state: AlertState::Raised.into(),
        press_count: 2,
        ..Alert::default()
    };
    (facts, vec![press(1), press(2)], vec![alert])
}

fn differences(facts: &[Fact], events: &[RecordedEvent], alerts: &[Alert]) -> Vec<String> {
    compare(&Stories::of(facts.to_vec()), 0, events, alerts).differences
}

/// The one difference there is.
fn only(facts: &[Fact], events: &[RecordedEvent], alerts: &[Alert]) -> String {
    let found = differences(facts, events, alerts);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

#[test]
fn a_sound_run_is_sound() {
    let (facts, events, alerts) = sound();
    let verdict = compare(&Stories::of(facts.clone()), 0, &events, &alerts);
    assert_eq!(verdict, Verdict { acknowledged: 2, recorded: 2, alerts: 1, differences: Vec::new() });
    // What was not acknowledged may be missing, and so may the receipt.
    let quiet: Vec<_> = facts
        .into_iter()
        .filter(|f| !matches!(f, Fact::Acked { n: 2, .. } | Fact::Receipt { n: 2, .. }))
        .collect();
    let once = Alert { press_count: 1, ..alerts[0].clone() };
    assert_eq!(differences(&quiet, &events[..1], &[once]), [""; 0]);
}

#[test]
fn a_damaged_log_is_found() {
    let (facts, events, alerts) = sound();
    let lost = differences(&facts, &events[..1], &alerts);
    assert!(
        lost[0].starts_with("message 2: press 2 of hall/door (b) was acknowledged and is not in the log"),
        "{lost:?}"
    );
    let twice = RecordedEvent { position: 3, ..events[1].clone() };
    let found = differences(&facts, &[&events[..], &[twice]].concat(), &alerts);
    assert!(found[0].contains("is in the log 2 times"), "{found:?}");
    let mut renamed = events.clone();
    renamed[1].event.as_mut().unwrap().event_id = "x".into();
    assert!(only(&facts, &renamed, &alerts).contains("names event e2 at 2, the log has x there"));
}

#[test]
fn a_damaged_ledger_is_found() {
    let (facts, events, alerts) = sound();
    let without: Vec<_> = facts.iter().filter(|f| !matches!(f, Fact::Sent { n: 2, .. })).cloned().collect();
    assert_eq!(only(&without, &events, &alerts), "position 2: hall/door (b) never sent its message 2");
    let mut moved = facts.clone();
    if let Some(Fact::Receipt { position, event_id, .. }) =
        moved.iter_mut().find(|f| matches!(f, Fact::Receipt { n: 2, .. }))
    {
        (*position, *event_id) = (1, "e1".into());
    }
    assert!(only(&moved, &events, &alerts).contains("which is another message"));
}

/// Somebody takes alert e1, after what [`sound`] says.
fn taken() -> RecordedEvent {
    let event = Event {
        alert_id: "e1".into(),
        actor: "asel".into(),
        site_id: "hall".into(),
        device_id: "door".into(),
        body: Some(Body::AlertAcknowledged(AlertAcknowledged {})),
        ..Event::default()
    };
    RecordedEvent { position: 3, event: Some(event), ..RecordedEvent::default() }
}

#[test]
fn a_wrong_alert_is_found() {
    let (facts, events, alerts) = sound();
    let told = only(&facts, &events, &[]);
    assert_eq!(told, "alert e1: the log opens it, and nobody is shown it");
    let more = Alert { press_count: 3, ..alerts[0].clone() };
    assert!(
        only(&facts, &events, &[more])
            .contains("it is (Raised, \"\", 3), and the log makes it (Raised, \"\", 2)")
    );
    let made_up = Alert { alert_id: "x".into(), ..alerts[0].clone() };
    assert!(
        only(&facts, &events, &[alerts[0].clone(), made_up]).contains("alert x: nothing in the log opens it")
    );
    // Taken, as the log says and the alert does not.
    let found = only(&facts, &[&events[..], &[taken()]].concat(), &alerts);
    assert!(found.contains("the log makes it (Acknowledged, \"asel\", 2)"), "{found}");
}

#[test]
fn a_wrong_lamp_is_found() {
    let (mut facts, events, alerts) = sound();
    if let Some(Fact::Lamp { indicator, .. }) = facts.iter_mut().find(|f| matches!(f, Fact::Lamp { .. })) {
        *indicator = "INDICATOR_HELP_COMING".into();
    }
    let told = only(&facts, &events, &alerts);
    assert_eq!(told, "lamp of hall/door: it shows INDICATOR_HELP_COMING, and should show INDICATOR_RECEIVED");
}

/// What the log says, and how many presses each alert that follows from it has.
fn presses(bodies: Vec<(&str, Body)>) -> Vec<(String, u64)> {
    let events: Vec<_> = (1..)
        .zip(bodies)
        .map(|(position, (alert_id, body))| {
            let event = Event {
                event_id: format!("e{position}"),
                alert_id: alert_id.into(),
                site_id: "hall".into(),
                device_id: "door".into(),
                actor: "asel".into(),
                body: Some(body),
                ..Event::default()
            };
            RecordedEvent { position, event: Some(event), ..RecordedEvent::default() }
        })
        .collect();
    let explained = explain(&events, &["hall/door".to_owned()].into());
    explained.into_iter().map(|(id, alert)| (id, alert.presses)).collect()
}

#[test]
fn exercises_and_reopened_alerts_are_explained() {
    let press = || ("", Body::Press(Press::default()));
    let ends_at = Some(time::timestamp(1));
    let window = Window { kind: WindowKind::Exercise.into(), ends_at, ..Window::default() };
    let begins = ("", Body::WindowStarted(WindowStarted { window: Some(window) }));
    let ends = ("", Body::WindowEnded(WindowEnded::default()));
    let told = presses(vec![begins, press(), press(), ends, press(), press(), press()]);
    assert_eq!(told, [("e2".to_owned(), 2), ("e5".to_owned(), 3)]);
    // Of two open alerts, a press joins the one that was opened or reopened last.
    let closed = |id| (id, Body::AlertResolved(AlertResolved::default()));
    let reopened = |id| (id, Body::AlertReopened(AlertReopened::default()));
    let told = presses(vec![press(), closed("e1"), press(), reopened("e1"), press(), closed("e1"), press()]);
    assert_eq!(told, [("e1".to_owned(), 2), ("e3".to_owned(), 2)]);
}

#[test]
fn a_wrong_technical_alert_is_found() {
    let here = ["hall/door".to_owned()].into();
    let event = |body| {
        let event =
            Event { site_id: "hall".into(), device_id: "door".into(), body: Some(body), ..Event::default() };
        RecordedEvent { event: Some(event), ..RecordedEvent::default() }
    };
    let tamper =
        |active| event(Body::Fault(Fault { kind: FaultKind::Tamper.into(), active, detail: String::new() }));
    let test = |passed| event(Body::SelfTest(SelfTest { passed, detail: String::new() }));
    let alert = |note: &str| Alert {
        alert_id: "t1".into(),
        site_id: "hall".into(),
        device_id: "door".into(),
        kind: AlertKind::Technical.into(),
        state: AlertState::Raised.into(),
        note: note.into(),
        ..Alert::default()
    };
    let found = |events: &[RecordedEvent], alerts: &[Alert]| technical::differences(events, alerts, &here);
    let broken = [tamper(true), test(false), test(true)];
    assert_eq!(found(&broken, &[alert("TAMPER")]), [""; 0]);
    assert_eq!(found(&broken, &[]), ["hall/door: TAMPER lasts, and no open alert tells of it"]);
    let closed = Alert { state: AlertState::Resolved.into(), ..alert("TAMPER") };
    assert_eq!(found(&broken, &[closed]).len(), 1);
    assert_eq!(
        found(&broken, &[alert("TAMPER; SELF_TEST_FAILED: no tone")]),
        ["alert t1: it tells of SELF_TEST_FAILED, which is over at hall/door"]
    );
    let repaired = [&broken[..], &[tamper(false)]].concat();
    assert_eq!(found(&repaired, &[alert("TAMPER")]).len(), 1);
    // What flaps is told once, and stays until an operator closes it.
    assert_eq!(found(&repaired, &[alert("FLAPPING: broke 4 times; TAMPER")]), [""; 0]);
    let by_hand = [&broken[..], &[event(Body::AlertResolved(AlertResolved::default()))]].concat();
    assert_eq!(found(&by_hand, &[]), [""; 0]);
}

#[test]
fn a_lamp_may_show_what_its_alert_was() {
    let (mut facts, mut events, mut alerts) = sound();
    events.push(taken());
    (alerts[0].state, alerts[0].owner) = (AlertState::Acknowledged.into(), "asel".into());
    assert_eq!(differences(&facts, &events, &alerts), [""; 0]);
    if let Some(Fact::Lamp { indicator, .. }) = facts.iter_mut().find(|f| matches!(f, Fact::Lamp { .. })) {
        *indicator = "INDICATOR_HELP_ON_SCENE".into();
    }
    assert_eq!(
        only(&facts, &events, &alerts),
        "lamp of hall/door: it shows INDICATOR_HELP_ON_SCENE, and should show INDICATOR_ACKNOWLEDGED"
    );
}
