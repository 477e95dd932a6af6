//! Random histories: what holds after every event, whatever the log says.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use proptest::prelude::*;
use sos_proto::alert::v1::{Alert, AlertKind, AlertState};
use sos_proto::device::v1::{Call, Cancel, DeviceHealth, Fault, Located, Location, Press, SelfTest};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{
    AlertAckExpired, AlertAcknowledged, AlertDeclaredActual, AlertEscalated, AlertNoted, AlertReopened,
    AlertResolved, AlertShelved, AlertTransferred, AlertUnshelved, BrokerLost, BrokerRestored,
    DeviceConditionChanged, DeviceOffline, DeviceOnline, DeviceOrigin, DeviceRegistered, DeviceRetired,
    Disposition, EscalationUnheard, Event, Quarantined, ResponseUpdated, SiteRegistered, UnitDispatched,
    WindowEnded, WindowStarted,
};
use sos_proto::registry::v1::{Device, Site, Window};
use sos_proto::time::Timestamp;

use super::{RECEIVED, fold, views};
use crate::core::state::{CommandKind, Loss};
use crate::core::{AlertView, Opening, State, evolve};

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
        3 => Just(Body::DeviceOffline(DeviceOffline::default())),
        1 => condition(),
        1 => Just(Body::DeviceRegistered(DeviceRegistered { device: Some(Device::default()) })),
        1 => Just(Body::DeviceRetired(DeviceRetired::default())),
        1 => window().prop_map(|window| Body::WindowStarted(WindowStarted { window })),
        1 => Just(Body::WindowEnded(WindowEnded::default())),
    ]
}

fn condition() -> impl Strategy<Value = Body> {
    (proptest::option::of(0..40_u32), proptest::option::of(any::<bool>())).prop_map(
        |(battery_percent, mains)| {
            let health = DeviceHealth { battery_percent, mains, ..DeviceHealth::default() };
            let condition = health.condition().into();
            Body::DeviceConditionChanged(DeviceConditionChanged { condition, health: Some(health) })
        },
    )
}

fn window() -> impl Strategy<Value = Option<Window>> {
    let window = (-1..4, any::<bool>()).prop_map(|(kind, over)| {
        let end = if over { RECEIVED } else { RECEIVED + 1 };
        Window { kind, ends_at: Some(sos_proto::time::timestamp(end)), ..Window::default() }
    });
    proptest::option::of(window)
}

