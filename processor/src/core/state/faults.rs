//! What is broken at a call point, as its open technical alerts tell.

use std::collections::BTreeSet;

use sos_proto::device::v1::FaultKind;

use super::places::PointNumber;
use super::{PointEntry, State};

impl State {
    /// What is broken at a call point, by number of the kind.
    pub(crate) fn faults(&self, point: &PointEntry) -> BTreeSet<i32> {
        let open = point.open.iter().filter_map(|number| self.alerts.get(*number)?.open_view());
        let causes = open.flat_map(|view| view.causes.keys().copied());
        // Every other cause has a key that is no kind of fault.
        causes.filter(|key| FaultKind::try_from(*key).is_ok()).collect()
    }

    /// Makes a change of an alert at a call point, and notes whether other things are broken there than before.
    pub(super) fn with_faults<T>(&mut self, number: PointNumber, change: impl FnOnce(&mut Self) -> T) -> T {
        let broken = |state: &Self| state.point(number).map(|point| state.faults(point));
        let before = broken(self);
        let changed = change(self);
        if broken(self) != before {
            self.point_changed(number);
        }
        changed
    }
}
