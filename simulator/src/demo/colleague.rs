//! What a simulated colleague does next, so that the town stays liveable: takes what has waited longest, but leaves some
//! for the newcomer; sends a unit, sees it through, closes. Pure: alerts and the server's time in, deeds out.
//!
//! Invariant: everything follows from the alerts as they are, so that a restart changes nothing.

use std::time::Duration;

use sos_proto::alert::v1::{Alert, AlertKind, AlertPriority, AlertState, Response};
use sos_proto::device::v1::Category;
use sos_proto::event::v1::{Disposition, ResponseStatus};
use sos_proto::time::{self, Timestamp};

/// Name of the colleague.
pub(super) const NAME: &str = "demo";

/// Presses that are left waiting for the newcomer.
const LEFT_WAITING: usize = 5;

/// A press that is younger is never taken.
const PATIENCE: Duration = Duration::from_secs(4);

/// One step in the handling of an alert.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Deed {
    Take,
    Escalate(&'static str),
    Dispatch(String),
    Progress(String, ResponseStatus),
    Resolve(Disposition, &'static str),
}

/// What is to be done now, about open alerts of the town.
pub(super) fn deeds(open: &[&Alert], now: i64) -> Vec<(Alert, Deed)> {
    let mut deeds = Vec::new();
    let mut waiting = Vec::new();
    for alert in open.iter().copied() {
        let deed = match (alert.state(), alert.kind()) {
            (AlertState::Raised, AlertKind::Technical) => {
                is_over(technical_wait(alert), alert.received_at, now).then_some(Deed::Take)
            }
            (AlertState::Raised, _) => {
                waiting.push(alert);
                escalation(alert)
            }
            (AlertState::Acknowledged, _) if alert.owner == NAME => next_step(alert, now),
            _ => None,
        };
        deeds.extend(deed.map(|deed| (alert.clone(), deed)));
    }
    waiting.sort_unstable_by_key(|alert| alert.received_at.as_ref().and_then(time::micros));
    let oldest = waiting.first().filter(|alert| is_over(PATIENCE, alert.received_at, now));
    if let Some(oldest) = oldest.filter(|_| waiting.len() > LEFT_WAITING) {
        deeds.push(((*oldest).clone(), Deed::Take));
    }
    deeds
}

/// A fire is worth more help at once.
fn escalation(alert: &Alert) -> Option<Deed> {
    let is_worth = alert.category() == Category::Fire && alert.escalation_level == 0;
    is_worth.then_some(Deed::Escalate("На камере виден дым, нужен второй расчёт."))
}

/// How long a technical alert waits: one that nobody heard of is looked at first.
fn technical_wait(alert: &Alert) -> Duration {
    Duration::from_secs(if alert.priority() == AlertPriority::Critical { 3 } else { 60 })
}

fn next_step(alert: &Alert, now: i64) -> Option<Deed> {
    if alert.kind() == AlertKind::Technical {
        // What is repaired closes by itself; the rest is for the technician's book.
        let patience =
            Duration::from_secs(if alert.priority() == AlertPriority::Critical { 15 } else { 300 });
        let deed = Deed::Resolve(Disposition::Technical, "Передано технику.");
        return is_over(patience, alert.acknowledged_at, now).then_some(deed);
    }
    if alert.cancel_requested && alert.responses.is_empty() {
        let deed = Deed::Resolve(Disposition::Accidental, "Перезвонили, помощь не нужна.");
        return is_over(Duration::from_secs(15), alert.acknowledged_at, now).then_some(deed);
    }
    let done = |response: &&Response| {
        matches!(response.status(), ResponseStatus::Cleared | ResponseStatus::Withdrawn)
    };
    if let Some(response) = alert.responses.iter().find(|response| !done(response)) {
        return progress(alert, response, now);
    }
    if let Some(last) = alert.responses.last() {
        return is_over(Duration::from_secs(5), last.cleared_at, now).then(|| closing(alert));
    }
    is_over(Duration::from_secs(5), alert.acknowledged_at, now).then(|| Deed::Dispatch(unit(alert)))
}

/// A unit starts, arrives and is done, each in its time.
fn progress(alert: &Alert, response: &Response, now: i64) -> Option<Deed> {
    let luck = u64::from(luck(alert));
    let (next, since, seconds) = match response.status() {
        ResponseStatus::Dispatched => (ResponseStatus::EnRoute, response.dispatched_at, 6),
        ResponseStatus::EnRoute => (ResponseStatus::OnScene, response.dispatched_at, 30 + luck % 20),
        _ => (ResponseStatus::Cleared, response.on_scene_at, 25 + luck % 30),
    };
    let deed = || Deed::Progress(response.unit_id.clone(), next);
    is_over(Duration::from_secs(seconds), since, now).then(deed)
}

fn closing(alert: &Alert) -> Deed {
    match luck(alert) % 10 {
        0 => Deed::Resolve(Disposition::NobodyFound, "На месте никого не нашли."),
        1 | 2 => Deed::Resolve(Disposition::Accidental, "Нажали по ошибке."),
        _ => Deed::Resolve(Disposition::Genuine, "Помощь оказана."),
    }
}

fn unit(alert: &Alert) -> String {
    let word = match alert.category() {
        Category::Fire => "Пожарный расчёт",
        Category::Medical => "Скорая",
        Category::Police => "Наряд 102",
        Category::Unspecified => "Патруль",
    };
    format!("{word} № {}", 1 + luck(alert) % 9)
}

/// A number that an alert keeps.
fn luck(alert: &Alert) -> u8 {
    alert.alert_id.bytes().fold(0, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte))
}

