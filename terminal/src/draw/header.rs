//! The first line: whether the screen can be believed, how much is open, who and when.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr as _;

use super::{ALARM, QUIET};
use crate::clock::{Moment, length};
use crate::screen::{List, Screen, Standing};
use crate::width::fit;
use crate::words;

/// The header.
pub(super) fn line(screen: &Screen, columns: u16, now: Moment) -> Line<'static> {
    let columns = usize::from(columns);
    let time = screen.clock.time_and_zone(screen.clock.at(now));
    let counts = screen.listing.rows.counts();
    if let Standing::Stale { since, reason } = screen.standing(now) {
        let (begun, age) = (screen.clock.at(since), length(now.saturating_sub(since)));
        let begun = begun.map_or_else(String::new, |_| format!(" since {}", screen.clock.time(begun)));
        let right = format!("{} raised ", counts.raised);
        let left = format!(" ✖ STALE{begun} ({age}): {}", words::plain(&reason));
        let left = fit(&left, columns.saturating_sub(right.width() + 1));
        return Line::styled(format!("{left} {right}"), ALARM);
    }
    let state = match screen.standing(now) {
        Standing::Live => Span::styled(" ● LIVE ", Style::new().fg(Color::Green)),
        _ => Span::styled(" ◌ CATCHING UP ", Style::new().fg(Color::Yellow)),
    };
    let raised =
        if counts.raised > 0 { Style::new().fg(Color::LightRed).add_modifier(Modifier::BOLD) } else { QUIET };
    let mut left = vec![
        Span::styled(" SOS", Style::new().add_modifier(Modifier::BOLD)),
        state,
        Span::styled(format!(" {} raised", counts.raised), raised),
        Span::raw(format!(" · {} acknowledged", counts.acknowledged)),
    ];
    if counts.exercises > 0 {
        left.push(Span::styled(
            format!(" · {} exercise/test", counts.exercises),
            Style::new().fg(Color::Cyan),
        ));
    }
    if screen.listing.list() == List::Closed {
        left.push(Span::styled("  CLOSED ALERTS", Style::new().add_modifier(Modifier::REVERSED)));
    }
    let muted = screen.muted_for(now).map_or_else(String::new, |left| format!("MUTED {}  ", length(left)));
    let operator = words::plain(screen.operator());
    let used: usize = left.iter().map(|span| span.content.width()).sum();
    let room = columns.saturating_sub(used);
    let right = [format!("{muted}{operator}  {time} "), format!("{muted}{time} "), muted];
    let right = right.into_iter().find(|text| text.width() < room).unwrap_or_default();
    left.push(Span::raw(" ".repeat(room.saturating_sub(right.width()))));
    left.push(Span::raw(right));
    Line::from(left)
}
