//! Alerts in columns, for people.

use sos_proto::alert::v1::{Alert, AlertKind, AlertState, AlertStatus, GetAlertResponse, Incident};
use sos_proto::event::v1::{Event, RecordedEvent};
use sos_terminal::words;

use crate::output::{moment, plain, short};

/// The columns' names.
pub fn header() -> String {
    format!(
        "{:<36}  {:<12}  {:<8}  {:<19}  {:<9}  {:>7}  {:<12}  {:<40}  NOTE",
        "ALERT", "STATE", "PRIORITY", "RECEIVED (UTC)", "CATEGORY", "PRESSES", "OWNER", "CALL POINT"
    )
}

/// One alert in one line.
pub fn row(alert: &Alert) -> String {
    format!(
        "{:<36}  {:<12}  {:<8}  {:<19}  {:<9}  {:>7}  {:<12}  {:<40}  {}",
        alert.alert_id,
        short(alert.state().as_str_name(), "ALERT_STATE_").to_uppercase(),
        short(alert.priority().as_str_name(), "ALERT_PRIORITY_"),
        moment(alert.received_at.as_ref()),
        words::kind(alert),
        alert.press_count,
        if alert.owner.is_empty() { "-".to_owned() } else { plain(&alert.owner) },
        format!("{}/{}", alert.site_id, alert.device_id),
        remarks(alert),
    )
    .trim_end()
    .to_owned()
}

/// What an operator must not overlook, most urgent first, then the units and the text of the call point.
fn remarks(alert: &Alert) -> String {
    let mut remarks = Vec::new();
    if alert.status() != AlertStatus::Actual {
        remarks.push(alert.status().as_str_name().replace("ALERT_STATUS_", ""));
    }
    if let Some(shelving) = &alert.shelving {
        remarks.push(format!("SHELVED UNTIL {}", moment(shelving.until.as_ref())));
    }
    if alert.escalation_level > 0 && alert.state() != AlertState::Resolved {
        remarks.push(format!("LEVEL {}", alert.escalation_level));
    }
    if alert.cancel_requested {
        remarks.push("CANCEL REQUESTED".to_owned());
    }
    if alert.attention && alert.kind() == AlertKind::Press {
        remarks.push("PRESSED AGAIN".to_owned());
    }
    let units = alert.responses.iter().map(|response| {
        let status = short(response.status().as_str_name(), "RESPONSE_STATUS_");
        format!("[{} {status}]", plain(&response.unit_id))
    });
    remarks.extend(units);
    if alert.unverified {
        remarks.push("(unverified)".to_owned());
    }
    let mut place = words::place(alert);
    if !alert.site_name.is_empty() {
        place.insert(0, plain(&alert.site_name));
    }
    if !place.is_empty() {
        remarks.push(format!("({})", place.join(", ")));
    }
    remarks.push(plain(&alert.note));
    remarks.join(" ").trim_end().to_owned()
}

/// The columns' names of incidents.
pub fn incident_header() -> String {
    format!(
        "{:<36}  {:>6}  {:>5}  {:>7}  {:<19}  {:<19}  SITE",
        "INCIDENT", "ALERTS", "OPEN", "PRESSES", "FIRST (UTC)", "LAST (UTC)"
    )
}

/// One incident in one line.
pub fn incident(incident: &Incident) -> String {
    format!(
        "{:<36}  {:>6}  {:>5}  {:>7}  {:<19}  {:<19}  {} {}",
        incident.incident_id,
        incident.alert_count,
        incident.open_count,
        incident.press_count,
        moment(incident.first_at.as_ref()),
        moment(incident.last_at.as_ref()),
        incident.site_id,
        plain(&incident.site_name),
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
        "{:>8}  {:<19}  {:<19}  {:<12}  {}/{}: {}",
        recorded.position,
        moment(recorded.recorded_at.as_ref()),
        moment(event.occurred_at.as_ref()),
        who,
        event.site_id,
        event.device_id,
        words::what(event, moment)
    )
}

#[cfg(test)]
mod tests {
    use sos_proto::alert::v1::Response;
    use sos_proto::event::v1::ResponseStatus;

    use super::*;

    #[test]
    fn nothing_urgent_is_left_out_of_the_line() {
        let unit = |unit_id: &str, status: ResponseStatus| Response {
            unit_id: unit_id.to_owned(),
            status: status.into(),
            ..Response::default()
        };
        let mut alert = Alert {
            kind: AlertKind::Press.into(),
            state: AlertState::Raised.into(),
            status: AlertStatus::Exercise.into(),
            escalation_level: 2,
            cancel_requested: true,
            attention: true,
            note: "second floor".to_owned(),
            site_name: "School 12".to_owned(),
            unverified: true,
            responses: vec![
                unit("patrol-7", ResponseStatus::OnScene),
                unit("medic-1", ResponseStatus::Withdrawn),
            ],
            ..Alert::default()
        };
        let units = "[patrol-7 on scene] [medic-1 withdrawn] (unverified) (School 12) second floor";
        assert_eq!(remarks(&alert), format!("EXERCISE LEVEL 2 CANCEL REQUESTED PRESSED AGAIN {units}"));
        assert!(row(&alert).ends_with(units));
        alert.set_state(AlertState::Resolved);
        assert!(!remarks(&alert).contains("LEVEL"));
    }
}
