//! What each event does to an alert, one rule a test.

use sos_proto::alert::v1::{AlertKind, AlertPriority, AlertState, AlertStatus};
use sos_proto::device::v1::{Call, CallPhase, Cancel, Category, Fault, Located, Location, Press};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{
    AlertAckExpired, AlertErased, AlertEscalated, AlertNoted, AlertReopened, AlertTransferred, Disposition,
    Event, EventFlag, Quarantined, ResponseStatus, ResponseUpdated, UnitDispatched,
};
use sos_proto::time;

use super::{RECEIVED, acknowledged, command, event, fold, origin, press, resolved, views};

const SECOND: i64 = 1_000_000;

fn press_of(category: Category, silent: bool, note: &str) -> Body {
    Body::Press(Press { category: category.into(), silent, note: note.into() })
}

/// The only alert after these events.
fn only(events: &[Event]) -> sos_proto::alert::v1::Alert {
    let views = views(&fold(events));
    assert_eq!(views.len(), 1);
    views[0].alert.clone()
}

#[test]
fn a_press_opens_an_alert() {
    let place = Location { latitude: 43.2, longitude: 76.9, ..Location::default() };
    let opening = Event {
        origin: origin(Some(place), &[EventFlag::TextCut]),
        ..event(1, press_of(Category::Fire, true, "smoke"))
    };
    let alert = only(&[opening]);
    assert_eq!(
        (alert.alert_id.as_str(), alert.state(), alert.kind(), alert.status(), alert.priority()),
        ("e1", AlertState::Raised, AlertKind::Press, AlertStatus::Actual, AlertPriority::High)
    );
    assert_eq!((alert.category(), alert.silent, alert.note.as_str()), (Category::Fire, true, "smoke"));
    assert_eq!((alert.press_count, alert.revision, alert.position, alert.attention), (1, 1, 1, false));
    assert_eq!((alert.location, alert.flags, alert.unverified), (Some(place), vec![5], true));
    assert_eq!((alert.raised_at, alert.late_by), (alert.received_at, None));
}

#[test]
fn late_is_between_40_s_and_30_days() {
    let late_by = |late: i64| {
        let occurred_at = Some(time::timestamp(RECEIVED - late));
        let alert = only(&[Event { occurred_at, ..event(1, press()) }]);
        assert_eq!(alert.raised_at, occurred_at);
        alert.late_by
    };
    let days_30 = 30 * 24 * 3600 * SECOND;
    assert_eq!(late_by(-SECOND), None);
    assert_eq!(late_by(40 * SECOND), None);
    assert_eq!(late_by(40 * SECOND + 1), Some(time::duration(40 * SECOND + 1)));
    assert_eq!(late_by(days_30), Some(time::duration(days_30)));
    assert_eq!(late_by(days_30 + 1), None);
}

#[test]
fn another_press_joins_and_never_lowers() {
    let alert = only(&[
        event(1, press_of(Category::Unspecified, true, "first")),
        event(2, press_of(Category::Medical, false, "")),
        event(3, press_of(Category::Fire, false, "third")),
        event(4, press_of(Category::Unspecified, false, "")),
    ]);
    assert_eq!((alert.press_count, alert.attention, alert.revision, alert.position), (4, true, 4, 4));
    assert_eq!((alert.category(), alert.silent, alert.note.as_str()), (Category::Fire, true, "third"));
}

#[test]
fn a_press_may_raise_the_category_and_never_lowers_it() {
    let rising = [Category::Unspecified, Category::Police, Category::Medical, Category::Fire];
    for (before, first) in (0..).zip(rising) {
        for (asked, second) in (0..).zip(rising) {
            let alert = only(&[event(1, press_of(first, false, "")), event(2, press_of(second, false, ""))]);
            assert_eq!(alert.category(), rising[before.max(asked)], "{second:?} after {first:?}");
        }
    }
    let unknown = Body::Press(Press { category: 99, ..Press::default() });
    assert_eq!(
        only(&[event(1, press_of(Category::Fire, false, "")), event(2, unknown)]).category(),
        Category::Fire
    );
}

// P3: also an event without an id, or with one that is taken, opens its own alert.
#[test]
fn no_press_is_lost_for_its_id() {
    let elsewhere = Event { device_id: "gate".into(), event_id: "e1".into(), ..event(2, press()) };
    let nameless = Event { device_id: "roof".into(), event_id: String::new(), ..event(3, press()) };
    let state = fold(&[event(1, press()), elsewhere, nameless]);
    let ids: Vec<_> = views(&state).into_iter().map(|view| view.alert.alert_id).collect();
    assert_eq!(ids, ["e1", "e1@2", "@3"]);
}

#[test]
fn after_resolved_a_press_opens_a_new_alert() {
    let state = fold(&[
        event(1, press()),
        command(2, "e1", "asel", acknowledged()),
        command(3, "e1", "asel", resolved(Disposition::Accidental)),
        event(4, press()),
    ]);
    let seen: Vec<_> =
        views(&state).into_iter().map(|v| (v.alert.alert_id.clone(), v.alert.state())).collect();
    assert_eq!(seen, [("e1".into(), AlertState::Resolved), ("e4".into(), AlertState::Raised)]);
}