/// What is about more than one call point.
fn about_many() -> impl Strategy<Value = Body> {
    let site = (0..4, "[ab]?").prop_map(|(kind, name)| Site { kind, name, ..Site::default() });
    prop_oneof![
        site.prop_map(|site| Body::SiteRegistered(SiteRegistered { site: Some(site) })),
        Just(Body::BrokerLost(BrokerLost::default())),
        Just(Body::BrokerRestored(BrokerRestored::default())),
        (0..3_u32).prop_map(|level| Body::EscalationUnheard(EscalationUnheard { level })),
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
        1 => Just(Body::AlertDeclaredActual(AlertDeclaredActual::default())),
        1 => Just(Body::AlertShelved(AlertShelved { until: Some(Timestamp::default()), ..Default::default() })),
        1 => Just(Body::AlertUnshelved(AlertUnshelved {})),
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

/// Histories of many call points at several sites, and of what is about all of them.
fn history() -> impl Strategy<Value = Vec<Event>> {
    let body = prop_oneof![
        4 => from_call_point().prop_map(Some),
        8 => about_an_alert().prop_map(Some),
        1 => about_many().prop_map(Some),
        1 => Just(None)
    ];
    // Few sites lose several call points, or many lose one.
    prop_oneof![events(body.boxed(), 2, 5), events(from_call_point().prop_map(Some).boxed(), 15, 2)]
}

/// Histories of two call points that have nothing to do with each other.
fn history_of_two() -> impl Strategy<Value = Vec<Event>> {
    let body = prop_oneof![
        from_call_point().prop_map(Some),
        about_an_alert().prop_map(Some),
        about_an_alert().prop_map(Some),
        Just(None)
    ];
    events(body.boxed(), 1, 2)
}

/// Events at positions 1, 2, 3 …; each id is `e` and its position, so commands name alerts by position.
fn events(body: BoxedStrategy<Option<Body>>, sites: u8, devices: u8) -> impl Strategy<Value = Vec<Event>> {
    let place = (0..sites, 0..devices);
    let event = (body, place, 1..30_u64, operator(), any_timestamp(), any_timestamp(), any_origin())
        .prop_map(|(body, (site, device), about, actor, occurred_at, received_at, origin)| {
            let by_operator = !actor.is_empty();
            Event {
                site_id: format!("hall-{site}"),
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
    let changes: Vec<_> = state.changed_after((0, 0)).collect();
    let place = |view: &AlertView| (view.alert.position, view.opening);
    assert!(changes.is_sorted_by(|a, b| place(a) < place(b)), "changes are in order");
    assert_eq!(changes.len(), views.len(), "each alert has one newest change");
    assert_eq!(changes.iter().map(|view| view.opening).collect::<BTreeSet<_>>(), openings);

    let is_open = |view: &&AlertView| view.alert.state() != AlertState::Resolved;
    let open: Vec<_> = views.iter().filter(is_open).map(|view| view.opening).collect();
    assert_eq!(state.open_after(0).map(|view| view.opening).collect::<Vec<_>>(), open);
    assert_eq!(state.open_count(), open.len());
    for view in &views {
        let entry = state.by_id(&view.alert.alert_id).unwrap();
        assert_eq!(entry.view().opening, view.opening);
        assert_eq!(entry.positions.len() as u64, view.alert.revision);
        assert_eq!(entry.positions.first(), Some(&view.opening));
        assert_eq!(entry.positions.last(), Some(&view.alert.position));
        assert!(entry.positions.is_sorted_by(|a, b| a < b));
    }
}

/// The call point whose alerts an event can change: a command's is that of its alert.
fn changes<'a>(events: &'a [Event], event: &'a Event) -> &'a str {
    use CommandKind::{EndWindow, Other, PutDevice, PutSite, RetireDevice, StartWindow};
    let kind = CommandKind::of(event.body.as_ref());
    let commanded = !matches!(kind, Other | PutSite | PutDevice | RetireDevice | StartWindow | EndWindow)
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
        events in history_of_two(),
        picks in proptest::collection::vec(any::<bool>(), 80),
    ) {
        let alerts = |state: &State| {
            // Who pressed first is part of an incident.
            let placeless = |view: AlertView| Alert { position: 0, incident_id: String::new(), ..view.alert };
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
            let before: Vec<_> = state.opened_after(0).map(|view| view.alert.revision).collect();
            let changed = evolve(&mut state, position, RECEIVED, event);
            presses += u64::from(matches!(event.body, Some(Body::Press(_))));

            let views = views(&state);
            // Each alert grows by one revision or none, and one at most is new.
            let grown = views.iter().zip(before.iter().chain([&0])).map(|(view, old)| view.alert.revision - old);
            let grown: Vec<_> = grown.collect();
            prop_assert!(views.len() <= before.len() + 1);
            prop_assert!(grown.iter().all(|by| *by <= 1));
            prop_assert!(changed.is_some() <= grown.contains(&1));
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
    // was kept of it.
    #[test]
    fn what_an_alert_was_is_known_for_ever(events in history()) {
        let (mut state, mut was) = (State::default(), Vec::new());
        for (position, event) in (1..).zip(&events) {
            evolve(&mut state, position, RECEIVED, event);
            let changed = state.changed_after((position - 1, Opening::MAX));
            was.extend(changed.map(|view| (position, view.alert.clone())));
        }
        for (position, alert) in was {
            let (form, changes) = state.by_id(&alert.alert_id).unwrap().past(position);
            let mut past = State::of(form, Arc::clone(state.rules()));
            for position in changes {
                evolve(&mut past, *position, RECEIVED, &events[usize::try_from(*position).unwrap() - 1]);
            }
            prop_assert_eq!(&past.by_id(&alert.alert_id).unwrap().view().alert, &alert);
        }
    }

    // P4: whoever goes on from a snapshot has the same state as who read everything, byte for byte.
    #[test]
    fn a_snapshot_and_the_rest_are_the_whole(events in history(), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(events.len() + 1);
        let bytes = fold(&events[..cut]).encode();
        let mut state = State::decode(&bytes, Arc::default()).unwrap().unwrap();
        prop_assert_eq!(&state.encode(), &bytes);
        check_indexes(&state);
        for (position, event) in (1..).zip(&events).skip(cut) {
            evolve(&mut state, position, RECEIVED, event);
        }
        check_indexes(&state);
        prop_assert_eq!(state.encode(), fold(&events).encode());
    }

    // P9: whatever comes and goes, one alert tells of each call point that is gone.
    #[test]
    fn a_lost_call_point_is_told_once(events in events(comings_and_goings(), 15, 5)) {
        let mut state = State::default();
        for (position, event) in (1..).zip(&events) {
            evolve(&mut state, position, RECEIVED, event);
            let told: u64 = state.points().iter().map(|point| point.lost).sum();
            let gone = state.points().iter().filter(|point| point.loss() != Loss::None);
            let (own, grouped): (Vec<_>, Vec<_>) = gone.partition(|point| point.loss() == Loss::Own);
            prop_assert_eq!(told, grouped.len() as u64);
            let offline = state.points().iter().filter(|point| !point.device_id.is_empty() && !point.online);
            let offline = offline.filter(|point| point.loss() != Loss::None).count();
            prop_assert_eq!(offline, own.len() + grouped.len());
            prop_assert!(state.open_count() <= 30, "{} alerts", state.open_count());
        }
    }
}

fn comings_and_goings() -> BoxedStrategy<Option<Body>> {
    let online = Just(Some(Body::DeviceOnline(DeviceOnline::default())));
    let offline = Just(Some(Body::DeviceOffline(DeviceOffline::default())));
    prop_oneof![1 => online, 3 => offline].boxed()
}
