//! All alerts and the orders in which they are looked through. Holds no rule: `evolve` decides what changes.
//!
//! Invariant: every index agrees with the alerts. An alert is in the order of changes exactly once, at its
//! newest position, and among the open ones exactly while it is not resolved.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use sos_proto::alert::v1::{Alert, AlertKind, AlertState};
use sos_proto::device::v1::FaultKind;
use sos_proto::event::v1::event::Body;

/// After this many changes of an alert its form is kept, so that an older form is never further away than
/// this many events.
const CHECKPOINT_CHANGES: usize = 256;

/// Position of the event that opened an alert. It never changes, so it names the alert within the state.
pub(crate) type Opening = u64;

/// An alert as it is shown; readers share it, and a change leaves what they hold as it was.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AlertView {
    /// The alert as operators see it.
    pub alert: Alert,
    /// Position of the event that opened it.
    pub opening: Opening,
    /// Trace of the newest press it holds.
    pub trace_id: String,
    /// It was closed once and opened again.
    pub reopened: bool,
    /// Since when it rings, if it does; times of the log, in microseconds.
    pub ringing_since: i64,
    /// The level it had when it began to ring.
    pub ringing_level: u32,
    /// When its owner, or a unit, last did something.
    pub acted_at: i64,
    /// What is wrong, with the text for it; empty for presses.
    pub causes: BTreeMap<Cause, String>,
}

/// What opens a technical alert, and closes it when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// Bytes that nobody can read.
    Unreadable,
    /// A self-test failed.
    SelfTest,
    /// A fault of this kind.
    Fault(FaultKind),
}

impl AlertView {
    /// Whether the alert is not resolved.
    pub(crate) fn is_open(&self) -> bool {
        self.alert.state() != AlertState::Resolved
    }
}

/// An alert with its places in the log.
#[derive(Debug, PartialEq)]
pub(crate) struct AlertEntry {
    /// The alert as it is shown.
    pub view: Arc<AlertView>,
    /// Position of the last event that names it as its stream; 0 for none.
    pub stream_position: u64,
    /// Positions of every event that changed it, in order. Outside of the view, so that a change never
    /// copies them.
    pub positions: Vec<u64>,
    /// How the alert was after each [`CHECKPOINT_CHANGES`] changes.
    checkpoints: Vec<Arc<AlertView>>,
}

impl AlertEntry {
    /// How to find out what the alert was at a position: a form it had at or before it, and the positions of
    /// the changes to fold onto that, fewer than [`CHECKPOINT_CHANGES`]. Without a form, fold onto nothing.
    pub(crate) fn past(&self, position: u64) -> (Option<&Arc<AlertView>>, &[u64]) {
        let changes = self.positions.partition_point(|change| *change <= position);
        if changes == self.positions.len() {
            return (Some(&self.view), &[]);
        }
        let kept = changes / CHECKPOINT_CHANGES;
        let form = kept.checked_sub(1).and_then(|last| self.checkpoints.get(last));
        (form, self.positions.get(kept * CHECKPOINT_CHANGES..changes).unwrap_or_default())
    }
}

/// Which kind of command an event came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommandKind {
    /// Take the alert.
    Acknowledge,
    /// Write something down.
    Note,
    /// Close the alert.
    Resolve,
    /// Send a unit.
    Dispatch,
    /// Report the progress of a unit.
    UpdateResponse,
    /// Ask for more help.
    Escalate,
    /// Hand the alert over.
    Transfer,
    /// Open the alert again.
    Reopen,
    /// A command that this version does not serve.
    Other,
}

impl CommandKind {
    /// The kind of command that leaves this body in the log.
    pub(crate) fn of(body: Option<&Body>) -> Self {
        match body {
            Some(Body::AlertAcknowledged(_)) => Self::Acknowledge,
            Some(Body::AlertNoted(_)) => Self::Note,
            Some(Body::AlertResolved(_)) => Self::Resolve,
            Some(Body::UnitDispatched(_)) => Self::Dispatch,
            Some(Body::ResponseUpdated(_)) => Self::UpdateResponse,
            Some(Body::AlertEscalated(_)) => Self::Escalate,
            Some(Body::AlertTransferred(_)) => Self::Transfer,
            Some(Body::AlertReopened(_)) => Self::Reopen,
            _ => Self::Other,
        }
    }
}

