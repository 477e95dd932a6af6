//! Something does not work: one technical alert with all that is wrong at a place (P3, P9).
//!
//! Invariant: it closes by itself once everything that opened it is repaired. What cannot be repaired (bytes
//! that nobody can read, a call point that breaks and is repaired all the time) is closed by an operator.

use std::sync::Arc;

use sos_proto::alert::v1::{AlertKind, AlertPriority};
use sos_proto::device::v1::{Fault, FaultKind, SelfTest};
use sos_proto::event::v1::{BrokerLost, Disposition, Quarantined};
use sos_proto::trace::trace_id;

use super::{Happened, open, resolve, window};
use crate::core::rules::Rules;
use crate::core::state::{AlertNumber, AlertView, Cause, Opening, PointNumber, State};

/// A call point whose technical alerts were opened so often …
const FLAPS: usize = 4;

/// … within this time is flapping, in microseconds (10 minutes).
const FLAPS_WITHIN: i64 = 10 * 60 * 1_000_000;

/// Something is wrong, in words.
pub(super) type Wrong = (Cause, String);

/// Bytes that nobody can read. They may have been a press, so its owner has to look again each time.
pub(super) fn quarantined(
    state: &mut State,
    happened: Happened<'_>,
    quarantined: &Quarantined,
) -> Option<Opening> {
    begins(state, happened, happened.point, vec![(Cause::Unreadable, quarantined.reason.clone())])
}

/// The call point says that something is broken, or repaired.
pub(super) fn fault(state: &mut State, happened: Happened<'_>, fault: &Fault) -> Option<Opening> {
    if !fault.active {
        return ends(state, happened, &[Cause::Fault(fault.kind())]);
    }
    begins(state, happened, happened.point, vec![broken(fault.kind(), &fault.detail)])
}

/// What is told of a fault.
pub(super) fn broken(kind: FaultKind, detail: &str) -> Wrong {
    let name = kind.as_str_name();
    (Cause::Fault(kind), words(name.strip_prefix("FAULT_KIND_").unwrap_or(name), detail))
}

/// The call point has tested itself.
pub(super) fn self_test(state: &mut State, happened: Happened<'_>, test: &SelfTest) -> Option<Opening> {
    if test.passed {
        return ends(state, happened, &[Cause::SelfTest]);
    }
    let wrong = (Cause::SelfTest, words("SELF_TEST_FAILED", &test.detail));
    begins(state, happened, happened.point, vec![wrong])
}

/// P9: a broker that is gone is one alert, however many call points it served.
pub(super) fn broker_lost(state: &mut State, happened: Happened<'_>, lost: &BrokerLost) -> Option<Opening> {
    let text = format!("BROKER_LOST: {}", words(&lost.broker, &lost.reason));
    begins(state, happened, happened.point, vec![(Cause::Broker, text)])
}

pub(super) fn broker_restored(state: &mut State, happened: Happened<'_>) -> Option<Opening> {
    ends(state, happened, &[Cause::Broker])
}

fn words(what: &str, detail: &str) -> String {
    if detail.is_empty() { what.to_owned() } else { format!("{what}: {detail}") }
}

/// What would keep a press from being noticed comes before what can wait.
fn priority(cause: Cause) -> AlertPriority {
    match cause {
        Cause::Unheard | Cause::Broker | Cause::EverythingLost => AlertPriority::Critical,
        Cause::SiteLost => AlertPriority::High,
        Cause::Unreadable
        | Cause::SelfTest
        | Cause::Lost
        | Cause::Flapping
        | Cause::Fault(FaultKind::Tamper | FaultKind::ButtonStuck) => AlertPriority::Medium,
        Cause::Fault(_) => AlertPriority::Low,
    }
}

/// Something is wrong at a place: opens its technical alert, or adds to it.
pub(super) fn begins(
    state: &mut State,
    happened: Happened<'_>,
    point: PointNumber,
    wrong: Vec<Wrong>,
) -> Option<Opening> {
    let status = window::status(state, point, happened.recorded_at);
    let joined = state
        .open_at(point, AlertKind::Technical)
        .rfind(|(_, view)| window::may_join(view, status))
        .map(|(number, _)| number);
    let Some(number) = joined else { return Some(opens(state, happened, point, wrong)) };
    let rules = Arc::clone(state.rules());
    alter(state, happened, number, point, |view| add(view, wrong, &rules))
}

