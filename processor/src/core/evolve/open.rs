//! What every new alert has in common, and what every message of its call point may add.

use sos_proto::alert::v1::{Alert, AlertKind, AlertPriority, AlertState, AlertStatus};
use sos_proto::event::v1::EventFlag;
use sos_proto::time;
use sos_proto::time::Duration;

use super::Happened;
use crate::core::state::State;

/// A device's time may be this much behind before the alert says so, in microseconds (SIA DC-09: 40 s).
const LATE_MICROS_MIN: i64 = 40 * 1_000_000;

/// Beyond this a device's time is a wrong clock and no delay, in microseconds (30 days).
const LATE_MICROS_MAX: i64 = 30 * 24 * 60 * 60 * 1_000_000;

/// The alert that an event opens.
pub(super) fn alert(
    state: &State,
    happened: Happened<'_>,
    kind: AlertKind,
    priority: AlertPriority,
) -> Alert {
    let event = happened.event;
    let occurred = event.occurred_at.as_ref().and_then(time::micros);
    let mut alert = Alert {
        alert_id: new_id(state, happened),
        state: AlertState::Raised.into(),
        kind: kind.into(),
        status: AlertStatus::Actual.into(),
        priority: priority.into(),
        site_id: event.site_id.clone(),
        device_id: event.device_id.clone(),
        raised_at: Some(time::timestamp(occurred.unwrap_or_else(|| happened.received()))),
        received_at: Some(happened.received_at()),
        late_by: occurred.and_then(|occurred| late_by(occurred, happened.received())),
        // No call point is registered as long as there is no registry.
        unverified: true,
        ..Alert::default()
    };
    hear(&mut alert, happened);
    alert
}

/// Takes over what every message of a call point may say: where it is, and what was odd about the message.
pub(super) fn hear(alert: &mut Alert, happened: Happened<'_>) {
    let Some(origin) = &happened.event.origin else { return };
    if let Some(location) = origin.location {
        alert.location = Some(location);
    }
    for flag in origin.flags().filter(|flag| *flag != EventFlag::Unspecified) {
        let flag = i32::from(flag);
        if !alert.flags.contains(&flag) {
            alert.flags.push(flag);
        }
    }
}

/// The event's id. Without one, or if an alert has it already, the position makes it unique: no press may
/// be lost for its id (P3).
fn new_id(state: &State, happened: Happened<'_>) -> String {
    let event_id = &happened.event.event_id;
    if event_id.is_empty() || state.by_id(event_id).is_some() {
        return format!("{event_id}@{}", happened.position);
    }
    event_id.clone()
}

fn late_by(occurred: i64, received: i64) -> Option<Duration> {
    let late = received.saturating_sub(occurred);
    (late > LATE_MICROS_MIN && late <= LATE_MICROS_MAX).then(|| time::duration(late))
}
