//! Tests of the rules of alerts, and the events they are made of.

mod deadlines;
mod decisions;
mod histories;
mod places;
mod rules;
mod supervision;
mod technical;

use sos_proto::device::v1::{Location, Press};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{AlertAcknowledged, AlertResolved, DeviceOrigin, Disposition, Event, EventFlag};
use sos_proto::time;

use super::{AlertView, State, evolve};

/// 2026-01-01T00:00:00Z in microseconds.
pub(super) const RECEIVED: i64 = 1_767_225_600_000_000;

/// An event of call point `hall/door`; its id is `e` and its position.
pub(super) fn event(position: u64, body: impl Into<Option<Body>>) -> Event {
    Event {
        event_id: format!("e{position}"),
        site_id: "hall".into(),
        device_id: "door".into(),
        received_at: Some(time::timestamp(RECEIVED)),
        body: body.into(),
        ..Event::default()
    }
}

/// An operator's event about an alert.
pub(super) fn command(position: u64, alert_id: &str, actor: &str, body: Body) -> Event {
    Event {
        alert_id: alert_id.into(),
        actor: actor.into(),
        request_id: format!("r{position}"),
        ..event(position, body)
    }
}

pub(super) fn press() -> Body {
    Body::Press(Press::default())
}

pub(super) fn acknowledged() -> Body {
    Body::AlertAcknowledged(AlertAcknowledged {})
}

pub(super) fn resolved(disposition: Disposition) -> Body {
    Body::AlertResolved(AlertResolved { disposition: disposition.into(), note: String::new() })
}

pub(super) fn origin(location: Option<Location>, flags: &[EventFlag]) -> Option<DeviceOrigin> {
    let flags = flags.iter().map(|flag| i32::from(*flag)).collect();
    Some(DeviceOrigin { location, flags, ..DeviceOrigin::default() })
}

/// Folds events at positions 1, 2, 3 …
pub(super) fn fold(events: &[Event]) -> State {
    let mut state = State::default();
    for (position, event) in (1..).zip(events) {
        evolve(&mut state, position, RECEIVED, event);
    }
    state
}

/// All alerts in order of opening.
pub(super) fn views(state: &State) -> Vec<AlertView> {
    state.opened_after(0).map(|view| AlertView::clone(&view)).collect()
}
