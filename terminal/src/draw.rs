//! The screen on a terminal: a function of the screen and the time, and of nothing else.
//!
//! Invariant: colour says nothing that a word or a sign does not say as well.

mod detail;
mod header;
mod help;
mod list;
mod prompt;

#[cfg(test)]
mod tests;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use crate::clock::Moment;
use crate::screen::{Ask, Form, SIZE_MIN, Screen, Standing, Tone, View};
use crate::width::wrap;

/// Most lines of a message.
const NOTICE_LINES_MAX: usize = 3;

/// What is not important.
const QUIET: Style = Style::new().add_modifier(Modifier::DIM);

/// A key in the footer.
const KEY: Style = Style::new().fg(Color::Cyan);

/// What must be seen.
const ALARM: Style = Style::new().fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD);

/// What is no longer known to be true.
const STALE: Style = Style::new()
    .fg(Color::Reset)
    .bg(Color::Reset)
    .add_modifier(Modifier::DIM)
    .remove_modifier(Modifier::BOLD.union(Modifier::REVERSED));

/// Paints the screen.
pub fn draw(frame: &mut Frame<'_>, screen: &Screen, now: Moment) {
    let area = frame.area();
    let layout = [Constraint::Length(1), Constraint::Min(0), Constraint::Length(1), Constraint::Length(1)];
    let [top, middle, message, bottom] = Layout::vertical(layout).areas(area);
    if area.width < SIZE_MIN.0 || area.height < SIZE_MIN.1 {
        frame.render_widget(header::line(screen, area.width, now), top);
        too_small(frame, middle);
        return;
    }
    frame.render_widget(header::line(screen, area.width, now), top);
    match &screen.view {
        View::List => list::draw(frame, middle, screen, now),
        View::Detail(detail) => detail::draw(frame, middle, screen, detail, now),
    }
    // P5: what may no longer be true looks like it.
    if matches!(screen.standing(now), Standing::Stale { .. }) {
        frame.buffer_mut().set_style(middle, STALE);
    }
    frame.render_widget(footer(screen, area.width), bottom);
    notice(frame, Rect { height: middle.height + 1, ..middle }, message, screen);
    if screen.has_help {
        help::draw(frame, area, screen);
    }
    if let Some(prompt) = &screen.prompt {
        prompt::draw(frame, area, message, prompt);
    }
}

fn too_small(frame: &mut Frame<'_>, area: Rect) {
    let (columns, rows) = SIZE_MIN;
    let whole = frame.area();
    let text =
        format!("This terminal is {}x{}: the console needs {columns}x{rows}.", whole.width, whole.height);
    let lines: Vec<_> = wrap(&text, usize::from(area.width)).into_iter().map(Line::from).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

/// A message, above the keys; else what is looked for.
fn notice(frame: &mut Frame<'_>, above: Rect, message: Rect, screen: &Screen) {
    let Some(notice) = &screen.notice else {
        let needle = screen.listing.needle();
        if !needle.is_empty() && matches!(screen.view, View::List) {
            let line = Line::from(vec![
                Span::styled(" FILTER ", Style::new().add_modifier(Modifier::REVERSED)),
                Span::raw(format!(" {needle}")),
                Span::styled("   Esc shows all", QUIET),
            ]);
            frame.render_widget(line, message);
        }
        return;
    };
    let (sign, style) = match notice.tone {
        Tone::Calm => ("✓", Style::new().fg(Color::Green)),
        Tone::Warning => ("!", Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD)),
    };
    let lines = wrap(&format!(" {sign} {}", notice.text), usize::from(above.width));
    let height = u16::try_from(lines.len().min(NOTICE_LINES_MAX)).unwrap_or(1);
    let area = Rect { y: above.bottom().saturating_sub(height), height, ..above };
    let lines: Vec<_> = lines.into_iter().map(|line| Line::styled(line, style)).collect();
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines), area);
}

/// The keys that matter here, as many as fit.
fn footer(screen: &Screen, columns: u16) -> Line<'static> {
    let keys: &[(&str, &str)] = match (&screen.prompt, &screen.view) {
        (Some(prompt), _) => match &prompt.form {
            Form::Text { ask: Ask::Filter, .. } => &[("Enter", "keep"), ("Esc", "show all")],
            Form::Text { .. } => &[("Enter", "send"), ("Esc", "cancel")],
            Form::Menu { .. } => &[("1-9 or ↑↓ Enter", "choose"), ("Esc", "cancel")],
        },
        (None, View::List) => &help::LIST,
        (None, View::Detail(_)) => &help::DETAIL,
    };
    let mut spans = vec![Span::raw(" ")];
    let mut room = usize::from(columns).saturating_sub(1);
    for (key, what) in keys.iter().filter(|(key, _)| help::is_offered(screen, key)) {
        let width = key.chars().count() + what.chars().count() + 3;
        if width > room + 2 {
            break;
        }
        room = room.saturating_sub(width);
        spans.push(Span::styled((*key).to_owned(), KEY));
        spans.push(Span::styled(format!(" {what}  "), QUIET));
    }
    Line::from(spans)
}

/// An empty box in front of what is there; answers with its inside.
fn front(frame: &mut Frame<'_>, area: Rect, title: String) -> Rect {
    let block = Block::bordered()
        .border_style(KEY)
        .title(Span::styled(title, Style::new().add_modifier(Modifier::BOLD)));
    let inside = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    inside
}
