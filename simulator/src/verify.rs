//! Compares a ledger with what the system says. The system is not asked whether it did well: its log is read,
//! and its alerts are explained from there by rules told anew.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use sos_proto::alert::v1::{Alert, AlertKind, AlertState};
use sos_proto::event::v1::RecordedEvent;
use sos_proto::event::v1::event::Body;
use sos_proto::link::Link;
use sos_proto::registry::v1::{Window, WindowKind};
use sos_proto::time;
use sos_proto::window::kind_at;

use crate::ledger::{self, LedgerError};
use crate::recorder::{Stories, Story};
use crate::report::{Key, key, positions};
use crate::system::{System, SystemError};

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Messages that were acknowledged.
    pub acknowledged: u64,
    /// Messages of the run that the log holds.
    pub recorded: u64,
    /// Alerts that were explained.
    pub alerts: u64,
    /// Everything that is not as it should be.
    pub differences: Vec<String>,
}

/// Why nothing was compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The system.
    #[error(transparent)]
    System(#[from] SystemError),
}

/// What a ledger tells.
pub struct Told {
    stories: Stories,
    began: u64,
}

/// Reads a ledger.
///
/// # Errors
/// If it cannot be read, or is something else.
pub fn read(ledger: &Path) -> Result<Told, Error> {
    let (run, facts) = ledger::read(ledger)?;
    Ok(Told { stories: Stories::of(facts), began: run.head })
}

/// Compares.
///
/// # Errors
/// If the system cannot be asked.
pub async fn run(told: &Told, grpc: Link) -> Result<Verdict, Error> {
    let Told { stories, began } = told;
    let system = System::new(grpc);
    // Alerts are explained by everything that ever happened at their call points.
    let events = system.events_after(0).await?;
    let head = events.last().map_or(0, |event| event.position);
    let sites = stories.all.values().filter_map(|story| story.call_point.split_once('/'));
    let sites: BTreeSet<_> = sites.map(|(site, _)| site.to_owned()).collect();
    let alerts = system.alerts(Some(&sites.into_iter().collect::<Vec<_>>()), head).await?;
    Ok(compare(stories, *began, &events, &alerts))
}

/// What differs between a ledger, the log and the alerts.
fn compare(stories: &Stories, began: u64, events: &[RecordedEvent], alerts: &[Alert]) -> Verdict {
    let mut verdict = Verdict::default();
    let recorded = positions(events);
    messages(stories, &recorded, events, &mut verdict);
    strangers(stories, began, &recorded, &mut verdict);
    let call_points: BTreeSet<_> = stories.all.values().map(|story| story.call_point.clone()).collect();
    let explained = explain(events, &call_points);
    states(&explained, alerts, &call_points, &mut verdict);
    lamps(stories, &explained, &call_points, &mut verdict);
    verdict.differences.extend(technical::differences(events, alerts, &call_points));
    verdict
}

/// Every acknowledged message is in the log exactly once, and its receipt says where.
fn messages(
    stories: &Stories,
    recorded: &HashMap<Key, Vec<u64>>,
    events: &[RecordedEvent],
    verdict: &mut Verdict,
) {
    let by_position: HashMap<u64, &str> = events
        .iter()
        .filter_map(|recorded| Some((recorded.position, recorded.event.as_ref()?.event_id.as_str())))
        .collect();
    let numbered: BTreeMap<_, _> = stories.all.iter().collect();
    for (n, story) in numbered {
        let at = recorded.get(&key(story)).map(Vec::as_slice).unwrap_or_default();
        verdict.acknowledged += u64::from(story.acked_at.is_some());
        verdict.recorded += u64::from(!at.is_empty());
        let who = || format!("{} {} of {}", story.what, story.sequence, name(story));
        match at {
            [] if story.acked_at.is_some() => {
                verdict
                    .differences
                    .push(format!("message {n}: {} was acknowledged and is not in the log", who()));
            }
            [_, _, ..] => {
                verdict.differences.push(format!("message {n}: {} is in the log {} times", who(), at.len()))
            }
            _ => {}
        }
        let Some((event_id, position, _)) = &story.receipt else { continue };
        if by_position.get(position) != Some(&event_id.as_str()) {
            let told = format!("message {n}: the receipt names event {event_id} at {position}, the log has");
            let has = by_position.get(position).copied().unwrap_or("nothing");
            verdict.differences.push(format!("{told} {has} there"));
        } else if !at.contains(position) {
            verdict.differences.push(format!(
                "message {n}: the receipt names position {position}, which is another message"
            ));
        }
    }
}

