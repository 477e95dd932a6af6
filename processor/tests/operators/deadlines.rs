//! P8: nobody is forgotten, also while nothing runs, and nobody is told twice.

use std::time::Duration;

use sos_eventlog::{Append, clock};
use sos_processor::{Config, Deadlines, EscalationRule};
use sos_proto::alert::v1::{Alert, AlertFilter, AlertKind, AlertPriority, AlertState};
use sos_proto::device::v1::Press;
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{AlertErased, Event};

use super::gated::Gated;
use super::support::{Client, Town, acknowledge, config, happening, list, log, timeline, watch};

/// Deadlines in milliseconds.
fn soon(levels: [u64; 2], acknowledgement: u64) -> Config {
    let levels = levels.map(Duration::from_millis).to_vec();
    let deadlines = Deadlines {
        escalation: vec![EscalationRule { levels, ..EscalationRule::default() }],
        acknowledgement: Duration::from_millis(acknowledgement),
    };
    Config { deadlines, ..config() }
}

const LONG: u64 = 3_600_000;

/// Waits until an alert is as it should be, as a console does.
async fn becomes(town: &Town, alert_id: &str, wanted: impl Fn(&Alert) -> bool) -> Alert {
    let mut client = town.client().await;
    let mut stream = watch(&mut client, None, 0).await.unwrap();
    loop {
        let alert = match super::support::step(&mut stream).await.1 {
            super::support::Step::Snapshot(alert) | super::support::Step::Changed(alert) => alert,
            _ => continue,
        };
        if alert.alert_id == alert_id && wanted(&alert) {
            return alert;
        }
    }
}

/// What the log says of deadlines that passed: the alert, and the level or 0.
async fn passed(town: &Town) -> Vec<(String, u32)> {
    let level = |event: &Event| match event.body.as_ref()? {
        Body::AlertEscalated(escalated) => Some(escalated.level),
        Body::AlertAckExpired(_) => Some(0),
        _ => None,
    };
    let events = town.events().await.into_iter().filter_map(|recorded| recorded.event);
    events.filter_map(|event| Some((event.alert_id.clone(), level(&event)?))).collect()
}

#[tokio::test]
async fn who_is_not_answered_gets_more_attention() {
    let town = Town::on(log(), soon([20, 40], LONG)).await;
    let alert_id = town.press("door").await;
    let alert = becomes(&town, &alert_id, |alert| alert.escalation_level == 2).await;
    assert_eq!(alert.state(), AlertState::Raised);
    // A machine that was busy may tell the second level only.
    let told: Vec<_> = passed(&town).await.into_iter().map(|(_, level)| level).collect();
    assert!(told == [1, 2] || told == [2], "{told:?}");
    assert_eq!(alert.revision, 1 + told.len() as u64);
    town.stop().await.unwrap();
}

/// How often nobody heard an escalation.
async fn unheard(town: &Town) -> usize {
    let events = town.events().await.into_iter().filter_map(|recorded| recorded.event);
    events.filter(|event| matches!(event.body, Some(Body::EscalationUnheard(_)))).count()
}

// P8: an escalation that reaches nobody is an alert itself, at once and once.
#[tokio::test]
async fn an_escalation_that_reaches_nobody_is_an_alert() {
    let of = |site: &str| Some(AlertFilter { site_ids: vec![site.to_owned()], ..AlertFilter::default() });
    let town = Town::on(log(), soon([20, LONG], LONG)).await;
    let mut client = town.client().await;
    let elsewhere = watch(&mut client, of("school"), 0).await.unwrap();
    town.press("door").await;
    let told = eventually(&mut client, |alert| alert.priority() == AlertPriority::Critical).await;
    assert_eq!((told.kind(), told.site_id.as_str()), (AlertKind::Technical, "hall"));
    assert!(told.note.starts_with("ESCALATION_UNHEARD"), "{}", told.note);
    assert_eq!(unheard(&town).await, 1);
    drop(elsewhere);

    // Where somebody watches, that is enough.
    let watched = watch(&mut client, of("school"), 0).await.unwrap();
    let (pressed, _) = town.happens("school", "door", Body::Press(Press::default())).await;
    eventually(&mut client, |alert| alert.alert_id == pressed && alert.escalation_level == 1).await;
    // The one that told of it may have escalated meanwhile, and tells of itself no more.
    assert_eq!(unheard(&town).await, 1);
    drop(watched);
    town.stop().await.unwrap();
}

