//! What every new alert has in common, and what every message of its call point may add.

use sos_proto::alert::v1::{Alert, AlertKind, AlertState};
use sos_proto::event::v1::EventFlag;
use sos_proto::registry::v1::SiteKind;
use sos_proto::time;
use sos_proto::time::Duration;

use super::{Happened, window};
use crate::core::state::{AlertView, PointNumber, State};

/// A device's time may be this much behind before the alert says so, in microseconds (SIA DC-09: 40 s).
const LATE_MICROS_MIN: i64 = 40 * 1_000_000;

/// Beyond this a device's time is a wrong clock and no delay, in microseconds (30 days).
const LATE_MICROS_MAX: i64 = 30 * 24 * 60 * 60 * 1_000_000;

/// The alert that an event opens at a call point, which need not be the event's own.
pub(super) fn view(state: &State, happened: Happened<'_>, point: PointNumber, kind: AlertKind) -> AlertView {
    let occurred = happened.event.occurred_at.as_ref().and_then(time::micros);
    let alert = Alert {
        alert_id: new_id(state, happened),
        state: AlertState::Raised.into(),
        kind: kind.into(),
        status: window::status(state, point, happened.recorded_at).into(),
        raised_at: Some(time::timestamp(occurred.unwrap_or_else(|| happened.received()))),
        received_at: Some(happened.received_at()),
        late_by: occurred.and_then(|occurred| late_by(occurred, happened.received())),
        ..Alert::default()
    };
    let mut view = AlertView { alert, ..AlertView::default() };
    if let Some(entry) = state.point(point) {
        view.alert.site_id = state.site_of(entry).map(|site| site.site_id.clone()).unwrap_or_default();
        view.alert.device_id.clone_from(&entry.device_id);
    }
    place(state, point, &mut view);
    if point == happened.point {
        hear(&mut view, happened);
    }
    view
}

/// Writes into an alert what is registered of its place. Answers whether that is news.
pub(super) fn place(state: &State, point: PointNumber, view: &mut AlertView) -> bool {
    let Some(point) = state.point(point) else { return false };
    let site = state.site_of(point).and_then(|site| site.registered.as_deref());
    let (registered, alert) = (point.registered.as_deref(), &mut view.alert);
    let before = (alert.unverified, view.site_kind, alert.place.clone(), alert.location);
    let name = site.map(|site| site.name.as_str()).unwrap_or_default();
    let region = site.map(|site| site.region.as_str()).unwrap_or_default();
    let renamed = alert.site_name != name || alert.region != region;
    if renamed {
        name.clone_into(&mut alert.site_name);
        region.clone_into(&mut alert.region);
    }
    // What is about a whole site is not about a call point that nobody knows.
    alert.unverified = registered.is_none() && !point.device_id.is_empty();
    alert.place = registered.and_then(|device| device.place.clone());
    let fixed = registered.and_then(|device| device.location).or_else(|| site.and_then(|site| site.location));
    if !view.located {
        alert.location = fixed;
    }
    view.site_kind = site.map_or(SiteKind::Unspecified, |site| site.kind()).into();
    renamed || before != (alert.unverified, view.site_kind, alert.place.clone(), alert.location)
}

/// Takes over what every message of a call point may say: where it is, and what was odd about the message.
pub(super) fn hear(view: &mut AlertView, happened: Happened<'_>) {
    let Some(origin) = &happened.event.origin else { return };
    let alert = &mut view.alert;
    if let Some(location) = origin.location {
        alert.location = Some(location);
        view.located = true;
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
