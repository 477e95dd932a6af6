//! Text in columns: cut, filled up and wrapped by how wide it is on a terminal.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Exactly so many columns: longer text ends in `…`, shorter text in blanks.
pub fn fit(text: &str, columns: usize) -> String {
    let width = text.width();
    if width <= columns {
        return format!("{text}{}", " ".repeat(columns - width));
    }
    let (head, _) = split(text, columns.saturating_sub(1));
    let room = columns.saturating_sub(head.width());
    let end = if room == 0 { String::new() } else { format!("…{}", " ".repeat(room - 1)) };
    format!("{head}{end}")
}

/// Lines of at most so many columns, broken between words where that is possible. At least one line.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines = vec![String::new()];
    for word in text.split_inclusive(' ') {
        let mut word = word;
        while !word.is_empty() {
            let Some(line) = lines.last_mut() else { break };
            let room = columns.saturating_sub(line.width());
            if word.trim_end().width() <= room {
                line.push_str(split(word, room).0);
                break;
            }
            if line.is_empty() {
                let (head, tail) = split(word, columns);
                line.push_str(head);
                word = tail;
            }
            lines.push(String::new());
        }
    }
    lines
}

/// Lines of exactly so many columns, as far as characters allow, broken anywhere: what is typed does not jump.
pub fn hard_wrap(text: &str, columns: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while rest.width() >= columns.max(2) {
        let (line, tail) = split(rest, columns.max(2));
        lines.push(line);
        rest = tail;
    }
    lines.push(rest);
    lines
}

/// The longest beginning of at most so many columns, and the rest.
fn split(text: &str, columns: usize) -> (&str, &str) {
    let mut width = 0;
    let end = text.char_indices().find(|(_, c)| {
        width += c.width().unwrap_or(0);
        width > columns
    });
    text.split_at(end.map_or(text.len(), |(at, _)| at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_and_not_characters() {
        assert_eq!(fit("Қала", 6), "Қала  ");
        assert_eq!(fit("Қаланың ортасы", 6), "Қалан…");
        assert_eq!(fit("日本語", 4), "日… ");
        assert_eq!((fit("ab", 1), fit("ab", 0)), ("…".to_owned(), String::new()));
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two three", 8), ["one two ", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("日本語", 1), ["日", "本", "語"]);
    }
}
