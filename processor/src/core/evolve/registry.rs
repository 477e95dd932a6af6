//! What is registered of sites and call points. Open alerts are told what becomes known of their place; closed
//! ones stay as they were.

use std::sync::Arc;

use sos_proto::alert::v1::AlertKind;
use sos_proto::event::v1::{DeviceRegistered, SiteRegistered};

use super::{Happened, loss, open, press};
use crate::core::state::{AlertView, Opening, PointNumber, State};

pub(super) fn site(
    state: &mut State,
    happened: Happened<'_>,
    registered: &SiteRegistered,
) -> Option<Opening> {
    let site = state.site_mut(happened.point)?;
    site.registered = registered.site.clone().map(Box::new);
    let points = site.points.clone();
    points.into_iter().filter_map(|point| inform(state, point)).min()
}

/// A call point that was unknown is adopted with its open alerts.
pub(super) fn device(
    state: &mut State,
    happened: Happened<'_>,
    registered: &DeviceRegistered,
) -> Option<Opening> {
    let point = state.point_mut(happened.point).filter(|point| !point.device_id.is_empty())?;
    point.registered = registered.device.as_ref().map(|device| Box::new(device.into()));
    point.retired = false;
    state.point_changed(happened.point);
    inform(state, happened.point)
}

/// Nobody waits any more for what was taken out of use; a press from there still opens an alert.
pub(super) fn retired(state: &mut State, happened: Happened<'_>) -> Option<Opening> {
    state.point_mut(happened.point).filter(|point| !point.device_id.is_empty())?.retired = true;
    state.point_changed(happened.point);
    loss::ends(state, happened)
}

/// Tells the open alerts of a call point what is registered there.
fn inform(state: &mut State, point: PointNumber) -> Option<Opening> {
    let rules = Arc::clone(state.rules());
    let mut first = None;
    for number in state.point(point)?.open.clone() {
        let mut view = AlertView::clone(&state.entry(number)?.view());
        if !open::place(state, point, &mut view) {
            continue;
        }
        if view.alert.kind() == AlertKind::Press {
            press::rank(&mut view, &rules);
        }
        let changed = state.change_from_elsewhere(number, |known| {
            *known = view;
            true
        });
        first = first.or(changed);
    }
    first
}
