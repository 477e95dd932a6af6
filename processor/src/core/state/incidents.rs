//! Alerts of one site that follow each other closely are one incident, so that a screen stays usable when a
//! whole building presses. It groups what is shown; no alert is hidden in it.

use std::collections::BTreeSet;

/// Number of an incident, in order of its first alert.
pub(crate) type IncidentNumber = u32;

/// Alerts that belong together.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct IncidentEntry {
    /// Its first alert, by number.
    #[prost(uint32, tag = "1")]
    pub first: u32,
    /// How many alerts it has.
    #[prost(uint64, tag = "2")]
    pub alert_count: u64,
    /// How many of them are not resolved.
    #[prost(uint64, tag = "3")]
    pub open_count: u64,
    /// How many presses they hold.
    #[prost(uint64, tag = "4")]
    pub press_count: u64,
    /// When the newest press was received, in microseconds.
    #[prost(int64, tag = "5")]
    pub last_at: i64,
    /// When the newest press was recorded, in microseconds.
    #[prost(int64, tag = "6")]
    pub recorded_at: i64,
}

/// All incidents.
#[derive(Debug, Default)]
pub(super) struct Incidents {
    all: Vec<IncidentEntry>,
    open: BTreeSet<IncidentNumber>,
}

impl Incidents {
    pub(super) fn insert(&mut self, incident: IncidentEntry) -> IncidentNumber {
        let number = self.all.len().try_into().unwrap_or(IncidentNumber::MAX);
        if incident.open_count > 0 {
            self.open.insert(number);
        }
        self.all.push(incident);
        number
    }

    pub(super) fn get(&self, number: IncidentNumber) -> Option<&IncidentEntry> {
        self.all.get(number as usize)
    }

    pub(super) fn all(&self) -> &[IncidentEntry] {
        &self.all
    }

    /// Those with open alerts before one, newest first.
    pub(super) fn open_before(
        &self,
        before: IncidentNumber,
    ) -> impl Iterator<Item = (IncidentNumber, &IncidentEntry)> {
        self.open.range(..before).rev().filter_map(|number| Some((*number, self.get(*number)?)))
    }

    pub(super) fn update(&mut self, number: IncidentNumber, update: impl FnOnce(&mut IncidentEntry)) {
        let Some(incident) = self.all.get_mut(number as usize) else { return };
        let was_open = incident.open_count > 0;
        update(incident);
        match (was_open, incident.open_count > 0) {
            (false, true) => drop(self.open.insert(number)),
            (true, false) => drop(self.open.remove(&number)),
            _ => {}
        }
    }
}
