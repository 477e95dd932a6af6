//! Call points that are gone (P9): each is an alert of its own, unless several go at about the same time. Then
//! it is their site that is gone, or everything: one alert for all of them.
//!
//! Invariant: a lost call point is told in exactly one alert, until it is back.

use sos_proto::event::v1::Disposition;

use super::Happened;
use super::technical::{begins, ends_at};
use crate::core::state::{Cause, Loss, Opening, PointNumber, State};

/// Losses within this time belong together, in microseconds (2 minutes: the keep-alive of slow connections).
const TOGETHER: i64 = 2 * 60 * 1_000_000;

/// So many call points of a site that are lost together are one alert of the site.
const SITE_MIN: usize = 3;

/// So many sites that lose call points together are one alert.
const SITES_MIN: usize = 10;

/// A call point is gone.
pub(super) fn begins_at(state: &mut State, happened: Happened<'_>) -> Option<Opening> {
    let (point, now) = (happened.point, happened.recorded_at);
    if state.point(point)?.loss() != Loss::None {
        return None;
    }
    let (site, everything) = (state.whole_site(point)?, state.everything());
    if state.has_open(everything, Cause::EverythingLost) {
        return joins(state, happened, everything, Loss::Everything);
    }
    if state.has_open(site, Cause::SiteLost) {
        return joins(state, happened, site, Loss::Site);
    }
    state.losses.retain(|(at, _)| now.saturating_sub(*at) < TOGETHER);
    state.losses.push((now, point));
    let (at_site, sites) = together(state, point);
    if sites >= SITES_MIN {
        return group(state, happened, everything, Loss::Everything);
    }
    if at_site >= SITE_MIN {
        return group(state, happened, site, Loss::Site);
    }
    set(state, point, Loss::Own);
    begins(state, happened, point, vec![(Cause::Lost, "LOST".to_owned())])
}

/// A call point is back, or is not missed any more.
pub(super) fn ends(state: &mut State, happened: Happened<'_>) -> Option<Opening> {
    let point = happened.point;
    let loss = state.point(point)?.loss();
    let group = match loss {
        Loss::None => return None,
        Loss::Own => point,
        Loss::Site => state.whole_site(point)?,
        Loss::Everything => state.everything(),
    };
    set(state, point, Loss::None);
    state.losses.retain(|(_, lost)| *lost != point);
    if loss != Loss::Own && state.count_back(group) > 0 {
        return None;
    }
    ends_at(state, happened, group, &[loss.cause()], Disposition::Technical)
}

/// One more of a group. Its alert tells each doubling, so that ten thousand do not change it ten thousand times.
fn joins(state: &mut State, happened: Happened<'_>, group: PointNumber, loss: Loss) -> Option<Opening> {
    set(state, happened.point, loss);
    let lost = state.count_lost(group, 1);
    if !lost.is_power_of_two() {
        return None;
    }
    begins(state, happened, group, vec![(loss.cause(), words(lost))])
}

/// Those that were lost together become one alert, and what told of them before is closed as a part of it.
fn group(state: &mut State, happened: Happened<'_>, group: PointNumber, loss: Loss) -> Option<Opening> {
    let mut lost = std::mem::take(&mut state.losses);
    if loss == Loss::Site {
        let site = state.point(happened.point)?.site;
        let is_here = |(_, point): &(i64, PointNumber)| state.point(*point).is_some_and(|p| p.site == site);
        state.losses = lost.extract_if(.., |loss| !is_here(loss)).collect();
        // One of them goes on standing for the site.
        state.losses.push((happened.recorded_at, happened.point));
    }
    let mut gone = 0;
    for (_, point) in lost {
        match state.point(point)?.loss() {
            Loss::Own => drop(ends_at(state, happened, point, &[Cause::Lost], Disposition::Duplicate)),
            Loss::Site => {
                let site = state.whole_site(point)?;
                gone += state.take_lost(site);
                ends_at(state, happened, site, &[Cause::SiteLost], Disposition::Duplicate);
                state.move_losses(point, Loss::Site, loss);
                continue;
            }
            Loss::None => {}
            Loss::Everything => continue,
        }
        set(state, point, loss);
        gone += 1;
    }
    let lost = state.count_lost(group, gone);
    begins(state, happened, group, vec![(loss.cause(), words(lost))])
}

fn words(lost: u64) -> String {
    format!("LOST: {lost} call points or more")
}

fn set(state: &mut State, point: PointNumber, loss: Loss) {
    if let Some(point) = state.point_mut(point) {
        point.set_loss(loss);
    }
}

/// How many call points of the same site, and how many sites, were lost lately and are not back.
fn together(state: &State, point: PointNumber) -> (usize, usize) {
    let site_of = |point: PointNumber| state.point(point).map(|point| point.site);
    let mut sites: Vec<_> = state.losses.iter().filter_map(|(_, lost)| site_of(*lost)).collect();
    let at_site = sites.iter().filter(|site| Some(**site) == site_of(point)).count();
    sites.sort_unstable();
    sites.dedup();
    (at_site, sites.len())
}
