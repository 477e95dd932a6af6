//! Whether a call point is there and how well it is, as far as that is news: periodic reports are not events.

use sos_proto::device::v1::FaultKind;
use sos_proto::event::v1::{DeviceConditionChanged, DeviceOnline};

use super::{Happened, loss, technical};
use crate::core::state::{Cause, Opening, State};

/// Every event about a call point is in its stream, and every message from it a sign of life.
pub(super) fn heard(state: &mut State, happened: Happened<'_>) {
    let received = happened.received();
    let Some(point) = state.point_mut(happened.point).filter(|point| !point.device_id.is_empty()) else {
        return;
    };
    let (is_new, speaks) = (point.stream_position == 0, happened.event.origin.is_some());
    point.stream_position = happened.position;
    if speaks {
        point.last_seen_at = received;
    }
    // P5: also when it was last heard of is shown.
    if is_new || speaks {
        state.point_changed(happened.point);
    }
}

pub(super) fn online(state: &mut State, happened: Happened<'_>, online: &DeviceOnline) -> Option<Opening> {
    let point = state.point_mut(happened.point)?;
    point.online = true;
    if !online.capabilities.is_empty() {
        point.capabilities.clone_from(&online.capabilities);
    }
    state.point_changed(happened.point);
    loss::ends(state, happened)
}

pub(super) fn offline(state: &mut State, happened: Happened<'_>) -> Option<Opening> {
    let point = state.point_mut(happened.point)?;
    point.online = false;
    let is_missed = !point.retired && !point.device_id.is_empty();
    state.point_changed(happened.point);
    if is_missed { loss::begins_at(state, happened) } else { None }
}

/// Battery and mains, as the newest report has them.
pub(super) fn condition(
    state: &mut State,
    happened: Happened<'_>,
    changed: &DeviceConditionChanged,
) -> Option<Opening> {
    state.point_mut(happened.point)?.set_condition(changed.condition());
    state.point_changed(happened.point);
    let (mut wrong, mut well) = (Vec::new(), Vec::new());
    let mut report = |kind, broken: bool, detail: String| {
        if broken { wrong.push(technical::broken(kind, &detail)) } else { well.push(Cause::Fault(kind)) }
    };
    let health = changed.health.unwrap_or_default();
    let charge = health.battery_percent.map(|percent| format!("{percent} %")).unwrap_or_default();
    report(FaultKind::BatteryLow, health.battery_is_low(), charge);
    report(FaultKind::MainsLost, health.mains == Some(false), String::new());
    if wrong.is_empty() {
        return technical::ends(state, happened, &well);
    }
    technical::turns(state, happened, wrong, &well)
}
