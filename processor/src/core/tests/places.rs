//! What alerts know of their place, exercises there, and which belong together.

use std::sync::Arc;

use sos_proto::alert::v1::{AlertKind, AlertPriority, AlertState, AlertStatus};
use sos_proto::device::v1::{Category, Fault, Location, Press};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{
    AlertDeclaredActual, AlertShelved, AlertUnshelved, DeviceRegistered, Disposition, EscalationUnheard,
    Event, SiteRegistered, WindowEnded, WindowStarted,
};
use sos_proto::registry::v1::{Device, Place, Site, SiteKind, Window, WindowKind};
use sos_proto::time;

use super::{RECEIVED, acknowledged, command, event, fold, origin, press, resolved, views};
use crate::core::commands::{Action, Refusal, decide};
use crate::core::{Deadlines, PriorityRule, Rules, State, evolve};

fn site(name: &str, kind: SiteKind) -> Event {
    let location = Some(Location { latitude: 43.2, longitude: 76.9, ..Location::default() });
    let site =
        Site { site_id: "hall".into(), name: name.into(), kind: kind.into(), location, ..Site::default() };
    Event { device_id: String::new(), ..event(0, Body::SiteRegistered(SiteRegistered { site: Some(site) })) }
}

fn device(room: &str) -> Event {
    let place = Some(Place { room: room.into(), ..Place::default() });
    let device = Device { place, ..Device::default() };
    event(0, Body::DeviceRegistered(DeviceRegistered { device: Some(device) }))
}

fn at(position: u64, mut event: Event) -> Event {
    event.event_id = format!("e{position}");
    event
}

#[test]
fn an_alert_knows_its_place() {
    let state = fold(&[at(1, site("School 12", SiteKind::School)), at(2, device("204")), event(3, press())]);
    let alert = &views(&state)[0].alert;
    assert_eq!((alert.site_name.as_str(), alert.unverified), ("School 12", false));
    assert_eq!(alert.place.as_ref().unwrap().room, "204");
    assert_eq!(alert.location.unwrap().latitude, 43.2);
}

// P3: what nobody knows is shown all the same, and adopted when it becomes known.
#[test]
fn an_unknown_call_point_is_adopted() {
    let unknown = [event(1, press()), command(2, "e1", "asel", acknowledged())];
    let alert = &views(&fold(&unknown))[0].alert;
    assert!(alert.unverified && alert.place.is_none() && alert.site_name.is_empty());
    let adopted = [at(3, device("204")), at(4, site("School 12", SiteKind::School))];
    let state = fold(&[&unknown[..], &adopted].concat());
    let entry = state.by_id("e1").unwrap();
    let alert = &entry.view().alert;
    assert_eq!((alert.unverified, alert.site_name.as_str(), alert.revision), (false, "School 12", 4));
    assert_eq!(alert.place.as_ref().unwrap().room, "204");
    // Everything that changed it is in its timeline.
    assert_eq!(entry.positions, [1, 2, 3, 4]);
    // Saying the same again is no change.
    let again = [&unknown[..], &adopted, &[at(5, site("School 12", SiteKind::School)), at(6, device("204"))]];
    assert_eq!(fold(&again.concat()).by_id("e1").unwrap().view().alert.revision, 4);
}

#[test]
fn a_renamed_site_changes_all_its_open_alerts_at_once() {
    let closed = [
        event(1, press()),
        command(2, "e1", "asel", acknowledged()),
        command(3, "e1", "asel", resolved(Disposition::Genuine)),
    ];
    let open = (4..10).map(|n| Event { device_id: format!("door-{n}"), ..event(n, press()) });
    let history: Vec<_> =
        closed.into_iter().chain(open).chain([at(10, site("Lyceum", SiteKind::School))]).collect();
    let state = fold(&history);
    let renamed: Vec<_> = state.changed_after((9, u64::MAX)).map(|view| view.opening).collect();
    assert_eq!(renamed, [4, 5, 6, 7, 8, 9]);
    assert_eq!(state.changed_after((10, 6)).map(|view| view.opening).collect::<Vec<_>>(), [7, 8, 9]);
    assert_eq!(state.by_id("e1").unwrap().view().alert.site_name, "");
}

#[test]
fn what_the_device_says_of_where_it_is_comes_first() {
    let told = Location { latitude: 51.1, longitude: 71.4, ..Location::default() };
    let pressed = Event { origin: origin(Some(told), &[]), ..event(1, press()) };
    let state = fold(&[pressed, at(2, site("School 12", SiteKind::School))]);
    assert_eq!(views(&state)[0].alert.location, Some(told));
}

fn window(kind: WindowKind, ends_at: i64) -> Body {
    let ends_at = Some(time::timestamp(ends_at));
    Body::WindowStarted(WindowStarted {
        window: Some(Window { kind: kind.into(), ends_at, ..Window::default() }),
    })
}

fn statuses(history: &[Event]) -> Vec<AlertStatus> {
    views(&fold(history)).iter().map(|view| view.alert.status()).collect()
}

