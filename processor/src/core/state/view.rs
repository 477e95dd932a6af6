//! One alert: how it is shown, where its changes are in the log, and what it once looked like.

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message as _;
use sos_proto::alert::v1::{Alert, AlertState};
use sos_proto::device::v1::FaultKind;
use sos_proto::registry::v1::SiteKind;

use super::places::PointNumber;

/// After this many changes of an alert its form is kept, so that an older form is never further away than
/// this many events.
const FORM_CHANGES: usize = 256;

/// Position of the event that opened an alert. It never changes, so it names the alert within the state.
pub(crate) type Opening = u64;

/// An alert as it is shown; readers share it, and a change leaves what they hold as it was.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AlertView {
    /// The alert as operators see it.
    #[prost(message, required, tag = "1")]
    pub alert: Alert,
    /// Position of the event that opened it.
    #[prost(uint64, tag = "2")]
    pub opening: Opening,
    /// Trace of the newest press it holds.
    #[prost(string, tag = "3")]
    pub trace_id: String,
    /// It was closed once and opened again.
    #[prost(bool, tag = "4")]
    pub reopened: bool,
    /// Since when it rings, if it does; times of the log, in microseconds.
    #[prost(int64, tag = "5")]
    pub ringing_since: i64,
    /// The level it had when it began to ring.
    #[prost(uint32, tag = "6")]
    pub ringing_level: u32,
    /// When its owner, or a unit, last did something.
    #[prost(int64, tag = "7")]
    pub acted_at: i64,
    /// What is wrong, with the text for it; empty for presses. The keys are [`Cause`]s.
    #[prost(btree_map = "int32, string", tag = "8")]
    pub causes: BTreeMap<i32, String>,
    /// What kind of place it is at.
    #[prost(enumeration = "SiteKind", tag = "9")]
    pub site_kind: i32,
    /// Its location is what the device said.
    #[prost(bool, tag = "10")]
    pub located: bool,
}

/// What opens a technical alert, and closes it when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Bytes that nobody can read.
    Unreadable,
    /// An alert escalated, and nobody watched.
    Unheard,
    /// A gateway hears no call point of its broker.
    Broker,
    /// Call points are gone, at more than one site.
    EverythingLost,
    /// Several call points of a site are gone.
    SiteLost,
    /// The call point is gone.
    Lost,
    /// It breaks and is repaired all the time.
    Flapping,
    /// A self-test failed.
    SelfTest,
    /// A fault of this kind.
    Fault(FaultKind),
}

impl Cause {
    /// Its key in a view; what is wrong is told in this order.
    pub(crate) fn key(self) -> i32 {
        match self {
            Self::Unreadable => -8,
            Self::Unheard => -7,
            Self::Broker => -6,
            Self::EverythingLost => -5,
            Self::SiteLost => -4,
            Self::Lost => -3,
            Self::Flapping => -2,
            Self::SelfTest => -1,
            Self::Fault(kind) => kind.into(),
        }
    }
}

impl AlertView {
    /// Whether the alert is not resolved.
    pub(crate) fn is_open(&self) -> bool {
        self.alert.state() != AlertState::Resolved
    }
}

/// How an alert was after so many changes.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Form {
    #[prost(uint64, tag = "1")]
    changes: u64,
    /// An encoded [`AlertView`]: few forms are ever looked at, and this takes a third of the room.
    #[prost(bytes = "vec", tag = "2")]
    view: Vec<u8>,
}

/// An alert with its places in the log.
#[derive(Debug)]
pub(crate) struct AlertEntry {
    /// The alert as it is shown.
    pub view: Arc<AlertView>,
    /// Position of the last event that names it as its stream; 0 for none.
    pub stream_position: u64,
    /// Positions of every event that changed it, in order. Outside of the view, so that a change never
    /// copies them.
    pub positions: Vec<u64>,
    /// Its call point.
    pub(super) point: PointNumber,
    /// Its incident, counted from 1; 0 for none.
    pub(super) incident: u32,
    /// Forms that cannot be folded from its own events alone, and some that can.
    pub(super) forms: Vec<Form>,
}

impl AlertEntry {
    /// An alert that was just opened, or a form of it.
    pub(super) fn new(view: Arc<AlertView>, positions: Vec<u64>, point: PointNumber) -> Self {
        Self { view, stream_position: 0, positions, point, incident: 0, forms: Vec::new() }
    }

    /// How to find out what the alert was at a position, at or behind its opening: a form it had, and the
    /// positions of the changes to fold onto that, fewer than [`FORM_CHANGES`].
    pub(crate) fn past(&self, position: u64) -> (Arc<AlertView>, &[u64]) {
        let changes = self.positions.partition_point(|change| *change <= position);
        if changes < self.positions.len() {
            let form = self.forms.iter().rfind(|form| form.changes <= changes as u64);
            let view = form.and_then(|form| Some((form, AlertView::decode(&*form.view).ok()?)));
            if let Some((form, view)) = view {
                let folded = usize::try_from(form.changes).unwrap_or(changes);
                return (Arc::new(view), self.positions.get(folded..changes).unwrap_or_default());
            }
        }
        (Arc::clone(&self.view), &[])
    }

    /// Notes a change before it is made to the view: how the alert was opened must not get lost, since that
    /// depends on more than its own events.
    pub(super) fn before_change(&mut self) {
        if self.forms.is_empty() {
            self.keep_form();
        }
    }

    /// Notes a change that was made. What came from elsewhere cannot be folded again from its own events.
    pub(super) fn after_change(&mut self, position: u64, from_elsewhere: bool) {
        self.positions.push(position);
        if from_elsewhere || self.positions.len().is_multiple_of(FORM_CHANGES) {
            self.keep_form();
        }
    }

    fn keep_form(&mut self) {
        self.forms.push(Form { changes: self.positions.len() as u64, view: self.view.encode_to_vec() });
    }
}