/// A command that the log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordedRequest {
    /// What it was about.
    pub alert_id: String,
    /// Where its event is.
    pub position: u64,
    /// What it asked for.
    pub kind: CommandKind,
    /// Who asked.
    pub actor: String,
}

/// One call point's open alerts of one kind are looked up by this.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    site: String,
    device: String,
    kind: i32,
}

impl Place {
    fn new(site: &str, device: &str, kind: AlertKind) -> Self {
        Self { site: site.to_owned(), device: device.to_owned(), kind: kind.into() }
    }

    fn of(alert: &Alert) -> Self {
        Self { site: alert.site_id.clone(), device: alert.device_id.clone(), kind: alert.kind }
    }
}

/// Everything that the log says about alerts, up to a position.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct State {
    position: u64,
    recorded_at: i64,
    alerts: BTreeMap<Opening, AlertEntry>,
    by_id: HashMap<String, Opening>,
    by_change: BTreeMap<u64, Opening>,
    open: BTreeSet<Opening>,
    /// More than one only after a reopening; presses join the last.
    open_at: HashMap<Place, Vec<Opening>>,
    requests: HashMap<String, RecordedRequest>,
    /// Position of the newest event of each call point, by the name of its stream.
    call_points: HashMap<String, u64>,
}

impl State {
    /// A state that holds one alert as it once was, to fold what happened to it next.
    pub(crate) fn of(view: Arc<AlertView>) -> Self {
        let mut state = Self { position: view.alert.position, ..Self::default() };
        state.insert(view, Vec::new());
        state
    }

    /// Position of the newest event folded; 0 for none.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// When the newest event folded was recorded, in microseconds.
    pub(crate) fn recorded_at(&self) -> i64 {
        self.recorded_at
    }

    /// How many alerts are not resolved.
    pub(crate) fn open_count(&self) -> usize {
        self.open.len()
    }

    /// One alert as it is shown.
    pub(crate) fn view(&self, opening: Opening) -> Option<&Arc<AlertView>> {
        self.alerts.get(&opening).map(|entry| &entry.view)
    }

    /// One alert by its id.
    pub(crate) fn by_id(&self, alert_id: &str) -> Option<&AlertEntry> {
        self.alerts.get(self.by_id.get(alert_id)?)
    }

    /// The command with this request id, if the log holds one.
    pub(crate) fn request(&self, request_id: &str) -> Option<&RecordedRequest> {
        self.requests.get(request_id)
    }

    /// Position of the newest event folded that is about a call point; 0 for none.
    pub(crate) fn call_point_position(&self, site: &str, device: &str) -> u64 {
        self.call_points.get(&stream(site, device)).copied().unwrap_or(0)
    }

    /// Alerts whose newest change is behind a position, in order of that change.
    pub(crate) fn changed_after(&self, position: u64) -> impl Iterator<Item = &Arc<AlertView>> {
        self.by_change.range(behind(position)).filter_map(|(_, opening)| self.view(*opening))
    }

    /// Open alerts behind an opening, oldest first.
    pub(crate) fn open_after(&self, opening: Opening) -> impl Iterator<Item = &Arc<AlertView>> {
        self.open.range(behind(opening)).filter_map(|opening| self.view(*opening))
    }

    /// All alerts behind an opening, oldest first.
    pub(crate) fn opened_after(&self, opening: Opening) -> impl Iterator<Item = &Arc<AlertView>> {
        self.alerts.range(behind(opening)).map(|(_, entry)| &entry.view)
    }

    /// All alerts before an opening, newest first.
    pub(crate) fn opened_before(&self, opening: Opening) -> impl Iterator<Item = &Arc<AlertView>> {
        self.alerts.range(..opening).rev().map(|(_, entry)| &entry.view)
    }

    /// The alert that an event of this kind at this call point joins.
    pub(super) fn open_at(&self, site: &str, device: &str, kind: AlertKind) -> Option<Opening> {
        self.open_at.get(&Place::new(site, device, kind))?.last().copied()
    }