#[test]
fn an_exercise_marks_what_it_opens() {
    let of_site = Event { device_id: String::new(), ..event(1, window(WindowKind::Exercise, RECEIVED + 1)) };
    assert_eq!(statuses(&[of_site.clone(), event(2, press())]), [AlertStatus::Exercise]);
    let of_device = event(2, window(WindowKind::Test, RECEIVED + 1));
    assert_eq!(statuses(&[of_site, of_device.clone(), event(3, press())]), [AlertStatus::Test]);
    let elsewhere = Event { device_id: "gate".into(), ..event(3, press()) };
    assert_eq!(statuses(&[event(1, press()), of_device, elsewhere]), [AlertStatus::Actual; 2]);
    // Over is over, by its time or by hand.
    let over = event(1, window(WindowKind::Test, RECEIVED));
    assert_eq!(statuses(&[over, event(2, press())]), [AlertStatus::Actual]);
    let ended = event(2, Body::WindowEnded(WindowEnded::default()));
    assert_eq!(
        statuses(&[event(1, window(WindowKind::Test, RECEIVED + 1)), ended, event(3, press())]),
        [AlertStatus::Actual]
    );
}

// P3: nothing in earnest hides in an exercise.
#[test]
fn a_press_in_earnest_never_joins_an_exercise() {
    let exercise = [event(1, window(WindowKind::Exercise, RECEIVED + 1)), event(2, press())];
    let ended = event(3, Body::WindowEnded(WindowEnded::default()));
    let history = [&exercise[..], &[ended, event(4, press()), event(5, press())]].concat();
    assert_eq!(statuses(&history), [AlertStatus::Exercise, AlertStatus::Actual]);
    assert_eq!(fold(&history).by_id("e4").unwrap().view().alert.press_count, 2);
    // An alert in earnest takes the presses of an exercise.
    let history = [event(1, press()), event(2, window(WindowKind::Test, RECEIVED + 1)), event(3, press())];
    assert_eq!(statuses(&history), [AlertStatus::Actual]);
}

#[test]
fn an_exercise_becomes_real_by_one_command() {
    let exercise = [event(1, window(WindowKind::Exercise, RECEIVED + 1)), event(2, press())];
    let alert = views(&fold(&exercise))[0].alert.clone();
    let body = decide(&alert, "asel", &Action::DeclareActual { reason: "smoke".into() }).unwrap();
    let mut state = fold(&exercise);
    evolve(&mut state, 3, RECEIVED + 500_000_000, &command(3, "e2", "asel", body));
    let view = state.by_id("e2").unwrap().view().clone();
    assert_eq!((view.alert.status(), view.alert.state()), (AlertStatus::Actual, AlertState::Raised));
    // P8: it rings from then on.
    assert_eq!(Deadlines::default().due(&view), Some(RECEIVED + 530_000_000));
    let again = decide(&view.alert, "asel", &Action::DeclareActual { reason: String::new() });
    assert_eq!(again.unwrap_err().refusal, Refusal::Actual);
    // A press that comes while the exercise goes on joins it.
    evolve(&mut state, 4, RECEIVED, &event(4, press()));
    assert_eq!(state.by_id("e2").unwrap().view().alert.press_count, 2);
    let of_actual = command(5, "e2", "asel", Body::AlertDeclaredActual(AlertDeclaredActual::default()));
    evolve(&mut state, 5, RECEIVED, &of_actual);
    assert_eq!(state.by_id("e2").unwrap().view().alert.revision, 3);
}

#[test]
fn a_nuisance_is_put_aside_for_a_while_and_a_press_never_is() {
    let fault = || event(1, Body::Fault(Fault { active: true, ..Fault::default() }));
    let until = RECEIVED + 3_600_000_000;
    let action = Action::Shelve { reason: "bad relay".into(), until };
    let alert = views(&fold(&[fault()]))[0].alert.clone();
    let shelved = command(2, "e1", "asel", decide(&alert, "asel", &action).unwrap());
    let state = fold(&[fault(), shelved.clone()]);
    let view = &views(&state)[0];
    let shelving = view.alert.shelving.clone().unwrap();
    assert_eq!((shelving.author.as_str(), shelving.reason.as_str()), ("asel", "bad relay"));
    // It neither escalates nor is forgotten.
    let deadlines = Deadlines::default();
    assert_eq!(deadlines.due(view), Some(until));
    assert_eq!(deadlines.overdue(view, until), Some(Body::AlertUnshelved(AlertUnshelved {})));
    let back = command(3, "e1", "", Body::AlertUnshelved(AlertUnshelved {}));
    let view = &views(&fold(&[fault(), shelved.clone(), back]))[0];
    assert_eq!((view.alert.shelving.is_none(), deadlines.due(view)), (true, Some(RECEIVED + 90_000_000)));
    // A repair closes it as ever.
    let repaired = event(3, Body::Fault(Fault::default()));
    let view = &views(&fold(&[fault(), shelved, repaired]))[0];
    assert_eq!((view.alert.state(), view.alert.shelving.is_none()), (AlertState::Resolved, true));

    let pressed = views(&fold(&[event(1, press())]))[0].alert.clone();
    assert_eq!(decide(&pressed, "asel", &action).unwrap_err().refusal, Refusal::NotTechnical);
    assert_eq!(decide(&pressed, "asel", &Action::Unshelve).unwrap_err().refusal, Refusal::NotShelved);
    let forced = AlertShelved { until: Some(time::timestamp(until)), ..AlertShelved::default() };
    let state = fold(&[event(1, press()), command(2, "e1", "asel", Body::AlertShelved(forced))]);
    assert!(views(&state)[0].alert.shelving.is_none());
}

