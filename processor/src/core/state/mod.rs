//! Everything that the log says about alerts and call points. Holds no rule: `evolve` decides what changes.
//!
//! Invariant: every index agrees with the alerts. An alert is in the order of changes exactly once, at its
//! newest position, and among the open ones exactly while it is not resolved.

mod alerts;
mod changes;
mod faults;
mod image;
mod incidents;
mod losses;
mod places;
mod requests;
mod view;

use std::sync::Arc;

pub(crate) use alerts::AlertNumber;
pub(crate) use image::STATE_SCHEMA;
pub(crate) use incidents::IncidentEntry;
pub(crate) use places::{Loss, PointEntry, PointNumber, Registration, SiteEntry};
pub(crate) use requests::CommandKind;
pub(crate) use view::{AlertEntry, AlertView, Cause, Opening};

use sos_proto::alert::v1::{AlertKind, AlertStatus};
use sos_proto::registry::v1::{Window, WindowKind};
use sos_proto::time;

use super::rules::Rules;
use alerts::Alerts;
use changes::Changes;
use incidents::{IncidentNumber, Incidents};
use places::Places;
use requests::Requests;

/// Everything that the log says, up to a position.
#[derive(Debug, Default)]
pub(crate) struct State {
    position: u64,
    recorded_at: i64,
    rules: Arc<Rules>,
    alerts: Alerts,
    places: Places,
    /// The order in which call points changed, as far as that is shown.
    point_changes: Changes,
    incidents: Incidents,
    requests: Requests,
    /// Call points that were lost lately, with when that was recorded.
    pub(super) losses: Vec<(i64, PointNumber)>,
}

impl State {
    /// Nothing folded yet; it will be by these rules.
    pub(crate) fn new(rules: Arc<Rules>) -> Self {
        Self { rules, ..Self::default() }
    }

