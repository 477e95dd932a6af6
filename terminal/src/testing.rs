//! Alerts, steps and screens for tests.

use jiff::tz::TimeZone;
use sos_proto::alert::v1::watch_alerts_response::Event;
use sos_proto::alert::v1::{
    Alert, AlertKind, AlertPriority, AlertState, AlertStatus, Heartbeat, SnapshotEnd, WatchAlertsResponse,
};
use sos_proto::time;

use crate::clock::Moment;
use crate::key::Key;
use crate::screen::{Effect, Screen};
use crate::session::Session;

/// So many seconds after the console was started.
pub fn at(seconds: u64) -> Moment {
    Moment::from_secs(seconds)
}

/// A raised press, received so many seconds after 1970 began.
pub fn alert(alert_id: &str, second: i64) -> Alert {
    Alert {
        alert_id: alert_id.to_owned(),
        state: AlertState::Raised.into(),
        kind: AlertKind::Press.into(),
        status: AlertStatus::Actual.into(),
        priority: AlertPriority::High.into(),
        site_id: "school-12".to_owned(),
        site_name: "School 12".to_owned(),
        device_id: "hall".to_owned(),
        press_count: 1,
        revision: 1,
        received_at: Some(time::timestamp(second * 1_000_000)),
        ..Alert::default()
    }
}

fn step(position: u64, event: Event) -> WatchAlertsResponse {
    WatchAlertsResponse { position, event: Some(event) }
}

pub fn snapshot(alert: Alert) -> WatchAlertsResponse {
    step(0, Event::Snapshot(alert))
}

pub fn end(position: u64) -> WatchAlertsResponse {
    step(position, Event::SnapshotEnd(SnapshotEnd {}))
}

pub fn changed(alert: Alert, position: u64) -> WatchAlertsResponse {
    step(position, Event::Changed(alert))
}

/// A heartbeat of a server that has told everything, at so many seconds after 1970 began.
pub fn heartbeat(position: u64, second: i64) -> WatchAlertsResponse {
    let server_time = Some(time::timestamp(second * 1_000_000));
    step(position, Event::Heartbeat(Heartbeat { head_position: position, server_time }))
}

/// A screen with these alerts at position 5, live since its first second, when it is 1,061 s after 1970 began.
pub fn live(alerts: impl IntoIterator<Item = Alert>) -> Screen {
    let (mut screen, _) = Screen::new("console", TimeZone::UTC, at(0));
    screen.resize(80, 24);
    screen.opened(Session::untold("asel"), at(0));
    for alert in alerts {
        screen.apply(snapshot(alert), at(0));
    }
    screen.apply(end(5), at(1));
    screen.apply(heartbeat(5, 1_061), at(1));
    screen
}

/// What these keys do, 3 s after the start.
pub fn pressed(screen: &mut Screen, keys: &[Key]) -> Vec<Effect> {
    keys.iter().flat_map(|key| screen.key(key.clone(), at(3))).collect()
}
