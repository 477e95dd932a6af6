//! Technical alerts, as far as a simple rule tells them: what a call point last said of each of its parts is what
//! its open alerts say, and no more.

use std::collections::{BTreeMap, BTreeSet};

use sos_proto::alert::v1::{Alert, AlertKind, AlertState};
use sos_proto::event::v1::RecordedEvent;
use sos_proto::event::v1::event::Body;

/// An alert that has this word in its note keeps everything that it was ever told.
const FLAPPING: &str = "FLAPPING";

/// Whether each part of a call point is broken, by the word that an alert has for it.
type Parts = BTreeMap<String, bool>;

/// What differs between the log and the alerts at these call points.
pub(super) fn differences(
    events: &[RecordedEvent],
    alerts: &[Alert],
    call_points: &BTreeSet<String>,
) -> Vec<String> {
    let mut open: BTreeMap<String, Vec<&Alert>> = BTreeMap::new();
    for alert in alerts {
        if alert.kind() == AlertKind::Technical && alert.state() != AlertState::Resolved {
            open.entry(format!("{}/{}", alert.site_id, alert.device_id)).or_default().push(alert);
        }
    }
    let mut differences = Vec::new();
    for (call_point, parts) in said(events, call_points) {
        let here = open.get(&call_point).map(Vec::as_slice).unwrap_or_default();
        for (part, broken) in parts {
            let mut telling = here.iter().filter(|alert| tells(alert, &part));
            match (broken, telling.next()) {
                (true, None) => {
                    differences.push(format!("{call_point}: {part} lasts, and no open alert tells of it"))
                }
                (false, Some(alert)) if !tells(alert, FLAPPING) => differences.push(format!(
                    "alert {}: it tells of {part}, which is over at {call_point}",
                    alert.alert_id
                )),
                _ => {}
            }
        }
    }
    differences
}

/// What call points last said of their parts. Nothing is known of a part after somebody else had a say in it.
fn said(events: &[RecordedEvent], call_points: &BTreeSet<String>) -> BTreeMap<String, Parts> {
    let mut said: BTreeMap<String, Parts> = BTreeMap::new();
    for event in events.iter().filter_map(|recorded| recorded.event.as_ref()) {
        let call_point = format!("{}/{}", event.site_id, event.device_id);
        match &event.body {
            // An exercise has alerts of its own.
            Some(Body::WindowStarted(_) | Body::WindowEnded(_)) => {
                said.retain(|call_point, _| !call_point.starts_with(&format!("{}/", event.site_id)));
            }
            Some(Body::AlertResolved(_) | Body::DeviceRetired(_) | Body::DeviceConditionChanged(_)) => {
                said.remove(&call_point);
            }
            Some(Body::Fault(fault)) if call_points.contains(&call_point) => {
                let kind = fault.kind().as_str_name().trim_start_matches("FAULT_KIND_").to_owned();
                said.entry(call_point).or_default().insert(kind, fault.active);
            }
            Some(Body::SelfTest(test)) if call_points.contains(&call_point) => {
                said.entry(call_point).or_default().insert("SELF_TEST_FAILED".to_owned(), !test.passed);
            }
            _ => {}
        }
    }
    said
}

fn tells(alert: &Alert, part: &str) -> bool {
    alert.note.split("; ").any(|told| told == part || told.starts_with(&format!("{part}: ")))
}