// P7: a cancel is shown and closes nothing.
#[test]
fn a_cancel_never_closes() {
    let cancel = || Body::Cancel(Cancel { reason: "mistake".into() });
    let alert = only(&[event(1, press()), event(2, cancel()), event(3, cancel())]);
    assert_eq!((alert.cancel_requested, alert.state(), alert.revision), (true, AlertState::Raised, 3));
    assert!(views(&fold(&[event(1, cancel())])).is_empty());
}

#[test]
fn call_and_location_change_the_open_press_only() {
    let call = Call { call_id: "c".into(), phase: CallPhase::Connected.into(), media_uri: "rtsp://x".into() };
    let place = Location { latitude: 1.0, longitude: 2.0, ..Location::default() };
    let located = |location| Event { origin: origin(location, &[]), ..event(3, Body::Located(Located {})) };
    let alert = only(&[event(1, press()), event(2, Body::Call(call.clone())), located(Some(place))]);
    let heard = alert.call.unwrap();
    assert_eq!((heard.call_id.as_str(), heard.phase()), ("c", CallPhase::Connected));
    assert_eq!((alert.location, alert.revision), (Some(place), 3));
    assert_eq!(only(&[event(1, press()), event(2, None), located(None)]).revision, 1);
    assert!(views(&fold(&[event(1, Body::Call(call))])).is_empty());
}

// P3: bytes that cannot be read are a technical alert of that call point, beside its press alert.
#[test]
fn quarantined_bytes_are_a_technical_alert() {
    let quarantined =
        |reason: &str| Body::Quarantined(Quarantined { reason: reason.into(), ..Quarantined::default() });
    let state = fold(&[event(1, press()), event(2, quarantined("bad")), event(3, quarantined("worse"))]);
    let alert = &views(&state)[1].alert;
    assert_eq!((alert.kind(), alert.priority()), (AlertKind::Technical, AlertPriority::Medium));
    assert_eq!((alert.press_count, alert.note.as_str(), alert.revision), (0, "worse", 2));
    assert!(alert.attention, "it was reported again");
    assert_eq!(views(&state)[0].alert.revision, 1);
}

#[test]
fn attention_ends_when_the_owner_acts() {
    let noted = || Body::AlertNoted(AlertNoted { note: "calling".into() });
    let taken = [event(1, press()), command(2, "e1", "asel", acknowledged()), event(3, press())];
    assert!(only(&taken).attention);
    let by = |actor| only(&[taken.as_slice(), &[command(4, "e1", actor, noted())]].concat());
    assert_eq!((by("bolat").attention, by("asel").attention, by("asel").revision), (true, false, 4));
}

#[test]
fn an_acknowledgement_runs_out_and_is_taken_again() {
    let expired = |owner: &str| Body::AlertAckExpired(AlertAckExpired { owner: owner.into() });
    let mut events = vec![
        event(1, press()),
        command(2, "e1", "asel", acknowledged()),
        command(3, "e1", "", expired("bolat")),
    ];
    assert_eq!(only(&events).owner, "asel", "it was somebody else's");
    events.push(command(4, "e1", "", expired("asel")));
    let alert = only(&events);
    assert_eq!((alert.state(), alert.owner.as_str(), alert.revision), (AlertState::Raised, "", 3));
    assert!(alert.acknowledged_at.is_some());
    events.push(command(5, "e1", "bolat", acknowledged()));
    assert_eq!(only(&events).owner, "bolat");
}

#[test]
fn hand_over_escalation_and_reopening() {
    let hand_over = |to: &str| Body::AlertTransferred(AlertTransferred { to_operator: to.into() });
    let escalated = |level| Body::AlertEscalated(AlertEscalated { level, reason: String::new() });
    let mut events = vec![
        event(1, press()),
        command(2, "e1", "", escalated(2)),
        command(3, "e1", "", escalated(1)),
        command(4, "e1", "asel", hand_over("bolat")),
        command(5, "e1", "asel", acknowledged()),
        command(6, "e1", "asel", hand_over("bolat")),
        command(7, "e1", "bolat", resolved(Disposition::Unspecified)),
        command(8, "e1", "bolat", resolved(Disposition::Genuine)),
    ];
    let alert = only(&events);
    assert_eq!((alert.state(), alert.disposition()), (AlertState::Resolved, Disposition::Genuine));
    assert_eq!((alert.owner.as_str(), alert.escalation_level, alert.revision), ("bolat", 2, 5));
    events.push(command(9, "e1", "asel", Body::AlertReopened(AlertReopened::default())));
    events.push(event(10, press()));
    let alert = only(&events);
    assert_eq!((alert.state(), alert.disposition()), (AlertState::Acknowledged, Disposition::Unspecified));
    assert_eq!((alert.owner.as_str(), alert.resolved_at, alert.press_count), ("asel", None, 2));
}