fn name(story: &Story) -> String {
    format!("{} ({})", story.call_point, story.boot_id)
}

/// Nothing of this run is in the log that was not sent.
fn strangers(stories: &Stories, began: u64, recorded: &HashMap<Key, Vec<u64>>, verdict: &mut Verdict) {
    let sent: BTreeSet<_> = stories.all.values().filter(|story| story.sent_at.is_some()).map(key).collect();
    let runs: BTreeSet<_> =
        stories.all.values().map(|story| (story.call_point.as_str(), story.boot_id.as_str())).collect();
    let ours = recorded.iter().filter(|((call_point, boot_id, _), at)| {
        runs.contains(&(call_point.as_str(), boot_id.as_str())) && at.iter().any(|at| *at > began)
    });
    let mut strange: Vec<_> = ours.filter(|(key, _)| !sent.contains(*key)).collect();
    strange.sort_unstable();
    for ((call_point, boot_id, sequence), at) in strange {
        verdict.differences.push(format!(
            "position {}: {call_point} ({boot_id}) never sent its message {sequence}",
            at.first().copied().unwrap_or(0)
        ));
    }
}

/// An alert as it follows from the log.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Explained {
    call_point: String,
    state: AlertState,
    owner: String,
    presses: u64,
    units: BTreeMap<String, &'static str>,
    silent: bool,
    /// What its lamp was to show, one after the other.
    shown: Vec<&'static str>,
    /// The exercise or test that it is part of; nothing in earnest.
    drill: Option<WindowKind>,
}

impl Explained {
    fn opened(call_point: String, drill: Option<WindowKind>, silent: bool) -> Self {
        let (state, owner, units) = (AlertState::Raised, String::new(), BTreeMap::new());
        let mut opened =
            Self { call_point, state, owner, presses: 1, units, silent, shown: Vec::new(), drill };
        opened.shown.push(opened.lamp());
        opened
    }

    /// What its lamp is to show now.
    fn lamp(&self) -> &'static str {
        let busy = |status| self.units.values().any(|unit| *unit == status);
        match self.state {
            _ if self.silent => "INDICATOR_IDLE",
            AlertState::Resolved => "INDICATOR_IDLE",
            _ if busy("ON_SCENE") => "INDICATOR_HELP_ON_SCENE",
            _ if busy("DISPATCHED") || busy("EN_ROUTE") => "INDICATOR_HELP_COMING",
            AlertState::Acknowledged => "INDICATOR_ACKNOWLEDGED",
            _ => "INDICATOR_RECEIVED",
        }
    }
}

