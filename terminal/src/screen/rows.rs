//! The alerts that the screen knows, in the documented order.
//!
//! Invariant: each alert is in at most one of the two lists, at the place that follows from its newest state.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use sos_proto::alert::v1::{Alert, AlertState, AlertStatus};
use sos_proto::time::{self, Timestamp};
use sos_proto::urgency::urgency;

use crate::words;

/// Closed alerts that are kept, to be opened again; of more, those that were closed first are left out.
pub const CLOSED_MAX: usize = 200;

/// Where an alert stands: open ones by urgency and opening, closed ones behind them, the last closed first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    Open { urgency: u64, opened: i64, alert_id: String },
    Closed { resolved: Reverse<i64>, alert_id: String },
}

impl Place {
    fn of(alert: &Alert) -> Self {
        let alert_id = alert.alert_id.clone();
        let micros = |at: Option<&Timestamp>| at.and_then(time::micros).unwrap_or(0);
        if alert.state() == AlertState::Resolved {
            let resolved = Reverse(micros(alert.resolved_at.as_ref()));
            return Self::Closed { resolved, alert_id };
        }
        Self::Open { urgency: urgency(alert), opened: micros(alert.received_at.as_ref()), alert_id }
    }

    /// Whose place it is.
    pub fn alert_id(&self) -> &str {
        match self {
            Self::Open { alert_id, .. } | Self::Closed { alert_id, .. } => alert_id,
        }
    }
}

/// One alert.
#[derive(Debug)]
pub struct Row {
    pub alert: Alert,
    /// What a filter looks through, in lower case.
    text: String,
}

/// Which alerts are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    Open,
    Closed,
}

/// How many open alerts there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub raised: usize,
    pub acknowledged: usize,
    /// Of both, those in exercises and tests.
    pub exercises: usize,
}

/// The alerts that the screen knows.
#[derive(Debug, Default)]
pub struct Rows {
    open: BTreeMap<Place, Row>,
    closed: BTreeMap<Place, Row>,
    places: HashMap<String, Place>,
}

impl Rows {
    /// An alert by its id.
    pub fn get(&self, alert_id: &str) -> Option<&Row> {
        self.at(self.places.get(alert_id)?)
    }

    /// What stands at a place.
    pub fn at(&self, place: &Place) -> Option<&Row> {
        self.list(list_of(place)).get(place)
    }

    /// Where an alert stands.
    pub fn place(&self, alert_id: &str) -> Option<&Place> {
        self.places.get(alert_id)
    }

    /// Replaces what is known of an alert, and answers with that.
    pub fn put(&mut self, alert: Alert) -> Option<Alert> {
        let before = self.remove(&alert.alert_id);
        let place = Place::of(&alert);
        self.places.insert(alert.alert_id.clone(), place.clone());
        let row = Row { text: text(&alert), alert };
        match list_of(&place) {
            List::Open => self.open.insert(place, row),
            List::Closed => self.closed.insert(place, row),
        };
        if self.closed.len() > CLOSED_MAX
            && let Some((place, _)) = self.closed.pop_last()
        {
            self.places.remove(place.alert_id());
        }
        before
    }

    fn remove(&mut self, alert_id: &str) -> Option<Alert> {
        let place = self.places.remove(alert_id)?;
        let row = match list_of(&place) {
            List::Open => self.open.remove(&place),
            List::Closed => self.closed.remove(&place),
        };
        row.map(|row| row.alert)
    }

    /// All of a list, in order.
    pub fn list(&self, list: List) -> &BTreeMap<Place, Row> {
        match list {
            List::Open => &self.open,
            List::Closed => &self.closed,
        }
    }

    /// How many are open.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for row in self.open.values() {
            match row.alert.state() {
                AlertState::Raised => counts.raised += 1,
                _ => counts.acknowledged += 1,
            }
            counts.exercises += usize::from(row.alert.status() != AlertStatus::Actual);
        }
        counts
    }
}

impl Row {
    /// Whether every word is in it; in lower case.
    pub fn holds(&self, words: &[String]) -> bool {
        words.iter().all(|word| self.text.contains(word))
    }
}

fn list_of(place: &Place) -> List {
    match place {
        Place::Open { .. } => List::Open,
        Place::Closed { .. } => List::Closed,
    }
}

fn text(alert: &Alert) -> String {
    let units = alert.responses.iter().map(|response| response.unit_id.clone());
    let parts = [
        alert.alert_id.clone(),
        words::short(alert.state().as_str_name(), "ALERT_STATE_"),
        words::short(alert.status().as_str_name(), "ALERT_STATUS_"),
        words::short(alert.priority().as_str_name(), "ALERT_PRIORITY_"),
        words::kind(alert),
        alert.site_id.clone(),
        alert.site_name.clone(),
        alert.device_id.clone(),
        words::place(alert).join(" "),
        alert.owner.clone(),
        alert.note.clone(),
        alert.region.clone(),
    ];
    parts.into_iter().chain(units).collect::<Vec<_>>().join(" ").to_lowercase()
}