/// Whether so much time has gone by since then; never since a time that nobody knows.
fn is_over(time: Duration, since: Option<Timestamp>, now: i64) -> bool {
    let since = since.as_ref().and_then(time::micros);
    since.is_some_and(|since| {
        u128::try_from(now.saturating_sub(since)).is_ok_and(|gone| gone >= time.as_micros())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn press(number: u8) -> Alert {
        Alert {
            alert_id: format!("alert-{number}"),
            kind: AlertKind::Press.into(),
            state: AlertState::Raised.into(),
            received_at: Some(time::timestamp(i64::from(number) * SECOND)),
            ..Alert::default()
        }
    }

    fn of(alerts: &[Alert], second: i64) -> Vec<(String, Deed)> {
        let open: Vec<_> = alerts.iter().collect();
        deeds(&open, second * SECOND).into_iter().map(|(alert, deed)| (alert.alert_id, deed)).collect()
    }

    #[test]
    fn the_newest_are_left_for_the_newcomer() {
        let alerts: Vec<_> = (1..=5).rev().map(press).collect();
        assert_eq!(of(&alerts, 1_000), []);
        let alerts: Vec<_> = (1..=8).rev().map(press).collect();
        assert_eq!(of(&alerts, 4), []);
        assert_eq!(of(&alerts, 5), [("alert-1".to_owned(), Deed::Take)]);
    }

    #[test]
    fn a_fire_is_escalated_once() {
        let mut fire = press(1);
        fire.set_category(Category::Fire);
        assert!(matches!(of(std::slice::from_ref(&fire), 1)[..], [(_, Deed::Escalate(_))]));
        fire.escalation_level = 1;
        assert_eq!(of(&[fire], 1), []);
    }

    #[test]
    fn what_others_have_is_theirs() {
        let mut alert = press(1);
        alert.set_state(AlertState::Acknowledged);
        (alert.owner, alert.acknowledged_at) = ("asel".to_owned(), alert.received_at);
        assert_eq!(of(&[alert], 10_000), []);
    }

    // Whatever it has taken is closed in the end, and in a time that keeps the list short.
    #[test]
    fn an_alert_is_seen_through_to_its_end() {
        for number in 0..50 {
            let mut alert = press(number);
            let taken = Some(time::timestamp(0));
            alert.set_state(AlertState::Acknowledged);
            (alert.owner, alert.acknowledged_at) = (NAME.to_owned(), taken);
            let steps = (1..300).filter_map(|second| {
                let (_, deed) = of(std::slice::from_ref(&alert), second).pop()?;
                let at = Some(time::timestamp(second * SECOND));
                match &deed {
                    Deed::Dispatch(unit_id) => alert.responses.push(Response {
                        unit_id: unit_id.clone(),
                        status: ResponseStatus::Dispatched.into(),
                        dispatched_at: at,
                        ..Response::default()
                    }),
                    Deed::Progress(_, status) => {
                        let response = &mut alert.responses[0];
                        response.set_status(*status);
                        match status {
                            ResponseStatus::OnScene => response.on_scene_at = at,
                            ResponseStatus::Cleared => response.cleared_at = at,
                            _ => {}
                        }
                    }
                    _ => {}
                }
                Some((second, deed))
            });
            let steps: Vec<_> = steps.take(5).collect();
            let (second, last) = steps.last().unwrap();
            assert!(matches!(last, Deed::Resolve(..)) && *second < 150, "{steps:?}");
        }
    }

    #[test]
    fn what_nobody_heard_of_is_looked_at_first() {
        let mut alert = press(0);
        alert.set_kind(AlertKind::Technical);
        assert_eq!(of(std::slice::from_ref(&alert), 59), []);
        assert_eq!(of(std::slice::from_ref(&alert), 60).len(), 1);
        alert.set_priority(AlertPriority::Critical);
        assert_eq!(of(std::slice::from_ref(&alert), 3).len(), 1);
        alert.set_state(AlertState::Acknowledged);
        (alert.owner, alert.acknowledged_at) = (NAME.to_owned(), alert.received_at);
        assert!(matches!(of(&[alert], 15)[..], [(_, Deed::Resolve(Disposition::Technical, _))]));
    }
}
