//! A line of text that is being typed.

use crate::key::Key;

/// How long a text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    Chars(usize),
    Bytes(usize),
}

/// Longest note, in characters; as in the contract.
pub const TEXT_MAX: Limit = Limit::Chars(2_000);

/// Longest name of a unit or an operator, in bytes; as in the contract.
pub const NAME_MAX: Limit = Limit::Bytes(128);

/// A line of text, and where the cursor is in it. What is beyond the limit is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    before: String,
    after: String,
    limit: Limit,
}

impl Input {
    /// A line with the cursor at its end.
    pub fn new(text: &str, limit: Limit) -> Self {
        Self { before: text.to_owned(), after: String::new(), limit }
    }

    /// All of it.
    pub fn text(&self) -> String {
        format!("{}{}", self.before, self.after)
    }

    /// What is before and behind the cursor.
    pub fn parts(&self) -> (&str, &str) {
        (&self.before, &self.after)
    }

    /// How much more fits, in what the limit counts.
    pub fn room(&self) -> usize {
        match self.limit {
            Limit::Chars(max) => max.saturating_sub(self.before.chars().count() + self.after.chars().count()),
            Limit::Bytes(max) => max.saturating_sub(self.before.len() + self.after.len()),
        }
    }

    /// Takes a key that edits; others have no effect.
    pub fn key(&mut self, key: &Key) {
        match key {
            Key::Char(c) => self.insert(*c),
            Key::Paste(text) => text.chars().for_each(|c| self.insert(c)),
            Key::Backspace => drop(self.before.pop()),
            Key::Delete => drop(take_first(&mut self.after)),
            Key::Left => {
                if let Some(c) = self.before.pop() {
                    self.after.insert(0, c);
                }
            }
            Key::Right => self.before.extend(take_first(&mut self.after)),
            Key::Home | Key::Ctrl('a') => self.after.insert_str(0, &std::mem::take(&mut self.before)),
            Key::End | Key::Ctrl('e') => self.before.push_str(&std::mem::take(&mut self.after)),
            Key::Ctrl('u') => self.before.clear(),
            Key::Ctrl('w') => {
                let rest = self.before.trim_end();
                let end = rest.rfind(char::is_whitespace).map_or(0, |at| at + 1);
                self.before.truncate(end);
            }
            _ => {}
        }
    }

    /// A new line is a blank here; other control characters are no text.
    fn insert(&mut self, c: char) {
        let c = if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c };
        let size = match self.limit {
            Limit::Chars(_) => 1,
            Limit::Bytes(_) => c.len_utf8(),
        };
        if !c.is_control() && size <= self.room() {
            self.before.push(c);
        }
    }
}

fn take_first(text: &mut String) -> Option<char> {
    (!text.is_empty()).then(|| text.remove(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_any_script_is_edited() {
        let mut input = Input::new("", TEXT_MAX);
        for c in "Көмек келді".chars() {
            input.key(&Key::Char(c));
        }
        for key in
            [Key::Backspace, Key::Left, Key::Char('ө'), Key::Home, Key::Delete, Key::Char('к'), Key::End]
        {
            input.key(&key);
        }
        assert_eq!(input.text(), "көмек келөд");
        input.key(&Key::Ctrl('w'));
        assert_eq!(input.text(), "көмек ");
    }

    #[test]
    fn nothing_is_taken_beyond_the_limit() {
        let mut note = Input::new("", TEXT_MAX);
        note.key(&Key::Paste("ә".repeat(2_100)));
        assert_eq!((note.text().chars().count(), note.room()), (2_000, 0));
        let mut name = Input::new("", NAME_MAX);
        name.key(&Key::Paste("ә".repeat(100)));
        assert_eq!(name.text().len(), 128);
        let mut line = Input::new("", TEXT_MAX);
        line.key(&Key::Paste("a\r\nb\u{1b}[2J".to_owned()));
        assert_eq!(line.text(), "a  b[2J");
    }
}