/// Asks until an alert is there, without watching.
async fn eventually(client: &mut Client, wanted: impl Fn(&Alert) -> bool) -> Alert {
    let waiting = async {
        loop {
            if let Some(alert) = list(client, None).await.into_iter().find(&wanted) {
                return alert;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it comes")
}

#[tokio::test]
async fn a_forgotten_acknowledgement_rings_again() {
    let town = Town::on(log(), soon([LONG, LONG], 30)).await;
    let mut client = town.client().await;
    let alert_id = town.press("door").await;
    acknowledge(&mut client, "asel", &alert_id, "take").await.unwrap();
    let alert = becomes(&town, &alert_id, |alert| alert.revision == 3).await;
    assert_eq!((alert.state(), alert.owner.as_str()), (AlertState::Raised, ""));
    assert_eq!(passed(&town).await, [(alert_id.clone(), 0)]);
    // P6: whoever is faster has it now, and the old repeat still gets its answer.
    acknowledge(&mut client, "bolat", &alert_id, "take again").await.unwrap();
    let first = acknowledge(&mut client, "asel", &alert_id, "take").await.unwrap();
    assert_eq!((first.owner.as_str(), first.revision), ("asel", 2));
    town.stop().await.unwrap();
}

// P8: a deadline that passed while nothing ran is told at once after the start, once.
#[tokio::test]
async fn a_deadline_that_passed_while_nothing_ran_is_told_once() {
    let log = log();
    let press = || happening("hall", "door", Body::Press(Press::default()));
    let pressed = log.append(Append::one(press())).await.unwrap().remove(0);
    while clock::now() < pressed.recorded_at + 2_000 {
        tokio::task::yield_now().await;
    }
    let config = || soon([1, 2], LONG);
    let town = Town::on(log.clone(), config()).await;
    let alert = becomes(&town, &pressed.event_id, |alert| alert.escalation_level > 0).await;
    assert_eq!((alert.escalation_level, alert.revision), (2, 2));
    town.stop().await.unwrap();

    // And not again after the next start, nor by another processor.
    let (town, other) = (Town::on(log.clone(), config()).await, Town::on(log, config()).await);
    let later = other.press("window").await;
    becomes(&town, &later, |alert| alert.escalation_level == 2).await;
    let told = passed(&town).await;
    assert_eq!(told.iter().filter(|(alert_id, _)| *alert_id == pressed.event_id).count(), 1, "{told:?}");
    town.stop().await.unwrap();
    other.stop().await.unwrap();
}

// P8: who comes back after a restart hears what escalated meanwhile.
#[tokio::test]
async fn a_console_that_comes_back_in_time_hears_the_escalation() {
    let log = log();
    let pressed = log.append(Append::one(happening("hall", "door", Body::Press(Press::default())))).await;
    let config = Config { return_wait: Duration::from_secs(2), ..soon([1, 2], LONG) };
    let town = Town::on(log, config).await;
    becomes(&town, &pressed.unwrap().remove(0).event_id, |alert| alert.escalation_level == 2).await;
    assert_eq!(unheard(&town).await, 0);
    town.stop().await.unwrap();
}

// P8: what was erased is erased again at the start, and nobody waits for that.
#[tokio::test]
async fn an_erasure_holds_up_no_deadline() {
    let log = log();
    let pressed = log.append(Append::one(happening("hall", "door", Body::Press(Press::default())))).await;
    let erased = Event {
        alert_id: pressed.unwrap().remove(0).event_id,
        ..happening("hall", "door", Body::AlertErased(AlertErased::default()))
    };
    log.append(Append::one(erased)).await.unwrap();
    let town = Town::on(Gated::new(log, true), soon([1, 2], LONG)).await;
    let alert_id = town.press("gate").await;
    becomes(&town, &alert_id, |alert| alert.escalation_level == 2).await;
    town.stop().await.unwrap();
}

// P8, P10: many at once, and two processors on one log: each level of each alert once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_processors_one_tells() {
    let log = log();
    let config = || soon([30, 60], LONG);
    let (town, other) = (Town::on(log.clone(), config()).await, Town::on(log, config()).await);
    let mut alerts = Vec::new();
    for number in 0..200 {
        alerts.push(town.press(&format!("door-{number}")).await);
    }
    for alert_id in &alerts {
        becomes(&other, alert_id, |alert| alert.escalation_level == 2).await;
    }
    let mut told = passed(&town).await;
    let count = told.len();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), count, "a level was told twice");
    for alert in list(&mut town.client().await, None).await {
        let (_, positions) = timeline(&mut town.client().await, &alert.alert_id).await;
        assert_eq!(alert.revision, positions.len() as u64);
    }
    town.stop().await.unwrap();
    other.stop().await.unwrap();
}
