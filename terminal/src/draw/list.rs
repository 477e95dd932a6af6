//! The list: one alert a line, only those that are on the screen.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use sos_proto::alert::v1::{Alert, AlertPriority, AlertState};
use unicode_width::UnicodeWidthStr as _;

use super::QUIET;
use crate::clock::{Moment, length};
use crate::screen::{List, Screen, Standing};
use crate::width::fit;
use crate::words;

/// From so many columns on, place and marks have columns of their own.
const WIDE: usize = 116;

const SELECTED: Style = Style::new().add_modifier(Modifier::REVERSED);
pub(super) const NOT_ACTUAL: Style =
    Style::new().fg(Color::Black).bg(Color::Cyan).add_modifier(Modifier::BOLD);

/// How wide the columns are whose width depends on the terminal.
struct Widths {
    state: usize,
    place: usize,
    marks: usize,
}

impl Widths {
    fn of(columns: usize) -> Self {
        let state = if columns >= WIDE { 17 } else { 13 };
        // Selection, priority, age, kind, presses, level.
        let rest = columns.saturating_sub(2 + 9 + state + 7 + 10 + 4 + 3);
        let place = if columns >= WIDE { rest / 2 } else { rest };
        Self { state, place, marks: rest.saturating_sub(place) }
    }
}

/// Paints column names and rows.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, screen: &Screen, now: Moment) {
    let widths = Widths::of(usize::from(area.width));
    let window = screen.listing.window();
    let below = window.total.saturating_sub(window.above + window.rows.len());
    let mut lines = vec![names(&widths, window.above, below)];
    let selected = screen.listing.selected().map(|row| row.alert.alert_id.as_str());
    lines.extend(window.rows.iter().map(|row| {
        let is_selected = selected == Some(row.alert.alert_id.as_str());
        let line = row_line(&row.alert, is_selected, &widths, screen, now);
        if is_selected { line.style(SELECTED) } else { line }
    }));
    if window.total == 0 {
        lines.push(Line::default());
        lines.push(Line::styled(format!("  {}", emptiness(screen, now)), QUIET));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn names(widths: &Widths, above: usize, below: usize) -> Line<'static> {
    let (state, place) =
        (fit("STATE", widths.state), if widths.marks > 0 { "PLACE" } else { "MARKS, PLACE" });
    let hidden = if above + below > 0 { format!("▲{above} ▼{below}") } else { String::new() };
    let last = if widths.marks > 0 { widths.marks } else { widths.place };
    let with_hidden =
        |name: &str, columns: usize| format!("{}{hidden}", fit(name, columns.saturating_sub(hidden.width())));
    let end = if widths.marks > 0 {
        format!("{}{}", fit(place, widths.place), with_hidden("MARKS", last))
    } else {
        with_hidden(place, last)
    };
    Line::styled(format!("  PRIORITY {state}   AGE KIND      ×   L  {end}"), QUIET)
}

fn emptiness(screen: &Screen, now: Moment) -> String {
    let needle = screen.listing.needle();
    match (screen.listing.list(), screen.standing(now)) {
        _ if !needle.is_empty() => format!("Nothing holds {needle:?}."),
        (List::Open, Standing::Live) => "No open alerts.".to_owned(),
        (List::Open, _) => "Nothing is known yet.".to_owned(),
        (List::Closed, _) => "No closed alerts.".to_owned(),
    }
}

fn row_line(
    alert: &Alert,
    is_selected: bool,
    widths: &Widths,
    screen: &Screen,
    now: Moment,
) -> Line<'static> {
    let is_raised = alert.state() == AlertState::Raised;
    let base = if is_raised { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
    let age = screen.clock.age(alert.received_at.as_ref(), now).map_or_else(|| "…".to_owned(), length);
    let presses = if alert.press_count > 1 { format!("×{}", alert.press_count) } else { String::new() };
    let level =
        if alert.escalation_level > 0 { format!("L{}", alert.escalation_level) } else { String::new() };
    let mut spans = vec![
        Span::raw(if is_selected { "▶ " } else { "  " }),
        Span::styled(fit(&priority(alert), 8), priority_style(alert)),
        Span::raw(" "),
        Span::styled(fit(&state(alert, screen), widths.state), base),
        Span::styled(format!("{age:>6} "), base),
        Span::styled(fit(&words::kind(alert), 10), base),
        Span::styled(fit(&presses, 4), base),
        Span::styled(fit(&level, 3), base),
    ];
    spans.extend(ending(alert, widths, screen, base));
    Line::from(spans)
}

/// Place and marks: beside each other, or where there is little room what is urgent, the place and the rest.
fn ending(alert: &Alert, widths: &Widths, screen: &Screen, base: Style) -> Vec<Span<'static>> {
    let marked = Style::new().fg(Color::Yellow).patch(base);
    let place = Part(words::name(alert), base);
    let marks = Part(words::marks(alert, &screen.clock).join(" "), marked);
    let oddities = Part(words::oddities(alert).join(" "), Style::new().fg(Color::Yellow));
    let note = Part(words::plain(&alert.note), QUIET);
    let status = words::status(alert).map(|status| format!(" {status} ")).unwrap_or_default();
    let status = Part(status, NOT_ACTUAL);
    if widths.marks > 0 {
        let mut spans = in_row([place], widths.place.saturating_sub(1));
        spans.push(Span::raw(" "));
        spans.extend(in_row([status, marks, oddities, note], widths.marks));
        return spans;
    }
    let room = widths.place.saturating_sub(status.0.width());
    // A place of some length must be left.
    let marks = Part(cut(&marks.0, room * 3 / 5), marks.1);
    in_row([status, marks, place, oddities, note], widths.place)
}

/// A text of its own look.
struct Part(String, Style);

/// Parts in so many columns, with a blank between them; what has no more room is left out.
fn in_row<const N: usize>(parts: [Part; N], columns: usize) -> Vec<Span<'static>> {
    let mut room = columns;
    let mut spans = Vec::new();
    for Part(text, style) in parts.into_iter().filter(|part| !part.0.is_empty()) {
        let text = cut(&text, room);
        room = room.saturating_sub(text.width() + 1);
        spans.push(Span::styled(text, style));
        spans.push(Span::raw(" "));
    }
    spans.push(Span::raw(" ".repeat(room)));
    spans
}

fn cut(text: &str, columns: usize) -> String {
    if text.width() > columns { fit(text, columns) } else { text.to_owned() }
}

pub(super) fn state(alert: &Alert, screen: &Screen) -> String {
    match alert.state() {
        _ if screen.is_sending(&alert.alert_id) => "sending…".to_owned(),
        AlertState::Acknowledged => format!("ACK {} ", words::plain(&alert.owner)),
        state => words::short(state.as_str_name(), "ALERT_STATE_").to_uppercase(),
    }
}

pub(super) fn priority(alert: &Alert) -> String {
    words::short(alert.priority().as_str_name(), "ALERT_PRIORITY_").to_uppercase()
}

pub(super) fn priority_style(alert: &Alert) -> Style {
    match alert.priority() {
        AlertPriority::Critical if alert.state() == AlertState::Raised => super::ALARM,
        AlertPriority::Critical => Style::new().fg(Color::LightRed),
        AlertPriority::High => Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD),
        AlertPriority::Medium => Style::new(),
        AlertPriority::Low | AlertPriority::Unspecified => QUIET,
    }
}
