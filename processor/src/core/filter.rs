//! Which alerts a caller wants to see. Holds only what was checked at the edge.

use std::collections::BTreeSet;

use sos_auth::Scope;
use sos_proto::alert::v1::{Alert, AlertKind, AlertState};
use sos_proto::device::v1::Category;

/// Which alerts a caller wants to see; every part that is not empty must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Any of these states.
    pub states: Vec<AlertState>,
    /// Any of these sites.
    pub site_ids: BTreeSet<String>,
    /// Any of these categories.
    pub categories: Vec<Category>,
    /// Any of these kinds.
    pub kinds: Vec<AlertKind>,
    /// Owned by this operator.
    pub owner: Option<String>,
    /// Of this incident.
    pub incident_id: Option<String>,
    /// Within what exists for the caller.
    pub scope: Scope,
}

impl Filter {
    /// Whether an alert fits now.
    pub(crate) fn fits(&self, alert: &Alert) -> bool {
        self.fits_for_good(alert)
            && any_or(&self.states, &alert.state())
            && any_or(&self.categories, &alert.category())
            && self.owner.as_ref().is_none_or(|owner| *owner == alert.owner)
    }

    /// Whether a closed alert can fit.
    pub(crate) fn wants_closed(&self) -> bool {
        self.states.is_empty() || self.states.contains(&AlertState::Resolved)
    }

    /// Whether an alert that fits may stop fitting later.
    pub(crate) fn can_stop_fitting(&self) -> bool {
        !self.states.is_empty() || !self.categories.is_empty() || self.owner.is_some()
    }

    /// Whether an alert fits the parts that hardly ever change over its life: site with its region, kind and incident.
    pub(crate) fn fits_for_good(&self, alert: &Alert) -> bool {
        (self.site_ids.is_empty() || self.site_ids.contains(&alert.site_id))
            && any_or(&self.kinds, &alert.kind())
            && self.incident_id.as_ref().is_none_or(|incident| *incident == alert.incident_id)
            && self.scope.has(&alert.site_id, &alert.region)
    }
}

fn any_or<T: PartialEq>(wanted: &[T], value: &T) -> bool {
    wanted.is_empty() || wanted.contains(value)
}
