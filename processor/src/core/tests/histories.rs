//! Random histories: what holds after every event, whatever the log says.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;
use sos_proto::alert::v1::{Alert, AlertKind, AlertState};
use sos_proto::device::v1::{Call, Cancel, Fault, Located, Location, Press, SelfTest};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{
    AlertAckExpired, AlertAcknowledged, AlertEscalated, AlertNoted, AlertReopened, AlertResolved,
    AlertTransferred, DeviceOffline, DeviceOnline, DeviceOrigin, DeviceRegistered, DeviceRetired,
    Disposition, Event, Quarantined, ResponseUpdated, SiteRegistered, UnitDispatched,
};
use sos_proto::time::Timestamp;

use super::{RECEIVED, fold, views};
use crate::core::state::CommandKind;
use crate::core::{AlertView, State, evolve};

fn operator() -> impl Strategy<Value = String> {
    prop_oneof![Just("asel"), Just("bolat"), Just("")].prop_map(str::to_owned)
}

fn from_call_point() -> impl Strategy<Value = Body> {
    prop_oneof![
        4 => (-1..6, any::<bool>(), "[ab]{0,2}")
            .prop_map(|(category, silent, note)| Body::Press(Press { category, silent, note })),
        1 => "[ab]{0,2}".prop_map(|reason| Body::Cancel(Cancel { reason })),
        1 => (-1..9).prop_map(|phase| Body::Call(Call { phase, ..Call::default() })),
        1 => Just(Body::Located(Located {})),
        2 => (-1..9, any::<bool>(), "[ab]?")
            .prop_map(|(kind, active, detail)| Body::Fault(Fault { kind, active, detail })),
        1 => any::<bool>().prop_map(|passed| Body::SelfTest(SelfTest { passed, detail: String::new() })),
        1 => "[ab]{0,2}".prop_map(|reason| Body::Quarantined(Quarantined { reason, ..Quarantined::default() })),
        1 => Just(Body::DeviceOnline(DeviceOnline::default())),
        1 => Just(Body::DeviceOffline(DeviceOffline::default())),
        1 => Just(Body::SiteRegistered(SiteRegistered::default())),
        1 => Just(Body::DeviceRegistered(DeviceRegistered::default())),
        1 => Just(Body::DeviceRetired(DeviceRetired::default())),
    ]
}

fn about_an_alert() -> impl Strategy<Value = Body> {
    prop_oneof![
        3 => Just(Body::AlertAcknowledged(AlertAcknowledged {})),
        3 => (-1..9).prop_map(|disposition| Body::AlertResolved(AlertResolved { disposition, note: String::new() })),
        1 => operator().prop_map(|owner| Body::AlertAckExpired(AlertAckExpired { owner })),
        1 => "u?".prop_map(|unit_id| Body::UnitDispatched(UnitDispatched { unit_id })),
        1 => (-1..8).prop_map(|status| Body::ResponseUpdated(ResponseUpdated { unit_id: "u".into(), status })),
        1 => Just(Body::AlertNoted(AlertNoted::default())),
        1 => any::<u32>().prop_map(|level| Body::AlertEscalated(AlertEscalated { level, reason: String::new() })),
        1 => operator().prop_map(|to_operator| Body::AlertTransferred(AlertTransferred { to_operator })),
        1 => Just(Body::AlertReopened(AlertReopened::default())),
    ]
}

fn any_timestamp() -> impl Strategy<Value = Option<Timestamp>> {
    let any = (any::<i64>(), any::<i32>()).prop_map(|(seconds, nanos)| Timestamp { seconds, nanos });
    let near = (-100..100_i64).prop_map(|late| sos_proto::time::timestamp(RECEIVED - late * 1_000_000));
    prop_oneof![Just(None), any.prop_map(Some), near.prop_map(Some)]
}

fn any_origin() -> impl Strategy<Value = Option<DeviceOrigin>> {
    let location = proptest::option::of(Just(Location { latitude: f64::INFINITY, ..Location::default() }));
    let some = (location, proptest::collection::vec(-1..10, 0..3))
        .prop_map(|(location, flags)| DeviceOrigin { location, flags, ..DeviceOrigin::default() });
    proptest::option::of(some)
}

/// Events at positions 1, 2, 3 …; each id is `e` and its position, so commands name alerts by position.
fn history() -> impl Strategy<Value = Vec<Event>> {
    let body = prop_oneof![
        from_call_point().prop_map(Some),
        about_an_alert().prop_map(Some),
        about_an_alert().prop_map(Some),
        Just(None)
    ];
    let event = (body, 0..2_u8, 1..30_u64, operator(), any_timestamp(), any_timestamp(), any_origin())
        .prop_map(|(body, device, about, actor, occurred_at, received_at, origin)| {
            let by_operator = !actor.is_empty();
            Event {
                site_id: "hall".into(),
                device_id: format!("door-{device}"),
                alert_id: if by_operator { format!("e{about}") } else { String::new() },
                request_id: if by_operator { format!("r{about}") } else { String::new() },
                traceparent: if device == 0 { "-".into() } else { String::new() },
                actor,
                occurred_at,
                received_at,
                origin,
                body,
                ..Event::default()
            }
        });
    proptest::collection::vec(event, 1..80).prop_map(|mut events| {
        for (position, event) in (1..).zip(&mut events) {
            event.event_id = format!("e{position}");
        }
        events
    })
}

