//! How many call points each group has lost, as far as its alert tells.

use sos_proto::alert::v1::AlertKind;

use super::{Cause, Loss, PointNumber, State};

impl State {
    /// Whether an open alert of a place has a cause.
    pub(in crate::core) fn has_open(&self, point: PointNumber, cause: Cause) -> bool {
        self.open_at(point, AlertKind::Technical).any(|(_, view)| view.causes.contains_key(&cause.key()))
    }

    /// Counts call points that a group has lost, and answers how many it has lost now.
    pub(in crate::core) fn count_lost(&mut self, group: PointNumber, more: u64) -> u64 {
        self.places.point_mut(group).map_or(0, |group| {
            group.lost = group.lost.saturating_add(more);
            group.lost
        })
    }

    /// Counts a call point of a group that is back, and answers how many are lost still.
    pub(in crate::core) fn count_back(&mut self, group: PointNumber) -> u64 {
        self.places.point_mut(group).map_or(0, |group| {
            group.lost = group.lost.saturating_sub(1);
            group.lost
        })
    }

    /// How many call points a group has lost, which another group counts from now on.
    pub(in crate::core) fn take_lost(&mut self, group: PointNumber) -> u64 {
        self.places.point_mut(group).map_or(0, |group| std::mem::take(&mut group.lost))
    }

    /// Lets another group tell of the lost call points of a site.
    pub(in crate::core) fn move_losses(&mut self, point: PointNumber, from: Loss, to: Loss) {
        let points = self.point(point).and_then(|point| self.site_of(point)).map(|site| site.points.clone());
        for number in points.unwrap_or_default() {
            if let Some(point) = self.places.point_mut(number).filter(|point| point.loss() == from) {
                point.set_loss(to);
            }
        }
    }
}