#[test]
fn units_go_their_way() {
    let sent = || Body::UnitDispatched(UnitDispatched { unit_id: "car 7".into() });
    let report = |unit: &str, status: ResponseStatus| {
        Body::ResponseUpdated(ResponseUpdated { unit_id: unit.into(), status: status.into() })
    };
    let history = [
        event(1, press()),
        command(2, "e1", "asel", sent()),
        command(3, "e1", "asel", sent()),
        command(4, "e1", "asel", report("car 8", ResponseStatus::OnScene)),
        command(5, "e1", "asel", report("car 7", ResponseStatus::OnScene)),
        command(6, "e1", "asel", report("car 7", ResponseStatus::Cleared)),
        command(7, "e1", "asel", sent()),
        command(8, "e1", "asel", report("car 7", ResponseStatus::EnRoute)),
    ];
    assert_eq!(only(&history[..2]).responses[0].status(), ResponseStatus::Dispatched);
    let alert = only(&history);
    let ways: Vec<_> = alert
        .responses
        .iter()
        .map(|r| (r.status(), r.on_scene_at.is_some(), r.cleared_at.is_some()))
        .collect();
    assert_eq!(ways, [(ResponseStatus::Cleared, true, true), (ResponseStatus::EnRoute, false, false)]);
    assert!(alert.responses.iter().all(|response| response.dispatched_at.is_some()));
    assert_eq!(alert.revision, 6);
}

#[test]
fn only_somebody_opens_again_and_only_what_is_closed() {
    let reopened =
        |position, actor| command(position, "e1", actor, Body::AlertReopened(AlertReopened::default()));
    let taken = [event(1, press()), command(2, "e1", "asel", acknowledged())];
    assert_eq!(only(&[&taken[..], &[reopened(3, "bolat")]].concat()).owner, "asel");
    let closed = [&taken[..], &[command(3, "e1", "asel", resolved(Disposition::Genuine))]].concat();
    assert_eq!(only(&[&closed[..], &[reopened(4, "")]].concat()).state(), AlertState::Resolved);
}

#[test]
fn a_stream_grows_even_if_nothing_changes() {
    let state = fold(&[
        event(1, press()),
        command(2, "e1", "asel", acknowledged()),
        command(3, "e1", "bolat", acknowledged()),
        event(4, press()),
        command(5, "unknown", "asel", acknowledged()),
        event(6, Body::Fault(Fault::default())),
    ]);
    let entry = state.by_id("e1").unwrap();
    assert_eq!((entry.stream_position, entry.positions.as_slice()), (3, [1, 2, 4].as_slice()));
    assert_eq!((entry.view().alert.owner.as_str(), state.position()), ("asel", 6));
}

#[test]
fn the_stream_of_a_call_point_holds_everything_about_it() {
    let elsewhere = Event { device_id: "gate".into(), ..event(4, press()) };
    let of_the_site = Event { device_id: String::new(), ..event(5, None) };
    let state = fold(&[
        event(1, press()),
        command(2, "e1", "asel", acknowledged()),
        event(3, Body::Fault(Fault::default())),
        elsewhere,
        of_the_site,
    ]);
    let ends = ["door", "gate", "roof", ""].map(|device| state.call_point_position("hall", device));
    assert_eq!(ends, [3, 4, 0, 0]);
}

#[test]
fn what_is_erased_is_gone_from_every_form() {
    let place = Location { latitude: 43.2, longitude: 76.9, ..Location::default() };
    let pressed = press_of(Category::Fire, false, "Asel, third floor");
    let pressed = Event { origin: origin(Some(place), &[]), ..event(1, pressed) };
    let history = [
        pressed,
        command(2, "e1", "asel", acknowledged()),
        command(3, "e1", "asel", resolved(Disposition::Genuine)),
        command(4, "e1", "dana", Body::AlertErased(AlertErased { reason: "asked to".into() })),
    ];
    let state = fold(&history);
    let entry = state.by_id("e1").unwrap();
    assert_eq!((entry.erased(), entry.view().alert.revision), ([1, 2, 3, 4].as_slice(), 4));
    for alert in [entry.view().alert.clone(), entry.past(1).0.alert.clone()] {
        assert_eq!((alert.note.as_str(), alert.location, alert.erased), ("", None, true));
        assert_eq!(alert.category(), Category::Fire, "what is not personal stays");
    }
}

// P6: what has no request id is nobody's request.
#[test]
fn requests_are_known_by_their_ids() {
    let state = fold(&[event(1, press()), command(2, "e1", "asel", acknowledged())]);
    assert_eq!(["r2", "r3", ""].map(|id| state.request(id)), [Some(2), None, None]);
}

#[test]
fn an_older_form_is_never_far_away() {
    let presses: Vec<_> = (1..=600).map(|position| event(position, press())).collect();
    let state = fold(&presses);
    let entry = state.by_id("e1").unwrap();
    for (position, form, changes) in [
        (1, 1, 0..0),
        (2, 1, 2..3),
        (255, 1, 2..256),
        (256, 256, 0..0),
        (599, 512, 513..600),
        (600, 600, 0..0),
    ] {
        let (found, rest) = entry.past(position);
        assert_eq!(found.alert.revision, form, "at {position}");
        assert_eq!(rest, changes.collect::<Vec<u64>>(), "at {position}");
    }
}
