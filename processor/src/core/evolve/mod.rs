//! Folds one event into the state: `evolve(state, event) -> state`. One file per family of events.
//!
//! Invariant: never panics and never fails, whatever an event holds. The log is the truth (P4): what it
//! says has happened; what makes no sense (an unknown alert, an impossible move) changes no alert.

mod acknowledge;
mod call_point;
mod erase;
mod escalate;
mod hand_over;
mod loss;
mod note;
mod open;
mod presence;
mod press;
mod registry;
mod resolve;
mod respond;
mod shelve;
mod technical;
mod window;

use sos_proto::event::v1::Event;
use sos_proto::event::v1::event::Body;
use sos_proto::time;
use sos_proto::time::Timestamp;

use super::state::{AlertView, Opening, PointNumber, State};

/// An event with its place in the log.
#[derive(Clone, Copy)]
struct Happened<'a> {
    position: u64,
    recorded_at: i64,
    /// The call point it is about.
    point: PointNumber,
    event: &'a Event,
}

impl Happened<'_> {
    /// When it was received, in microseconds; when it was recorded, where the event does not say.
    fn received(&self) -> i64 {
        self.event.received_at.as_ref().and_then(time::micros).unwrap_or(self.recorded_at)
    }

    /// When it was received.
    fn received_at(&self) -> Timestamp {
        time::timestamp(self.received())
    }

    /// Changes the alert that the event names.
    fn change(&self, state: &mut State, rule: impl FnOnce(&mut AlertView) -> bool) -> Option<Opening> {
        let number = state.find(&self.event.alert_id)?;
        state.change(number, rule)
    }
}

/// Folds one event, and answers which alert it opened or changed. Where it changed several, it is the one that
/// it is about.
pub(crate) fn evolve(state: &mut State, position: u64, recorded_at: i64, event: &Event) -> Option<Opening> {
    state.advance(position, recorded_at);
    let point = state.intern(&event.site_id, &event.device_id);
    let alert = state.find(&event.alert_id);
    if !event.request_id.is_empty() {
        state.remember(&event.request_id);
    }
    if let Some(number) = alert {
        state.extend_stream(number);
    }
    let happened = Happened { position, recorded_at, point, event };
    presence::heard(state, happened);
    dispatch(state, happened, event.body.as_ref()?)
}

fn dispatch(state: &mut State, happened: Happened<'_>, body: &Body) -> Option<Opening> {
    match body {
        Body::Press(press) => press::fold(state, happened, press),
        Body::Cancel(_) => call_point::cancel(state, happened),
        Body::Call(call) => call_point::call(state, happened, call),
        Body::Located(_) => call_point::located(state, happened),
        Body::Quarantined(quarantined) => technical::quarantined(state, happened, quarantined),
        Body::Fault(fault) => technical::fault(state, happened, fault),
        Body::SelfTest(test) => technical::self_test(state, happened, test),
        Body::DeviceOnline(online) => presence::online(state, happened, online),
        Body::DeviceOffline(_) => presence::offline(state, happened),
        Body::DeviceConditionChanged(changed) => presence::condition(state, happened, changed),
        Body::BrokerLost(lost) => technical::broker_lost(state, happened, lost),
        Body::BrokerRestored(_) => technical::broker_restored(state, happened),
        Body::SiteRegistered(registered) => registry::site(state, happened, registered),
        Body::DeviceRegistered(registered) => registry::device(state, happened, registered),
        Body::DeviceRetired(_) => registry::retired(state, happened),
        // Whether a call point may connect is the gateway's business.
        Body::DeviceAccessChanged(_) => None,
        Body::WindowStarted(started) => window::started(state, happened, started),
        Body::WindowEnded(_) => window::ended(state, happened),
        Body::AlertAcknowledged(_) => acknowledge::acknowledged(state, happened),
        Body::AlertAckExpired(expired) => acknowledge::expired(state, happened, expired),
        Body::UnitDispatched(dispatched) => respond::dispatched(state, happened, dispatched),
        Body::ResponseUpdated(updated) => respond::updated(state, happened, updated),
        Body::AlertNoted(_) => note::fold(state, happened),
        Body::AlertEscalated(escalated) => escalate::fold(state, happened, escalated),
        Body::EscalationUnheard(unheard) => escalate::unheard(state, happened, unheard),
        Body::AlertTransferred(transferred) => hand_over::fold(state, happened, transferred),
        Body::AlertResolved(resolved) => resolve::resolved(state, happened, resolved),
        Body::AlertReopened(_) => resolve::reopened(state, happened),
        Body::AlertDeclaredActual(_) => window::declared_actual(state, happened),
        Body::AlertErased(_) => erase::fold(state, happened),
        Body::AlertShelved(shelved) => shelve::shelved(state, happened, shelved),
        Body::AlertUnshelved(_) => shelve::unshelved(state, happened),
    }
}