/// Some things are wrong at the event's own call point, and others are not any more.
pub(super) fn turns(
    state: &mut State,
    happened: Happened<'_>,
    wrong: Vec<Wrong>,
    well: &[Cause],
) -> Option<Opening> {
    let Some(number) = telling(state, happened.point, well) else {
        return begins(state, happened, happened.point, wrong);
    };
    let rules = Arc::clone(state.rules());
    alter(state, happened, number, happened.point, |view| {
        if !view.causes.contains_key(&Cause::Flapping.key()) {
            well.iter().for_each(|cause| drop(view.causes.remove(&cause.key())));
        }
        add(view, wrong, &rules);
        view.alert.note = note(view);
        true
    })
}

/// Adds to an alert what is wrong. Answers whether that is news.
fn add(view: &mut AlertView, wrong: Vec<Wrong>, rules: &Rules) -> bool {
    let mut news = false;
    for (cause, text) in wrong {
        let known = view.causes.insert(cause.key(), text.clone()).is_some_and(|known| known == text);
        news |= !known || matches!(cause, Cause::Unreadable | Cause::Unheard);
        let urgent = rules.priority(&view.alert, view.site_kind(), priority(cause));
        view.alert.set_priority(urgent);
    }
    if news {
        view.alert.attention = view.alert.shelving.is_none();
        view.alert.note = note(view);
    }
    news
}

fn opens(state: &mut State, happened: Happened<'_>, point: PointNumber, mut wrong: Vec<Wrong>) -> Opening {
    let mut view = open::view(state, happened, point, AlertKind::Technical);
    if is_flapping(state, point, happened.recorded_at) {
        wrong.push((Cause::Flapping, format!("FLAPPING: broke {FLAPS} times within 10 minutes")));
    }
    add(&mut view, wrong, state.rules());
    view.alert.attention = false;
    view.trace_id = trace_id(happened.event);
    state.open(point, view);
    happened.position
}

/// Counts an opening. A site as a whole, or all of them, are never flapping: what opens alerts there is rare.
fn is_flapping(state: &mut State, point: PointNumber, now: i64) -> bool {
    let Some(point) = state.point_mut(point).filter(|point| !point.device_id.is_empty()) else {
        return false;
    };
    point.openings.retain(|opened| now.saturating_sub(*opened) < FLAPS_WITHIN);
    point.openings.push(now);
    let flapping = point.openings.len() >= FLAPS;
    if flapping {
        point.openings.remove(0);
    }
    flapping
}

/// Something is repaired at the event's own call point.
pub(super) fn ends(state: &mut State, happened: Happened<'_>, causes: &[Cause]) -> Option<Opening> {
    ends_at(state, happened, happened.point, causes, Disposition::Technical)
}

/// Something is repaired at a place, or is told elsewhere from now on.
pub(super) fn ends_at(
    state: &mut State,
    happened: Happened<'_>,
    point: PointNumber,
    causes: &[Cause],
    disposition: Disposition,
) -> Option<Opening> {
    let number = telling(state, point, causes)?;
    alter(state, happened, number, point, |view| {
        // What flaps is told once.
        if view.causes.contains_key(&Cause::Flapping.key()) {
            return false;
        }
        causes.iter().for_each(|cause| drop(view.causes.remove(&cause.key())));
        if view.causes.is_empty() {
            resolve::close(&mut view.alert, happened, disposition);
        } else {
            view.alert.note = note(view);
        }
        true
    })
}

/// The newest open alert of a place that tells of any of these causes.
fn telling(state: &State, point: PointNumber, causes: &[Cause]) -> Option<AlertNumber> {
    let tells = |(_, view): &(AlertNumber, &AlertView)| {
        causes.iter().any(|cause| view.causes.contains_key(&cause.key()))
    };
    state.open_at(point, AlertKind::Technical).rfind(tells).map(|(number, _)| number)
}

/// Changes an alert of a place. Where that is not the event's own, the event alone does not say what changed.
fn alter(
    state: &mut State,
    happened: Happened<'_>,
    number: AlertNumber,
    point: PointNumber,
    rule: impl FnOnce(&mut AlertView) -> bool,
) -> Option<Opening> {
    if point != happened.point {
        return state.change_from_elsewhere(number, rule);
    }
    state.change(number, |view| {
        let changed = rule(view);
        if changed {
            open::hear(view, happened);
        }
        changed
    })
}

/// Everything that is wrong.
fn note(view: &AlertView) -> String {
    view.causes.values().map(String::as_str).collect::<Vec<_>>().join("; ")
}
