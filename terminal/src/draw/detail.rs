//! One alert.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line as Painted, Span};
use ratatui::widgets::Paragraph;
use sos_proto::alert::v1::Alert;
use unicode_width::UnicodeWidthStr as _;

use super::{QUIET, list};
use crate::clock::Moment;
use crate::screen::{Detail, Line, Screen};
use crate::width::fit;
use crate::words;

/// Paints the alert as a row, then its fields and timeline.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, screen: &Screen, detail: &Detail, now: Moment) {
    let Some(alert) = screen.detailed(detail) else {
        frame.render_widget(Painted::styled("  …", QUIET), area);
        return;
    };
    let columns = usize::from(area.width);
    let rows = usize::from(area.height.saturating_sub(1));
    let lines = detail.lines(alert, &screen.clock, columns.saturating_sub(2), now);
    let scroll = detail.scroll.min(lines.len().saturating_sub(rows));
    let below = lines.len().saturating_sub(scroll + rows);
    let mut painted = vec![title(screen, alert, columns, below)];
    painted.extend(lines.into_iter().skip(scroll).take(rows).map(paint));
    frame.render_widget(Paragraph::new(painted), area);
}

fn paint(line: Line) -> Painted<'static> {
    match line {
        Line::Heading(text) => Painted::styled(format!(" {text}"), QUIET),
        Line::Field { label, text } => {
            let style = if label == "Marks" { Style::new().fg(Color::Yellow) } else { Style::new() };
            Painted::from(vec![
                Span::styled(format!(" {}", fit(label, 14)), QUIET),
                Span::styled(text, style),
            ])
        }
        Line::Text(text) => Painted::raw(format!(" {text}")),
    }
}

fn title(screen: &Screen, alert: &Alert, columns: usize, below: usize) -> Painted<'static> {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let hidden = if below > 0 { format!("▼{below}") } else { String::new() };
    let status = words::status(alert).map(|status| format!(" {status} ")).unwrap_or_default();
    let (priority, state) = (list::priority(alert), list::state(alert, screen));
    let used = [&priority, &state, &status, &hidden].map(|part| part.width()).iter().sum::<usize>() + 5;
    Painted::from(vec![
        Span::raw(" "),
        Span::styled(priority, list::priority_style(alert)),
        Span::raw(" "),
        Span::styled(state, bold),
        Span::raw(" "),
        Span::styled(status, list::NOT_ACTUAL),
        Span::raw(" "),
        Span::styled(fit(&words::name(alert), columns.saturating_sub(used)), bold),
        Span::styled(hidden, QUIET),
    ])
}
