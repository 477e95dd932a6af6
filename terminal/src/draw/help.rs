//! The keys, explained.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::{KEY, QUIET, front};
use crate::screen::Screen;
use crate::width::fit;

/// Keys in the list's footer, the most important first.
pub(super) const LIST: [(&str, &str); 12] = [
    ("a", "take"),
    ("r", "resolve"),
    ("d", "dispatch"),
    ("u", "unit"),
    ("n", "note"),
    ("Enter", "detail"),
    ("h", "help"),
    ("q", "quit"),
    ("/", "filter"),
    ("e", "escalate"),
    ("t", "transfer"),
    ("m", "mute"),
];

/// The same of an alert's footer.
pub(super) const DETAIL: [(&str, &str); 10] = [
    ("Esc", "back"),
    ("↑↓", "scroll"),
    ("a", "take"),
    ("r", "resolve"),
    ("d", "dispatch"),
    ("u", "unit"),
    ("n", "note"),
    ("h", "help"),
    ("e", "escalate"),
    ("t", "transfer"),
];

/// All of them; `docs/terminal.md` has the same table.
const ALL: [(&str, &str); 18] = [
    ("↑↓ jk PgUp PgDn Home End", "select, scroll"),
    ("Enter", "one alert and what happened to it; Esc goes back"),
    ("a", "acknowledge: take it"),
    ("d", "dispatch a unit to an alert that is yours"),
    ("u", "report where a unit is"),
    ("n", "write a note"),
    ("t", "transfer it to another operator"),
    ("e", "escalate: ask for more help"),
    ("r", "resolve: what it turned out to be, and a note"),
    ("o", "open a resolved alert again"),
    ("s", "shelve a technical alert, or take it back"),
    ("!", "an exercise or test turns out to be actual"),
    ("/", "show only what holds these words; Esc shows all"),
    ("c", "closed alerts among those opened last, and back"),
    ("m", "no bell for a minute"),
    ("h ?", "this"),
    ("q", "back, quit"),
    ("Ctrl-C", "quit"),
];

const COLUMNS: usize = 24;

/// Whether the server lets the operator do what a key is for.
pub(super) fn is_offered(screen: &Screen, key: &str) -> bool {
    let mut letters = key.chars();
    match (letters.next(), letters.next()) {
        (Some(key), None) => screen.allows(key),
        _ => true,
    }
}

/// The keys, in front of everything else.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, screen: &Screen) {
    let keys: Vec<_> = ALL.iter().filter(|(key, _)| is_offered(screen, key)).collect();
    let height = u16::try_from(keys.len() + 4).unwrap_or(u16::MAX).min(area.height);
    let width = area.width.min(78);
    let (x, y) = ((area.width - width) / 2, (area.height - height) / 2);
    let inside = front(frame, Rect { x, y, width, height }, " Keys ".to_owned());
    let mut lines: Vec<_> = keys
        .into_iter()
        .map(|(key, what)| {
            Line::from(vec![Span::styled(format!(" {}  ", fit(key, COLUMNS)), KEY), Span::raw(*what)])
        })
        .collect();
    let marks = " AGAIN pressed again   CANCEL? asked to cancel   L2 escalated   ×3 presses";
    lines.push(Line::default());
    lines.push(Line::styled(marks, QUIET));
    frame.render_widget(Paragraph::new(lines), inside);
}