fn check_alert(alert: &Alert) {
    let is_resolved = alert.state() == AlertState::Resolved;
    assert_eq!(is_resolved, alert.disposition() != Disposition::Unspecified, "disposition of {alert:?}");
    assert_eq!(is_resolved, alert.resolved_at.is_some(), "resolved_at of {alert:?}");
    // P6: one owner while it is owned, none while it rings.
    match alert.state() {
        AlertState::Raised => assert_eq!(alert.owner, "", "{alert:?}"),
        AlertState::Acknowledged => assert_ne!(alert.owner, "", "{alert:?}"),
        AlertState::Resolved => {}
        AlertState::Unspecified => panic!("{alert:?}"),
    }
    assert_eq!(alert.press_count > 0, alert.kind() == AlertKind::Press, "{alert:?}");
}

fn check_indexes(state: &State) {
    let views = views(state);
    let openings: BTreeSet<_> = views.iter().map(|view| view.opening).collect();
    let changes: Vec<_> = state.changed_after(0).collect();
    assert!(changes.is_sorted_by(|a, b| a.alert.position < b.alert.position), "changes are in order");
    assert_eq!(changes.len(), views.len(), "each alert has one newest change");
    assert_eq!(changes.iter().map(|view| view.opening).collect::<BTreeSet<_>>(), openings);

    let is_open = |view: &&AlertView| view.alert.state() != AlertState::Resolved;
    let open: Vec<_> = views.iter().filter(is_open).map(|view| view.opening).collect();
    assert_eq!(state.open_after(0).map(|view| view.opening).collect::<Vec<_>>(), open);
    assert_eq!(state.open_count(), open.len());
    for view in &views {
        let entry = state.by_id(&view.alert.alert_id).unwrap();
        assert_eq!(entry.view.opening, view.opening);
        assert_eq!(entry.positions.len() as u64, view.alert.revision);
        assert_eq!(entry.positions.first(), Some(&view.opening));
        assert_eq!(entry.positions.last(), Some(&view.alert.position));
        assert!(entry.positions.is_sorted_by(|a, b| a < b));
    }
}

/// The call point whose alerts an event can change: a command's is that of its alert.
fn changes<'a>(events: &'a [Event], event: &'a Event) -> &'a str {
    let commanded = CommandKind::of(event.body.as_ref()) != CommandKind::Other
        || matches!(event.body, Some(Body::AlertAckExpired(_)));
    let about = events.iter().find(|other| commanded && other.event_id == event.alert_id);
    &about.unwrap_or(event).device_id
}

/// The same events in another order, in which those about each call point keep theirs.
fn shuffled(events: &[Event], picks: &[bool]) -> Vec<Event> {
    let (one, two): (VecDeque<_>, VecDeque<_>) =
        events.iter().partition(|event| changes(events, event) == "door-0");
    let (mut one, mut two, mut picks) = (one, two, picks.iter());
    let mut merged = Vec::new();
    while merged.len() < events.len() {
        let first = picks.next().copied().unwrap_or_default();
        let next = if first {
            one.pop_front().or_else(|| two.pop_front())
        } else {
            two.pop_front().or_else(|| one.pop_front())
        };
        merged.extend(next.cloned());
    }
    merged
}

proptest! {
    // What happens elsewhere changes nothing about an alert but its places in the log.
    #[test]
    fn the_order_of_call_points_does_not_matter(
        events in history(),
        picks in proptest::collection::vec(any::<bool>(), 80),
    ) {
        let alerts = |state: &State| {
            let placeless = |view: AlertView| Alert { position: 0, ..view.alert };
            let named = views(state).into_iter().map(placeless).map(|alert| (alert.alert_id.clone(), alert));
            named.collect::<BTreeMap<_, _>>()
        };
        prop_assert_eq!(alerts(&fold(&events)), alerts(&fold(&shuffled(&events, &picks))));
    }

    #[test]
    fn every_history_folds_into_sound_alerts(events in history()) {
        let mut state = State::default();
        let mut presses = 0;
        for (position, event) in (1..).zip(&events) {
            let revisions: u64 = state.opened_after(0).map(|view| view.alert.revision).sum();
            let changed = evolve(&mut state, position, RECEIVED, event);
            presses += u64::from(matches!(event.body, Some(Body::Press(_))));

            let views = views(&state);
            prop_assert_eq!(views.iter().map(|view| view.alert.revision).sum::<u64>(), revisions + u64::from(changed.is_some()));
            // P3: no press is lost, none is counted twice.
            prop_assert_eq!(views.iter().map(|view| view.alert.press_count).sum::<u64>(), presses);
            if let Some(opening) = changed {
                prop_assert_eq!(state.view(opening).unwrap().alert.position, position);
            }
            views.iter().for_each(|view| check_alert(&view.alert));
            check_indexes(&state);
        }
    }

    // P4: the same log gives the same state.
    #[test]
    fn folding_twice_gives_the_same(events in history()) {
        prop_assert_eq!(fold(&events), fold(&events));
    }

    // P6: the answer to an old command is folded from the events of its alert alone, on top of any form that
    // it had before.
    #[test]
    fn an_alert_is_the_fold_of_its_own_events(events in history()) {
        let (mut state, mut forms) = (State::default(), Vec::new());
        for (position, event) in (1..).zip(&events) {
            let changed = evolve(&mut state, position, RECEIVED, event);
            forms.extend(changed.and_then(|opening| state.view(opening)).cloned());
        }
        let continued = |mut own: State, alert_id: &str| {
            for position in &state.by_id(alert_id).unwrap().positions {
                if *position > own.position() {
                    evolve(&mut own, *position, RECEIVED, &events[usize::try_from(*position).unwrap() - 1]);
                }
            }
            own.by_id(alert_id).unwrap().view.alert.clone()
        };
        for view in views(&state) {
            prop_assert_eq!(continued(State::default(), &view.alert.alert_id), view.alert);
        }
        for form in forms {
            let alert_id = form.alert.alert_id.clone();
            prop_assert_eq!(continued(State::of(form), &alert_id), state.by_id(&alert_id).unwrap().view.alert.clone());
        }
    }
}
