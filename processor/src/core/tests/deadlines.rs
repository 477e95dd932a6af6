//! When something is due of an alert, and what.

use std::time::Duration;

use sos_proto::alert::v1::{AlertKind, AlertStatus};
use sos_proto::device::v1::Category;
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{
    AlertAckExpired, AlertEscalated, AlertNoted, AlertReopened, AlertTransferred, Disposition,
    EscalationUnheard, Event, Quarantined, ResponseStatus, ResponseUpdated, UnitDispatched,
};

use super::{acknowledged, command, event, press, resolved};
use crate::core::state::Cause;
use crate::core::{AlertView, Deadlines, EscalationRule, State, evolve, unheard};

const SECOND: i64 = 1_000_000;

fn escalated(level: u32) -> Body {
    Body::AlertEscalated(AlertEscalated { level, reason: String::new() })
}

fn expired(owner: &str) -> Body {
    Body::AlertAckExpired(AlertAckExpired { owner: owner.to_owned() })
}

/// The first alert after these events, each at a time in seconds.
fn after(history: Vec<(i64, Event)>) -> AlertView {
    let mut state = State::default();
    for (position, (at, event)) in (1..).zip(history) {
        evolve(&mut state, position, at * SECOND, &event);
    }
    AlertView::clone(&state.view(1).unwrap())
}

/// When something is due, in seconds, and what is at that moment.
fn next(history: Vec<(i64, Event)>) -> Option<(i64, Body)> {
    let (deadlines, view) = (Deadlines::default(), after(history));
    let due = deadlines.due(&view)?;
    assert_eq!(deadlines.overdue(&view, due - 1), None);
    Some((due / SECOND, deadlines.overdue(&view, due).unwrap()))
}

fn take(at: i64) -> (i64, Event) {
    (at, command(2, "e1", "asel", acknowledged()))
}

fn by(at: i64, actor: &str, body: Body) -> (i64, Event) {
    (at, command(3, "e1", actor, body))
}

// P8: EN 50518.
#[test]
fn a_press_escalates_at_30_s_and_at_60_s() {
    let pressed = || (100, event(1, press()));
    assert_eq!(next(vec![pressed()]), Some((130, escalated(1))));
    assert_eq!(next(vec![pressed(), by(130, "", escalated(1))]), Some((160, escalated(2))));
    assert_eq!(next(vec![pressed(), by(160, "", escalated(2))]), None);
    // Another press is no answer.
    assert_eq!(next(vec![pressed(), (120, event(2, press()))]), Some((130, escalated(1))));
    // An operator asked for more help before.
    assert_eq!(next(vec![pressed(), by(110, "bolat", escalated(1))]), Some((160, escalated(2))));
    assert_eq!(next(vec![pressed(), take(110), by(120, "asel", resolved(Disposition::Test))]), None);
    let unreadable = event(1, Body::Quarantined(Quarantined::default()));
    assert_eq!(next(vec![(100, unreadable)]), Some((190, escalated(1))));
}

// P8: who was away for long tells the highest level once.
#[test]
fn of_several_levels_that_passed_the_highest_is_told() {
    let view = after(vec![(100, event(1, press()))]);
    let overdue = |seconds| Deadlines::default().overdue(&view, seconds * SECOND);
    assert_eq!((overdue(129), overdue(159)), (None, Some(escalated(1))));
    assert_eq!((overdue(160), overdue(9_999)), (Some(escalated(2)), Some(escalated(2))));
}

// P8: nobody takes an alert and forgets it.
#[test]
fn an_acknowledgement_without_a_next_step_expires() {
    let begin = |more: Vec<(i64, Event)>| {
        let mut history = vec![(100, event(1, press())), take(110)];
        history.extend(more);
        next(history)
    };
    let note = || Body::AlertNoted(AlertNoted::default());
    let sent = || Body::UnitDispatched(UnitDispatched { unit_id: "u".to_owned() });
    let at = |status: ResponseStatus| {
        Body::ResponseUpdated(ResponseUpdated { unit_id: "u".to_owned(), status: status.into() })
    };
    let transferred = Body::AlertTransferred(AlertTransferred { to_operator: "dana".to_owned() });
    assert_eq!(begin(vec![]), Some((710, expired("asel"))));
    assert_eq!(begin(vec![by(200, "bolat", note())]), Some((710, expired("asel"))));
    assert_eq!(begin(vec![by(200, "asel", note())]), Some((800, expired("asel"))));
    assert_eq!(begin(vec![by(200, "asel", transferred)]), Some((800, expired("dana"))));
    assert_eq!(begin(vec![by(200, "asel", sent())]), None);
    assert_eq!(begin(vec![by(200, "asel", sent()), by(300, "", at(ResponseStatus::OnScene))]), None);
    let cleared = vec![by(200, "asel", sent()), by(300, "bolat", at(ResponseStatus::Cleared))];
    assert_eq!(begin(cleared), Some((900, expired("asel"))));
    let reopened = Body::AlertReopened(AlertReopened::default());
    let again = vec![by(200, "asel", resolved(Disposition::Genuine)), by(300, "bolat", reopened)];
    assert_eq!(begin(again), Some((900, expired("bolat"))));

    // It rings again, and goes through all levels again.
    assert_eq!(begin(vec![by(710, "", expired("asel"))]), Some((740, escalated(1))));
    let high = vec![by(120, "asel", escalated(2)), by(720, "", expired("asel"))];
    assert_eq!(begin(high), Some((750, escalated(3))));
}

#[test]
fn the_first_rule_that_fits_counts() {
    let rule = |kind, category, site: Option<&str>, seconds| EscalationRule {
        kind,
        category,
        site_id: site.map(str::to_owned),
        levels: vec![Duration::from_secs(seconds)],
    };
    let due = |rules: Vec<EscalationRule>| {
        let deadlines = Deadlines { escalation: rules, ..Deadlines::default() };
        deadlines.due(&after(vec![(0, event(1, press()))])).map(|due| due / SECOND)
    };
    let (press, technical) = (Some(AlertKind::Press), Some(AlertKind::Technical));
    let fire = Some(Category::Fire);
    assert_eq!(due(vec![rule(press, None, None, 1), rule(None, None, None, 2)]), Some(1));
    assert_eq!(due(vec![rule(technical, None, None, 1), rule(None, None, Some("hall"), 2)]), Some(2));
    assert_eq!(due(vec![rule(None, fire, None, 1), rule(None, None, Some("mall"), 2)]), None);
}

// P8: that nobody hears is told of what rings in earnest, and not of itself.
#[test]
fn an_escalation_in_earnest_wants_to_be_heard() {
    let told = Some(EscalationUnheard { level: 2 });
    let pressed = || after(vec![(0, event(1, press()))]);
    assert_eq!(unheard(&pressed(), &escalated(2)), told);
    assert_eq!(unheard(&pressed(), &expired("asel")), None);
    let mut exercise = pressed();
    exercise.alert.set_status(AlertStatus::Exercise);
    assert_eq!(unheard(&exercise, &escalated(2)), None);
    let unreadable = after(vec![(0, event(1, Body::Quarantined(Quarantined::default())))]);
    assert_eq!(unheard(&unreadable, &escalated(2)), told);
    let mut itself = unreadable;
    itself.causes.insert(Cause::Unheard.key(), String::new());
    assert_eq!(unheard(&itself, &escalated(2)), None);
}
