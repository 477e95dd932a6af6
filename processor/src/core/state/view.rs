//! One alert: how it is shown, where its changes are in the log, and what it once looked like.

use std::collections::BTreeMap;
use std::iter;
use std::sync::Arc;

use prost::Message as _;
use sos_proto::alert::v1::{Alert, AlertKind, AlertState};
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
    /// Drops what is personal.
    pub(crate) fn forget(&mut self) {
        if self.located {
            self.alert.location = None;
        }
        if self.alert.kind() == AlertKind::Press {
            self.alert.note.clear();
        }
        self.alert.erased = true;
    }

    /// Whether the alert is not resolved.
    pub(crate) fn is_open(&self) -> bool {
        self.alert.state() != AlertState::Resolved
    }
}

/// How an alert was after so many changes.
#[derive(Clone, PartialEq, prost::Message)]
struct Form {
    #[prost(uint64, tag = "1")]
    changes: u64,
    /// An encoded [`AlertView`].
    #[prost(bytes = "vec", tag = "2")]
    view: Vec<u8>,
}

/// An alert with its places in the log.
#[derive(Debug)]
pub(crate) struct AlertEntry {
    shown: Shown,
    /// Position of the event that opened it.
    pub(super) opening: Opening,
    /// Position of the last event that names it as its stream; 0 for none.
    pub stream_position: u64,
    /// Positions of every event that changed it, in order. Outside of the view, so that a change never
    /// copies them.
    pub positions: Vec<u64>,
    /// Its call point.
    pub(super) point: PointNumber,
    /// Its incident, counted from 1; 0 for none.
    pub(super) incident: u32,
    /// Forms that cannot be folded from its own events alone, and some that can: encoded [`Form`]s one after
    /// the other, since few are ever looked at.
    pub(super) forms: Vec<u8>,
    /// What is personal in it was erased up to this position; 0 for never.
    pub(super) erased_at: u64,
}

/// How an alert is kept. Most are closed for good and hardly ever looked at: as bytes they take a fifth of the
/// room.
#[derive(Debug)]
enum Shown {
    Open(Arc<AlertView>),
    /// An encoded [`AlertView`].
    Closed(Box<[u8]>),
}

impl AlertEntry {
    /// An alert that was just opened, or a form of it.
    pub(super) fn new(view: Arc<AlertView>, positions: Vec<u64>, point: PointNumber) -> Self {
        let opening = view.opening;
        let (stream_position, incident, forms, erased_at) = (0, 0, Vec::new(), 0);
        Self {
            shown: Shown::of(view),
            opening,
            stream_position,
            positions,
            point,
            incident,
            forms,
            erased_at,
        }
    }

    /// The alert as it is shown.
    pub(crate) fn view(&self) -> Arc<AlertView> {
        match &self.shown {
            Shown::Open(view) => Arc::clone(view),
            Shown::Closed(bytes) => Arc::new(decode(bytes)),
        }
    }

    /// The alert as it is shown, if it is not resolved.
    pub(super) fn open_view(&self) -> Option<&AlertView> {
        match &self.shown {
            Shown::Open(view) => Some(view),
            Shown::Closed(_) => None,
        }
    }

    /// How to find out what the alert was at a position, at or behind its opening: a form it had, and the
    /// positions of the changes to fold onto that, fewer than [`FORM_CHANGES`].
    pub(crate) fn past(&self, position: u64) -> (Arc<AlertView>, &[u64]) {
        let changes = self.positions.partition_point(|change| *change <= position);
        if changes < self.positions.len()
            && let Some(form) = self.forms().filter(|form| form.changes <= changes as u64).last()
        {
            let folded = usize::try_from(form.changes).unwrap_or(changes);
            let rest = self.positions.get(folded..changes).unwrap_or_default();
            return (Arc::new(decode(&form.view)), rest);
        }
        (self.view(), &[])
    }

    /// Lets a rule change the view, unless it answers that there is nothing to change. Answers whether the
    /// alert was open before, and is now.
    pub(super) fn alter(
        &mut self,
        position: u64,
        from_elsewhere: bool,
        rule: impl FnOnce(&mut AlertView) -> bool,
    ) -> Option<(bool, bool)> {
        // How the alert was opened must not get lost: that depends on more than its own events.
        if self.forms.is_empty() {
            self.keep_form();
        }
        let was_open = matches!(self.shown, Shown::Open(_));
        let mut unpacked = match &self.shown {
            Shown::Open(_) => None,
            Shown::Closed(bytes) => Some(Arc::new(decode(bytes))),
        };
        let view = match (&mut self.shown, &mut unpacked) {
            (Shown::Open(view), _) | (_, Some(view)) => Arc::make_mut(view),
            (Shown::Closed(_), None) => return None,
        };
        if !rule(view) {
            return None;
        }
        view.alert.revision += 1;
        view.alert.position = position;
        let is_open = view.is_open();
        if let Some(view) = unpacked {
            self.shown = Shown::of(view);
        } else if !is_open && let Shown::Open(view) = &self.shown {
            self.shown = Shown::of(Arc::clone(view));
        }
        self.positions.push(position);
        // What came from elsewhere cannot be folded again from its own events.
        if from_elsewhere || self.positions.len().is_multiple_of(FORM_CHANGES) {
            self.keep_form();
        }
        if !is_open {
            self.positions.shrink_to_fit();
            self.forms.shrink_to_fit();
        }
        Some((was_open, is_open))
    }

    fn keep_form(&mut self) {
        let view = match &self.shown {
            Shown::Open(view) => view.encode_to_vec(),
            Shown::Closed(bytes) => bytes.to_vec(),
        };
        let form = Form { changes: self.positions.len() as u64, view };
        // Fails only where there is no room, and a vector grows.
        let _written = form.encode_length_delimited(&mut self.forms).is_ok();
    }

    /// Positions of the changes in which what is personal was erased.
    pub(crate) fn erased(&self) -> &[u64] {
        let end = self.positions.partition_point(|position| *position <= self.erased_at);
        self.positions.get(..end).unwrap_or_default()
    }

    /// Drops what is personal from what it once was.
    pub(super) fn forget_forms(&mut self, position: u64) {
        let forms: Vec<_> = self.forms().collect();
        self.forms.clear();
        self.erased_at = position;
        for mut form in forms {
            let mut view = decode(&form.view);
            view.forget();
            form.view = view.encode_to_vec();
            // Fails only where there is no room, and a vector grows.
            let _written = form.encode_length_delimited(&mut self.forms).is_ok();
        }
        self.forms.shrink_to_fit();
    }

    fn forms(&self) -> impl Iterator<Item = Form> {
        let mut rest = &*self.forms;
        iter::from_fn(
            move || if rest.is_empty() { None } else { Form::decode_length_delimited(&mut rest).ok() },
        )
    }
}

impl Shown {
    fn of(view: Arc<AlertView>) -> Self {
        if view.is_open() { Self::Open(view) } else { Self::Closed(view.encode_to_vec().into()) }
    }
}

/// A view from bytes that a view was encoded to, which can always be read.
fn decode(bytes: &[u8]) -> AlertView {
    AlertView::decode(bytes).unwrap_or_default()
}