/// Press alerts of these call points, by id, told from the log by simple rules.
fn explain(events: &[RecordedEvent], call_points: &BTreeSet<String>) -> BTreeMap<String, Explained> {
    let mut alerts: BTreeMap<String, Explained> = BTreeMap::new();
    // Of each call point, in order of opening or reopening.
    let mut open: HashMap<String, Vec<String>> = HashMap::new();
    let mut windows: HashMap<String, Window> = HashMap::new();
    for recorded in events {
        let Some(event) = &recorded.event else { continue };
        let call_point = format!("{}/{}", event.site_id, event.device_id);
        match &event.body {
            Some(Body::WindowStarted(started)) => {
                windows.insert(call_point.clone(), started.window.clone().unwrap_or_default());
            }
            Some(Body::WindowEnded(_)) => drop(windows.remove(&call_point)),
            _ => {}
        }
        if !call_points.contains(&call_point) {
            continue;
        }
        let here = open.entry(call_point.clone()).or_default();
        if let Some(Body::Press(press)) = &event.body {
            let now = recorded.recorded_at.as_ref().and_then(time::micros).unwrap_or(0);
            let of_site = windows.get(&format!("{}/", event.site_id));
            let drill = kind_at(windows.get(&call_point), of_site, now);
            let joins = |id: &&String| {
                alerts.get(*id).is_some_and(|alert| alert.drill.is_none() || alert.drill == drill)
            };
            let joined = here.iter().rfind(joins).cloned();
            match joined.and_then(|id| alerts.get_mut(&id)) {
                Some(alert) => alert.presses += 1,
                None => {
                    let alert = Explained::opened(call_point, drill, press.silent);
                    alerts.insert(event.event_id.clone(), alert);
                    here.push(event.event_id.clone());
                }
            }
            continue;
        }
        match &event.body {
            Some(Body::AlertResolved(_)) => here.retain(|id| *id != event.alert_id),
            Some(Body::AlertReopened(_)) if alerts.contains_key(&event.alert_id) => {
                here.push(event.alert_id.clone());
            }
            _ => {}
        }
        let Some(alert) = alerts.get_mut(&event.alert_id) else { continue };
        match &event.body {
            Some(Body::AlertAcknowledged(_) | Body::AlertReopened(_)) => {
                (alert.state, alert.owner) = (AlertState::Acknowledged, event.actor.clone());
            }
            Some(Body::AlertAckExpired(_)) => {
                (alert.state, alert.owner) = (AlertState::Raised, String::new())
            }
            Some(Body::AlertTransferred(to)) => alert.owner.clone_from(&to.to_operator),
            Some(Body::AlertResolved(_)) => alert.state = AlertState::Resolved,
            Some(Body::AlertDeclaredActual(_)) => alert.drill = None,
            Some(Body::UnitDispatched(unit)) => drop(alert.units.insert(unit.unit_id.clone(), "DISPATCHED")),
            Some(Body::ResponseUpdated(unit)) => {
                let status = unit.status().as_str_name().trim_start_matches("RESPONSE_STATUS_");
                alert.units.insert(unit.unit_id.clone(), status);
            }
            _ => {}
        }
        alert.shown.push(alert.lamp());
    }
    alerts
}

/// Every alert is as the log explains it, and none is missing or made up.
fn states(
    explained: &BTreeMap<String, Explained>,
    alerts: &[Alert],
    call_points: &BTreeSet<String>,
    verdict: &mut Verdict,
) {
    let mut unseen: BTreeSet<_> = explained.keys().collect();
    for alert in alerts.iter().filter(|alert| alert.kind() == AlertKind::Press) {
        if !call_points.contains(&format!("{}/{}", alert.site_id, alert.device_id)) {
            continue;
        }
        let id = &alert.alert_id;
        let Some(should) = explained.get(id) else {
            verdict.differences.push(format!("alert {id}: nothing in the log opens it"));
            continue;
        };
        unseen.remove(id);
        verdict.alerts += 1;
        let is = (alert.state(), alert.owner.as_str(), alert.press_count);
        let ought = (should.state, should.owner.as_str(), should.presses);
        if is != ought {
            verdict.differences.push(format!("alert {id}: it is {is:?}, and the log makes it {ought:?}"));
        }
    }
    unseen.into_iter().for_each(|id| {
        verdict.differences.push(format!("alert {id}: the log opens it, and nobody is shown it"))
    });
}

/// What each lamp was told last is something that its alert was to show at some time. Operators may have gone on
/// after the last word that the run heard.
fn lamps(
    stories: &Stories,
    explained: &BTreeMap<String, Explained>,
    call_points: &BTreeSet<String>,
    verdict: &mut Verdict,
) {
    if !stories.ended {
        // A run that was cut off did not hear everything.
        return;
    }
    // One that did nothing may have been lit by an alert of an earlier run.
    let lamps = stories.lamps.iter().filter(|(call_point, _)| call_points.contains(*call_point));
    for (call_point, (alert_id, indicator)) in lamps {
        let Some(alert) = explained.get(alert_id).filter(|alert| alert.call_point == *call_point) else {
            verdict.differences.push(format!("lamp of {call_point}: alert {alert_id} is none of its alerts"));
            continue;
        };
        if !alert.shown.contains(&indicator.as_str()) {
            let should = alert.lamp();
            verdict
                .differences
                .push(format!("lamp of {call_point}: it shows {indicator}, and should show {should}"));
        }
    }
}

mod technical;

#[cfg(test)]
mod tests;
