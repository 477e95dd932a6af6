//! The question that is being asked.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};
use unicode_width::UnicodeWidthStr as _;

use super::{KEY, QUIET, front};
use crate::screen::{Ask, Form, Input, Prompt};
use crate::width::{fit, hard_wrap};
use crate::words;

/// Rows of the screen that a question leaves free above itself.
const ROWS_ABOVE: u16 = 3;

/// Paints it: a filter in the line of messages, all others in a box above the keys.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, message: Rect, prompt: &Prompt) {
    if let Form::Text { ask: Ask::Filter, input } = &prompt.form {
        filter(frame, message, input);
        return;
    }
    let about = prompt.alert.as_ref().map(|alert| words::name(alert)).unwrap_or_default();
    let title = format!(" {}: {about} ", prompt.form.title());
    let title = if title.width() + 4 > usize::from(area.width) {
        fit(&title, usize::from(area.width).saturating_sub(4))
    } else {
        title
    };
    let columns = usize::from(area.width.saturating_sub(4));
    let rows_max = usize::from(area.height.saturating_sub(ROWS_ABOVE + 3));
    match &prompt.form {
        Form::Text { input, .. } => {
            let (before, after) = input.parts();
            let text = [before, after].concat();
            let lines = hard_wrap(&text, columns);
            let cursor = hard_wrap(before, columns);
            let row = cursor.len() - 1;
            let skipped = (row + 2).saturating_sub(rows_max);
            let height = (lines.len() - skipped.min(lines.len())).clamp(1, rows_max.saturating_sub(1)) + 1;
            let inside = front(frame, place(area, height), title);
            let mut painted: Vec<_> = lines
                .iter()
                .skip(skipped)
                .take(height - 1)
                .map(|line| Line::raw(format!(" {line}")))
                .collect();
            painted.push(Line::styled(format!(" room for {} more", input.room()), QUIET));
            frame.render_widget(Paragraph::new(painted), inside);
            let column = cursor.last().map_or(0, |line| line.width());
            frame.set_cursor_position(Position {
                x: inside.x + u16::try_from(column + 1).unwrap_or(0),
                y: inside.y + u16::try_from(row - skipped).unwrap_or(0),
            });
        }
        Form::Menu { picks, chosen } => {
            let inside = front(frame, place(area, picks.len().min(rows_max)), title);
            let first = (chosen + 1).saturating_sub(rows_max);
            let lines = picks.iter().enumerate().skip(first).map(|(number, pick)| {
                let is_chosen = number == *chosen;
                let style =
                    if is_chosen { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() };
                let digit = if number < 9 { (number + 1).to_string() } else { " ".to_owned() };
                Line::from(vec![
                    Span::raw(if is_chosen { " ▶ " } else { "   " }),
                    Span::styled(format!("{digit} "), KEY),
                    Span::styled(format!(" {} ", pick.title()), style),
                ])
            });
            frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inside);
        }
    }
}

/// A box with so many rows inside, above the last line.
fn place(area: Rect, rows: usize) -> Rect {
    let height = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(2).min(area.height.saturating_sub(1));
    Rect { y: area.bottom().saturating_sub(height + 1), height, ..area }
}

fn filter(frame: &mut Frame<'_>, area: Rect, input: &Input) {
    let (before, after) = input.parts();
    let columns = usize::from(area.width).saturating_sub(4);
    let shown = hard_wrap(before, columns);
    let shown = shown.last().copied().unwrap_or_default();
    frame.render_widget(Clear, area);
    frame
        .render_widget(Line::from(vec![Span::styled(" /", KEY), Span::raw(format!("{shown}{after}"))]), area);
    let x = area.x + u16::try_from(shown.width() + 2).unwrap_or(0);
    frame.set_cursor_position(Position { x, y: area.y });
}
