//! One alert with everything that happened to it.

use sos_proto::alert::v1::{Alert, GetAlertResponse};
use sos_proto::device::v1::Location;
use sos_proto::event::v1::RecordedEvent;

use crate::clock::{Clock, Moment, length};
use crate::width::{fit, wrap};
use crate::words;

/// Columns of a field's name.
const LABEL_COLUMNS: usize = 14;

/// Columns of a time in the timeline, and of a name.
const TIME_COLUMNS: usize = 14;
const WHO_COLUMNS: usize = 12;

/// The alert that is looked at.
#[derive(Debug)]
pub struct Detail {
    pub alert_id: String,
    /// Lines above the first one on the screen.
    pub scroll: usize,
    answer: Option<GetAlertResponse>,
    problem: Option<String>,
    /// A question is under way.
    is_asking: bool,
    /// The alert has changed since that was asked.
    is_old: bool,
}

/// A line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Heading(String),
    Field { label: &'static str, text: String },
    Text(String),
}

impl Detail {
    /// Nothing is known yet; whoever opens it asks.
    pub fn new(alert_id: &str) -> Self {
        Self {
            alert_id: alert_id.to_owned(),
            scroll: 0,
            answer: None,
            problem: None,
            is_asking: true,
            is_old: false,
        }
    }

    /// The alert has changed. Answers whether to ask now: one question at a time.
    pub fn changed(&mut self) -> bool {
        let asks = !self.is_asking;
        self.is_asking = true;
        self.is_old |= !asks;
        asks
    }

    /// The answer. Answers whether to ask again.
    pub fn answered(&mut self, answer: Result<GetAlertResponse, String>) -> bool {
        match answer {
            Ok(answer) => (self.answer, self.problem) = (Some(answer), None),
            Err(problem) => self.problem = Some(problem),
        }
        self.is_asking = std::mem::take(&mut self.is_old);
        self.is_asking
    }

    /// Whether the last question got no answer.
    pub fn has_failed(&self) -> bool {
        self.problem.is_some() && !self.is_asking
    }

    /// The alert as it was when it was asked for.
    pub fn alert(&self) -> Option<&Alert> {
        self.answer.as_ref()?.alert.as_ref()
    }

    /// Everything about it; `alert` is its newest state.
    pub fn lines(&self, alert: &Alert, clock: &Clock, columns: usize, now: Moment) -> Vec<Line> {
        let mut lines = Vec::new();
        for (label, text) in fields(alert, clock, now) {
            let mut label = label;
            for text in wrap(&text, columns.saturating_sub(LABEL_COLUMNS)) {
                lines.push(Line::Field { label, text });
                label = "";
            }
        }
        let head = [("RECORDED", TIME_COLUMNS), ("BY ITS CLOCK", TIME_COLUMNS), ("WHO", WHO_COLUMNS)];
        let head = head.map(|(name, columns)| fit(name, columns)).join("  ");
        lines.push(Line::Text(String::new()));
        lines.push(Line::Heading(format!("{head}  WHAT")));
        if let Some(problem) = &self.problem {
            lines.push(Line::Text(format!("the timeline could not be read: {}", words::plain(problem))));
        }
        let timeline = self.answer.iter().flat_map(|answer| &answer.timeline);
        lines.extend(timeline.flat_map(|recorded| entry(recorded, clock, columns)));
        lines
    }
}

fn entry(recorded: &RecordedEvent, clock: &Clock, columns: usize) -> Vec<Line> {
    let Some(event) = &recorded.event else { return Vec::new() };
    let times = [recorded.recorded_at.as_ref(), event.occurred_at.as_ref()];
    let [recorded_at, occurred_at] = times.map(|time| fit(&clock.day_and_time(time), TIME_COLUMNS));
    let who = if event.actor.is_empty() { &event.device_id } else { &event.actor };
    let head = format!("{recorded_at}  {occurred_at}  {}  ", fit(&words::plain(who), WHO_COLUMNS));
    let indent = 2 * TIME_COLUMNS + WHO_COLUMNS + 6;
    let what = words::what(event, |time| clock.moment(time));
    let mut lines = wrap(&what, columns.saturating_sub(indent)).into_iter();
    let first = lines.next().map(|line| Line::Text(format!("{head}{line}")));
    first.into_iter().chain(lines.map(|line| Line::Text(format!("{}{line}", " ".repeat(indent))))).collect()
}