    /// The technical alert of a call point that has this cause.
    pub(super) fn open_with(&self, site: &str, device: &str, cause: Cause) -> Option<Opening> {
        let place = Place::new(site, device, AlertKind::Technical);
        let has_cause =
            |opening: &&Opening| self.view(**opening).is_some_and(|view| view.causes.contains_key(&cause));
        self.open_at.get(&place)?.iter().rfind(has_cause).copied()
    }

    /// The opening of an alert by its id.
    pub(super) fn opening_of(&self, alert_id: &str) -> Option<Opening> {
        self.by_id.get(alert_id).copied()
    }

    /// Notes how far the fold has come.
    pub(super) fn advance(&mut self, position: u64, recorded_at: i64) {
        self.position = position;
        self.recorded_at = recorded_at;
    }

    /// Remembers a command; the first with a request id stays.
    pub(super) fn remember(&mut self, request_id: &str, request: RecordedRequest) {
        self.requests.entry(request_id.to_owned()).or_insert(request);
    }

    /// Notes that the stream of a call point has grown. An event about no call point is in none.
    pub(super) fn extend_call_point(&mut self, site: &str, device: &str, position: u64) {
        if !device.is_empty() {
            self.call_points.insert(stream(site, device), position);
        }
    }

    /// Notes that the stream of an alert has grown, whether or not that changed the alert.
    pub(super) fn extend_stream(&mut self, opening: Opening, position: u64) {
        if let Some(entry) = self.alerts.get_mut(&opening) {
            entry.stream_position = position;
        }
    }

    /// Opens an alert; its revision and positions are filled in here.
    pub(super) fn open(
        &mut self,
        mut alert: Alert,
        opening: Opening,
        trace_id: String,
        cause: Option<(Cause, String)>,
    ) {
        alert.revision = 1;
        alert.position = opening;
        let view = AlertView {
            alert,
            opening,
            trace_id,
            reopened: false,
            ringing_since: self.recorded_at,
            ringing_level: 0,
            acted_at: self.recorded_at,
            causes: cause.into_iter().collect(),
        };
        self.insert(Arc::new(view), vec![opening]);
    }

    fn insert(&mut self, view: Arc<AlertView>, positions: Vec<u64>) {
        let (alert, opening) = (&view.alert, view.opening);
        self.by_id.insert(alert.alert_id.clone(), opening);
        self.by_change.insert(alert.position, opening);
        if view.is_open() {
            self.index_open(Place::of(alert), opening);
        }
        let entry = AlertEntry { view, stream_position: 0, positions, checkpoints: Vec::new() };
        self.alerts.insert(opening, entry);
    }

    /// Lets a rule change an alert, and brings the indexes after it. A rule answers whether it changed
    /// anything; if not, it must have left the alert as it was.
    pub(super) fn change(
        &mut self,
        opening: Opening,
        position: u64,
        rule: impl FnOnce(&mut AlertView) -> bool,
    ) -> Option<Opening> {
        let entry = self.alerts.get_mut(&opening)?;
        let view = Arc::make_mut(&mut entry.view);
        let was_open = view.is_open();
        if !rule(view) {
            return None;
        }
        entry.positions.push(position);
        self.by_change.remove(&view.alert.position);
        self.by_change.insert(position, opening);
        view.alert.revision += 1;
        view.alert.position = position;

        let is_open = view.is_open();
        let place = (was_open != is_open).then(|| Place::of(&view.alert));
        if entry.positions.len().is_multiple_of(CHECKPOINT_CHANGES) {
            entry.checkpoints.push(Arc::clone(&entry.view));
        }
        if let Some(place) = place {
            if is_open { self.index_open(place, opening) } else { self.index_closed(&place, opening) }
        }
        Some(opening)
    }

    fn index_open(&mut self, place: Place, opening: Opening) {
        self.open.insert(opening);
        self.open_at.entry(place).or_default().push(opening);
    }

    fn index_closed(&mut self, place: &Place, opening: Opening) {
        self.open.remove(&opening);
        if let Some(here) = self.open_at.get_mut(place) {
            here.retain(|other| *other != opening);
            if here.is_empty() {
                self.open_at.remove(place);
            }
        }
    }
}

/// The name of a call point's stream in the log.
fn stream(site: &str, device: &str) -> String {
    format!("{site}/{device}")
}

fn behind(position: u64) -> (Bound<u64>, Bound<u64>) {
    (Bound::Excluded(position), Bound::Unbounded)
}