#[test]
fn a_building_that_presses_is_one_incident() {
    let mut state = State::default();
    let press_at = |state: &mut State, seconds: i64, site: &str, device: u64| {
        let position = state.position() + 1;
        let pressed = Event {
            site_id: site.into(),
            device_id: format!("door-{device}"),
            received_at: Some(time::timestamp(RECEIVED + seconds * 1_000_000)),
            ..event(position, press())
        };
        evolve(state, position, RECEIVED + seconds * 1_000_000, &pressed);
    };
    for press in 0..5_000 {
        press_at(&mut state, press / 100, "hall", u64::try_from(press).unwrap() % 500);
    }
    press_at(&mut state, 60, "school", 1);
    let incidents: Vec<_> = state.incidents_before(u32::MAX).collect();
    assert_eq!(incidents.len(), 2);
    let (_, incident, first) = &incidents[1];
    assert_eq!((incident.alert_count, incident.open_count, incident.press_count), (500, 500, 5_000));
    assert_eq!((first.alert.alert_id.as_str(), incident.last_at), ("e1", RECEIVED + 49_000_000));
    assert!(
        views(&state).iter().all(|view| (view.alert.incident_id == "e1") == (view.alert.site_id == "hall"))
    );

    // Ten minutes later still belongs to it, and more is another one.
    press_at(&mut state, 660, "school", 2);
    assert_eq!(views(&state).last().unwrap().alert.incident_id, "e5001");
    press_at(&mut state, 650, "hall", 900);
    assert_eq!(views(&state).last().unwrap().alert.incident_id, "e5003");
    // One that is closed is not gone on with.
    for body in [acknowledged(), resolved(Disposition::Genuine)] {
        let position = state.position() + 1;
        evolve(&mut state, position, RECEIVED + 650_000_000, &command(position, "e5003", "asel", body));
    }
    assert_eq!(state.incidents_before(u32::MAX).count(), 2);
    press_at(&mut state, 651, "hall", 901);
    assert_eq!(views(&state).last().unwrap().alert.incident_id, "e5006");
}

#[test]
fn priority_follows_from_the_table_and_never_sinks() {
    let rule = |category, site_kind, presses_min, priority| PriorityRule {
        kind: Some(AlertKind::Press),
        category,
        site_kind,
        presses_min,
        priority,
    };
    let rules = Arc::new(Rules {
        priorities: vec![
            rule(None, None, 3, AlertPriority::Critical),
            rule(Some(Category::Fire), None, 0, AlertPriority::High),
            rule(None, Some(SiteKind::School), 0, AlertPriority::Medium),
            rule(None, None, 0, AlertPriority::Low),
        ],
    });
    let mut state = State::new(rules);
    let mut tell = |mut told: Event| {
        let position = state.position() + 1;
        told.event_id = format!("e{position}");
        evolve(&mut state, position, RECEIVED, &told);
        state.open_after(0).next().map(|view| view.alert.priority())
    };
    assert_eq!(tell(event(1, press())), Some(AlertPriority::Low));
    assert_eq!(tell(site("School 12", SiteKind::School)), Some(AlertPriority::Medium));
    let fire = Press { category: Category::Fire.into(), ..Press::default() };
    assert_eq!(tell(event(1, Body::Press(fire))), Some(AlertPriority::High));
    assert_eq!(tell(event(1, press())), Some(AlertPriority::Critical));
    assert_eq!(tell(site("Clinic", SiteKind::Hospital)), Some(AlertPriority::Critical));
}

// P8: nobody was there to hear it, and that is an alert of the whole site.
#[test]
fn an_escalation_that_nobody_hears_is_an_alert() {
    let unheard =
        |position, level| command(position, "e1", "", Body::EscalationUnheard(EscalationUnheard { level }));
    let state = fold(&[event(1, press()), unheard(2, 1), unheard(3, 2)]);
    let alert = &views(&state)[1].alert;
    assert_eq!((alert.kind(), alert.priority()), (AlertKind::Technical, AlertPriority::Critical));
    assert_eq!((alert.site_id.as_str(), alert.device_id.as_str(), alert.unverified), ("hall", "", false));
    assert_eq!(alert.note, "ESCALATION_UNHEARD: nobody watched when e1 reached level 2");
    assert_eq!((alert.revision, alert.attention), (2, true));
}