fn fields(alert: &Alert, clock: &Clock, now: Moment) -> Vec<(&'static str, String)> {
    let age = clock.age(alert.received_at.as_ref(), now).map_or_else(|| "-".to_owned(), length);
    let priority = words::short(alert.priority().as_str_name(), "ALERT_PRIORITY_");
    let state = words::short(alert.state().as_str_name(), "ALERT_STATE_");
    let status = words::short(alert.status().as_str_name(), "ALERT_STATUS_");
    let site = if alert.site_name.is_empty() {
        words::plain(&alert.site_id)
    } else {
        format!("{} ({})", words::plain(&alert.site_name), words::plain(&alert.site_id))
    };
    let mut fields = vec![
        ("State", format!("{state}, {status}, priority {priority}, {}", words::kind(alert))),
        ("Site", [site, words::plain(&alert.region)].join("  ").trim_end().to_owned()),
        ("Place", words::place(alert).join(" · ")),
        ("Call point", words::plain(&alert.device_id)),
        ("Location", alert.location.as_ref().map(location).unwrap_or_default()),
        ("Note", words::plain(&alert.note)),
        ("Marks", [words::marks(alert, clock), words::oddities(alert)].concat().join(", ")),
        ("Received", format!("{} ({age} ago)", clock.moment(alert.received_at.as_ref()))),
        ("Its clock", clock.moment(alert.raised_at.as_ref())),
        ("Presses", if alert.press_count == 0 { String::new() } else { alert.press_count.to_string() }),
        ("Owner", words::plain(&alert.owner)),
        (
            "Acknowledged",
            known(alert.acknowledged_at.is_some(), || clock.moment(alert.acknowledged_at.as_ref())),
        ),
        ("Level", known(alert.escalation_level > 0, || alert.escalation_level.to_string())),
        ("Resolved", known(alert.resolved_at.is_some(), || resolved(alert, clock))),
    ];
    fields.extend(alert.call.iter().map(|call| {
        let phase = words::short(call.phase().as_str_name(), "CALL_PHASE_");
        ("Call", format!("{phase} {} {}", words::plain(&call.call_id), words::plain(&call.media_uri)))
    }));
    fields.extend(alert.shelving.iter().map(|shelving| {
        let (until, author) = (clock.moment(shelving.until.as_ref()), words::plain(&shelving.author));
        ("Shelved", format!("until {until} by {author}: {}", words::plain(&shelving.reason)))
    }));
    fields.extend(alert.responses.iter().map(|response| {
        let status = words::short(response.status().as_str_name(), "RESPONSE_STATUS_");
        let times = [
            ("sent", &response.dispatched_at),
            ("on scene", &response.on_scene_at),
            ("over", &response.cleared_at),
        ];
        let times = times.into_iter().filter(|(_, time)| time.is_some());
        let times: Vec<_> =
            times.map(|(what, time)| format!("{what} {}", clock.day_and_time(time.as_ref()))).collect();
        ("Unit", format!("{}: {status}, {}", words::plain(&response.unit_id), times.join(", ")))
    }));
    fields.retain(|(_, text)| !text.is_empty());
    fields.push((
        "Alert",
        format!("{}, revision {}, position {}", alert.alert_id, alert.revision, alert.position),
    ));
    if !alert.incident_id.is_empty() && alert.incident_id != alert.alert_id {
        fields.push(("Incident", words::plain(&alert.incident_id)));
    }
    fields
}

fn known(is_known: bool, text: impl FnOnce() -> String) -> String {
    if is_known { text() } else { String::new() }
}

fn resolved(alert: &Alert, clock: &Clock) -> String {
    let disposition = words::short(alert.disposition().as_str_name(), "DISPOSITION_");
    format!("{} as {disposition}", clock.moment(alert.resolved_at.as_ref()))
}

fn location(at: &Location) -> String {
    let accuracy = known(at.accuracy_m > 0.0, || format!(" within {:.0} m", at.accuracy_m));
    let source = known(at.source != 0, || {
        format!(" ({})", words::short(at.source().as_str_name(), "LOCATION_SOURCE_"))
    });
    format!("{:.6}, {:.6}{accuracy}{source}", at.latitude, at.longitude)
}