    /// A state that holds one alert as it once was, to fold what happened to it next.
    pub(crate) fn of(view: Arc<AlertView>, rules: Arc<Rules>) -> Self {
        let mut state = Self { position: view.alert.position, ..Self::new(rules) };
        let point = state.places.intern(&view.alert.site_id, &view.alert.device_id);
        if let Some(point) = state.places.point_mut(point) {
            point.window = Some(Box::new(window_of(view.alert.status())));
            let is_lost = view.causes.contains_key(&Cause::Lost.key());
            point.set_loss(if is_lost { Loss::Own } else { Loss::None });
        }
        state.insert(AlertEntry::new(view, Vec::new(), point));
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

    /// What it is folded by.
    pub(crate) fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// How many alerts are not resolved.
    pub(crate) fn open_count(&self) -> usize {
        self.alerts.open_count()
    }

    /// One alert as it is shown.
    pub(crate) fn view(&self, opening: Opening) -> Option<Arc<AlertView>> {
        Some(self.alerts.get(self.alerts.opened_at(opening)?)?.view())
    }

    /// One alert by its id.
    pub(crate) fn by_id(&self, alert_id: &str) -> Option<&AlertEntry> {
        self.alerts.get(self.alerts.find(alert_id)?)
    }

    /// Where the first command with this request id is, if the log holds one. What is there must be looked at:
    /// it may be another one.
    pub(crate) fn request(&self, request_id: &str) -> Option<u64> {
        self.requests.get(request_id)
    }

    /// Position of the newest event folded that is about a call point; 0 for none.
    pub(crate) fn call_point_position(&self, site: &str, device: &str) -> u64 {
        self.point_at(site, device).map_or(0, |point| point.stream_position)
    }

    /// Alerts whose newest change is behind a place in the order of changes: a position, and an opening among
    /// those that changed there.
    pub(crate) fn changed_after(&self, place: (u64, Opening)) -> impl Iterator<Item = Arc<AlertView>> {
        self.alerts.changed_after(place)
    }

    /// Positions of all events in which what is personal was erased.
    pub(crate) fn erased(&self) -> Vec<u64> {
        self.alerts.all().iter().flat_map(AlertEntry::erased).copied().collect()
    }

    /// Open alerts behind an opening, oldest first.
    pub(crate) fn open_after(&self, opening: Opening) -> impl Iterator<Item = Arc<AlertView>> {
        self.alerts.open_after(opening)
    }

    /// Open alerts before an opening, newest first.
    pub(crate) fn open_before(&self, opening: Opening) -> impl Iterator<Item = Arc<AlertView>> {
        self.alerts.open_before(opening)
    }

    /// All alerts behind an opening, oldest first.
    pub(crate) fn opened_after(&self, opening: Opening) -> impl Iterator<Item = Arc<AlertView>> {
        self.alerts.opened_after(opening)
    }

    /// All alerts before an opening, newest first.
    pub(crate) fn opened_before(&self, opening: Opening) -> impl Iterator<Item = Arc<AlertView>> {
        self.alerts.opened_before(opening)
    }

    /// Incidents with open alerts before one, newest first, each with its first alert.
    pub(crate) fn incidents_before(
        &self,
        before: u32,
    ) -> impl Iterator<Item = (u32, &IncidentEntry, Arc<AlertView>)> {
        let open = self.incidents.open_before(before);
        open.filter_map(|(number, incident)| {
            Some((number, incident, self.alerts.get(incident.first)?.view()))
        })
    }

    /// A call point by its name.
    pub(crate) fn point_at(&self, site_id: &str, device_id: &str) -> Option<&PointEntry> {
        self.places.point(self.places.find_point(site_id, device_id)?)
    }

    /// A call point by its number.
    pub(crate) fn point(&self, number: PointNumber) -> Option<&PointEntry> {
        self.places.point(number)
    }

    /// All call points, and whole sites among them.
    pub(crate) fn points(&self) -> &[PointEntry] {
        self.places.points()
    }

    /// A site by its name.
    pub(crate) fn site_at(&self, site_id: &str) -> Option<&SiteEntry> {
        self.places.site(self.places.find_site(site_id)?)
    }

    /// The site of a call point.
    pub(crate) fn site_of(&self, point: &PointEntry) -> Option<&SiteEntry> {
        self.places.site(point.site)
    }

    /// All sites.
    pub(crate) fn sites(&self) -> &[SiteEntry] {
        self.places.sites()
    }

    /// Call points that changed behind a place in the order of their changes, each with its own place.
    pub(crate) fn points_changed_after(
        &self,
        place: (u64, PointNumber),
    ) -> impl Iterator<Item = ((u64, PointNumber), &PointEntry)> {
        self.point_changes.after(place).filter_map(|place| Some((place, self.point(place.1)?)))
    }

    /// Alerts of this kind that are open at a call point, in order of opening or reopening.
    pub(super) fn open_at(
        &self,
        point: PointNumber,
        kind: AlertKind,
    ) -> impl DoubleEndedIterator<Item = (AlertNumber, &AlertView)> {
        let open = self.point(point).map(|point| point.open.as_slice()).unwrap_or_default();
        let views = open.iter().filter_map(|number| Some((*number, self.alerts.get(*number)?.open_view()?)));
        views.filter(move |(_, view)| view.alert.kind() == kind)
    }

    /// An alert by its number.
    pub(super) fn entry(&self, number: AlertNumber) -> Option<&AlertEntry> {
        self.alerts.get(number)
    }

    /// The number of an alert by its id.
    pub(super) fn find(&self, alert_id: &str) -> Option<AlertNumber> {
        self.alerts.find(alert_id)
    }

    /// The number of a call point, which is known from then on.
    pub(super) fn intern(&mut self, site_id: &str, device_id: &str) -> PointNumber {
        self.places.intern(site_id, device_id)
    }

    /// A call point, to change what is known of it.
    pub(super) fn point_mut(&mut self, number: PointNumber) -> Option<&mut PointEntry> {
        self.places.point_mut(number)
    }

    /// The site of a call point, to change what is known of it.
    pub(super) fn site_mut(&mut self, point: PointNumber) -> Option<&mut SiteEntry> {
        let site = self.point(point)?.site;
        self.places.site_mut(site)
    }

    /// The place that stands for all sites together.
    pub(super) fn everything(&mut self) -> PointNumber {
        self.intern("", "")
    }

    /// The place that stands for the whole site of a call point.
    pub(super) fn whole_site(&mut self, point: PointNumber) -> Option<PointNumber> {
        let site_id = self.site_of(self.point(point)?)?.site_id.clone();
        Some(self.intern(&site_id, ""))
    }

    /// Notes that what is shown of a call point has changed.
    pub(super) fn point_changed(&mut self, point: PointNumber) {
        self.point_changes.note(self.position, point);
    }

    /// Notes how far the fold has come.
    pub(super) fn advance(&mut self, position: u64, recorded_at: i64) {
        self.position = position;
        self.recorded_at = recorded_at;
    }

    /// Remembers a command; the first with a request id stays.
    pub(super) fn remember(&mut self, request_id: &str) {
        self.requests.remember(request_id, self.position);
    }

    /// Notes that the stream of an alert has grown, whether or not that changed the alert.
    pub(super) fn extend_stream(&mut self, number: AlertNumber) {
        let position = self.position;
        if let Some(entry) = self.alerts.get_mut(number) {
            entry.stream_position = position;
        }
    }

    /// Opens an alert at a call point; its revision and positions are filled in here.
    pub(super) fn open(&mut self, point: PointNumber, mut view: AlertView) -> AlertNumber {
        view.opening = self.position;
        view.ringing_since = self.recorded_at;
        view.acted_at = self.recorded_at;
        view.alert.revision = 1;
        view.alert.position = self.position;
        self.insert(AlertEntry::new(Arc::new(view), vec![self.position], point))
    }

    fn insert(&mut self, entry: AlertEntry) -> AlertNumber {
        let (point, is_open) = (entry.point, entry.open_view().is_some());
        self.with_faults(point, |state| {
            let number = state.alerts.insert(entry);
            if is_open && let Some(point) = state.places.point_mut(point) {
                point.open.push(number);
            }
            number
        })
    }

    /// Lets a rule change an alert, and brings the indexes after it. A rule answers whether it changed
    /// anything; if not, it must have left the alert as it was.
    pub(super) fn change(
        &mut self,
        number: AlertNumber,
        rule: impl FnOnce(&mut AlertView) -> bool,
    ) -> Option<Opening> {
        self.alter(number, false, rule)
    }

    /// Drops what is personal from what an alert once was.
    pub(super) fn forget_forms(&mut self, alert_id: &str) {
        if let Some(entry) = self.alerts.find(alert_id).and_then(|number| self.alerts.get_mut(number)) {
            entry.forget_forms(self.position);
        }
    }

    /// As [`change`](Self::change), for an event that says nothing about the alert where nothing but the alert
    /// is known.
    pub(super) fn change_from_elsewhere(
        &mut self,
        number: AlertNumber,
        rule: impl FnOnce(&mut AlertView) -> bool,
    ) -> Option<Opening> {
        self.alter(number, true, rule)
    }

    fn alter(
        &mut self,
        number: AlertNumber,
        from_elsewhere: bool,
        rule: impl FnOnce(&mut AlertView) -> bool,
    ) -> Option<Opening> {
        let point = self.alerts.get(number)?.point;
        let altered = self.with_faults(point, |state| {
            let altered = state.alerts.alter(number, state.position, from_elsewhere, rule)?;
            if altered.was_open != altered.is_open
                && let Some(point) = state.places.point_mut(point)
            {
                point.open.retain(|other| *other != number);
                if altered.is_open {
                    point.open.push(number);
                }
            }
            Some(altered)
        })?;
        if altered.was_open != altered.is_open {
            self.with_incident(number, |incident| {
                let count = incident.open_count;
                incident.open_count =
                    if altered.is_open { count.saturating_add(1) } else { count.saturating_sub(1) };
            });
        }
        Some(altered.opening)
    }

    /// The incident that an alert is in.
    pub(super) fn with_incident(&mut self, number: AlertNumber, update: impl FnOnce(&mut IncidentEntry)) {
        let Some(incident) = self.alerts.get(number).and_then(|entry| entry.incident.checked_sub(1)) else {
            return;
        };
        self.incidents.update(incident, update);
    }

    /// The newest incident at the site of a call point, with its first alert.
    pub(super) fn newest_incident(
        &self,
        point: PointNumber,
    ) -> Option<(IncidentNumber, &IncidentEntry, Arc<AlertView>)> {
        let number = self.site_of(self.point(point)?)?.incident.checked_sub(1)?;
        let incident = self.incidents.get(number)?;
        Some((number, incident, self.alerts.get(incident.first)?.view()))
    }

    /// Puts an alert into an incident, or into a new one of its own.
    pub(super) fn join_incident(&mut self, number: AlertNumber, incident: Option<IncidentNumber>) {
        let known = incident.is_some();
        let incident = incident.unwrap_or_else(|| {
            self.incidents.insert(IncidentEntry { first: number, ..IncidentEntry::default() })
        });
        let Some(entry) = self.alerts.get_mut(number) else { return };
        entry.incident = incident.saturating_add(1);
        let point = entry.point;
        if !known && let Some(site) = self.site_mut(point) {
            site.incident = incident.saturating_add(1);
        }
        self.incidents.update(incident, |incident| {
            incident.alert_count += 1;
            incident.open_count += 1;
        });
    }
}

/// Whatever joined an alert of an exercise or a test was in the same one, whenever that was.
fn window_of(status: AlertStatus) -> Window {
    let kind = match status {
        AlertStatus::Exercise => WindowKind::Exercise,
        AlertStatus::Test => WindowKind::Test,
        AlertStatus::Actual | AlertStatus::Unspecified => WindowKind::Unspecified,
    };
    Window { kind: kind.into(), ends_at: Some(time::timestamp(time::MICROS_MAX)), ..Window::default() }
}
