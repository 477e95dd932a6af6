//! Alerts in columns, for people.

use sos_proto::alert::v1::{Alert, AlertKind, GetAlertResponse};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{Event, RecordedEvent};

use crate::output::{moment, plain, short};

/// The columns' names.
pub fn header() -> String {
    format!(
        "{:<36}  {:<12}  {:<19}  {:<9}  {:>7}  {:<12}  {:<40}  NOTE",
        "ALERT", "STATE", "RECEIVED (UTC)", "CATEGORY", "PRESSES", "OWNER", "CALL POINT"
    )
}

/// One alert in one line.
pub fn row(alert: &Alert) -> String {
    let category = match alert.kind() {
        AlertKind::Technical => "technical".to_owned(),
        _ if alert.category == 0 => "general".to_owned(),
        _ => short(alert.category().as_str_name(), "CATEGORY_"),
    };
    let mut note = plain(&alert.note);
    if alert.attention && alert.kind() == AlertKind::Press {
        note = format!("PRESSED AGAIN {note}");
    }
    if alert.cancel_requested {
        note = format!("CANCEL REQUESTED {note}");
    }
    format!(
        "{:<36}  {:<12}  {:<19}  {:<9}  {:>7}  {:<12}  {:<40}  {}",
        alert.alert_id,
        short(alert.state().as_str_name(), "ALERT_STATE_").to_uppercase(),
        moment(alert.received_at.as_ref()),
        category,
        alert.press_count,
        if alert.owner.is_empty() { "-".to_owned() } else { plain(&alert.owner) },
        format!("{}/{}", alert.site_id, alert.device_id),
        note,
    )
    .trim_end()
    .to_owned()
}

/// One alert and its history.
pub fn details(answer: &GetAlertResponse) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(alert) = &answer.alert {
        lines.push(header());
        lines.push(row(alert));
    }
    lines.push(String::new());
    lines.push(format!(
        "{:>8}  {:<19}  {:<19}  {:<12}  WHAT",
        "POSITION", "RECORDED (UTC)", "DEVICE TIME", "WHO"
    ));
    lines.extend(answer.timeline.iter().map(event));
    lines
}

/// One event in one line.
pub fn event(recorded: &RecordedEvent) -> String {
    let default = Event::default();
    let event = recorded.event.as_ref().unwrap_or(&default);
    let who = if event.actor.is_empty() { "-".to_owned() } else { plain(&event.actor) };
    format!(
        "{:>8}  {:<19}  {:<19}  {:<12}  {}",
        recorded.position,
        moment(recorded.recorded_at.as_ref()),
        moment(event.occurred_at.as_ref()),
        who,
        what(event)
    )
}

/// What happened, in words.
fn what(event: &Event) -> String {
    let call_point = format!("{}/{}", event.site_id, event.device_id);
    let (words, text) = match &event.body {
        None => ("unknown event", String::new()),
        Some(Body::Press(p)) => ("press", p.note.clone()),
        Some(Body::Cancel(c)) => ("cancel requested", c.reason.clone()),
        Some(Body::Call(c)) => ("call", short(c.phase().as_str_name(), "CALL_PHASE_")),
        Some(Body::Fault(f)) => {
            (if f.active { "fault" } else { "fault repaired" }, short(f.kind().as_str_name(), "FAULT_KIND_"))
        }
        Some(Body::SelfTest(t)) => {
            (if t.passed { "self-test passed" } else { "self-test failed" }, t.detail.clone())
        }
        Some(Body::Located(_)) => ("located", String::new()),
        Some(Body::DeviceOnline(d)) => ("online", d.firmware.clone()),
        Some(Body::DeviceOffline(d)) => ("offline", short(d.reason().as_str_name(), "OFFLINE_REASON_")),
        Some(Body::DeviceConditionChanged(d)) => {
            ("condition", short(d.condition().as_str_name(), "DEVICE_CONDITION_"))
        }
        Some(Body::Quarantined(q)) => ("quarantined", q.reason.clone()),
        Some(Body::SiteRegistered(_)) => ("site registered", String::new()),
        Some(Body::DeviceRegistered(_)) => ("call point registered", String::new()),
        Some(Body::DeviceRetired(d)) => ("call point retired", d.reason.clone()),
        Some(Body::AlertAcknowledged(_)) => ("acknowledged", String::new()),
        Some(Body::AlertAckExpired(a)) => ("acknowledgement expired", a.owner.clone()),
        Some(Body::UnitDispatched(u)) => ("unit dispatched", u.unit_id.clone()),
        Some(Body::ResponseUpdated(r)) => {
            let status = short(r.status().as_str_name(), "RESPONSE_STATUS_");
            ("unit", format!("{} {status}", r.unit_id))
        }
        Some(Body::AlertNoted(n)) => ("note", n.note.clone()),
        Some(Body::AlertEscalated(e)) => ("escalated to level", e.level.to_string()),
        Some(Body::AlertTransferred(t)) => ("transferred to", t.to_operator.clone()),
        Some(Body::AlertResolved(r)) => {
            let disposition = short(r.disposition().as_str_name(), "DISPOSITION_");
            ("resolved", format!("{disposition} {}", r.note))
        }
        Some(Body::AlertReopened(r)) => ("reopened", r.note.clone()),
    };
    format!("{call_point}: {words} {}", plain(&text)).trim_end().to_owned()
}
