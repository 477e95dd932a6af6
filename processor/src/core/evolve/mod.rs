//! Folds one event into the state: `evolve(state, event) -> state`. One file per family of events.
//!
//! Invariant: never panics and never fails, whatever an event holds. The log is the truth (P4): what it
//! says has happened; what makes no sense (an unknown alert, an impossible move) changes no alert.

mod acknowledge;
mod call_point;
mod escalate;
mod hand_over;
mod note;
mod open;
mod press;
mod resolve;
mod respond;
mod technical;

use sos_proto::event::v1::Event;
use sos_proto::event::v1::event::Body;
use sos_proto::time;
use sos_proto::time::Timestamp;

use super::state::{AlertView, CommandKind, Opening, RecordedRequest, State};

/// An event with its place in the log.
#[derive(Clone, Copy)]
struct Happened<'a> {
    position: u64,
    recorded_at: i64,
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
        let opening = state.opening_of(&self.event.alert_id)?;
        state.change(opening, self.position, rule)
    }
}

/// Folds one event, and answers which alert it opened or changed.
pub(crate) fn evolve(state: &mut State, position: u64, recorded_at: i64, event: &Event) -> Option<Opening> {
    let happened = Happened { position, recorded_at, event };
    state.advance(position, recorded_at);
    if !event.request_id.is_empty() {
        let request = RecordedRequest {
            alert_id: event.alert_id.clone(),
            position,
            kind: CommandKind::of(event.body.as_ref()),
            actor: event.actor.clone(),
        };
        state.remember(&event.request_id, request);
    }
    state.extend_call_point(&event.site_id, &event.device_id, position);
    if let Some(opening) = state.opening_of(&event.alert_id) {
        state.extend_stream(opening, position);
    }
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
        Body::AlertAcknowledged(_) => acknowledge::acknowledged(state, happened),
        Body::AlertAckExpired(expired) => acknowledge::expired(state, happened, expired),
        Body::UnitDispatched(dispatched) => respond::dispatched(state, happened, dispatched),
        Body::ResponseUpdated(updated) => respond::updated(state, happened, updated),
        Body::AlertNoted(_) => note::fold(state, happened),
        Body::AlertEscalated(escalated) => escalate::fold(state, happened, escalated),
        Body::AlertTransferred(transferred) => hand_over::fold(state, happened, transferred),
        Body::AlertResolved(resolved) => resolve::resolved(state, happened, resolved),
        Body::AlertReopened(_) => resolve::reopened(state, happened),
        // They say how a call point is, or what is registered: no alert follows from that yet.
        Body::DeviceOnline(_)
        | Body::DeviceOffline(_)
        | Body::DeviceConditionChanged(_)
        | Body::SiteRegistered(_)
        | Body::DeviceRegistered(_)
        | Body::DeviceRetired(_) => None,
    }
}
