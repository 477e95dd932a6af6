//! The contract in words for people, as text that a terminal can show.
//!
//! Invariant: what comes from outside is shown and never obeyed: no character of it moves the cursor, changes
//! colours or turns the direction of writing.

mod event;
mod marks;

use sos_proto::alert::v1::{Alert, AlertKind};

pub use event::what;
pub(crate) use marks::{marks, oddities, status};

/// Text from outside for a terminal: what would steer it is replaced, a new line by a blank.
#[must_use]
pub fn plain(text: &str) -> String {
    let shown = |c| match c {
        '\n' | '\t' => ' ',
        c if c.is_control() || turns_writing(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.replace("\r\n", " ").chars().map(shown).collect()
}

/// Whether a character changes where the others of its line stand.
fn turns_writing(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The name of an enum value without its prefix, in lower case.
#[must_use]
pub fn short(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_lowercase().replace('_', " ")
}

/// What kind of help is asked for, or that something does not work.
#[must_use]
pub fn kind(alert: &Alert) -> String {
    match alert.kind() {
        AlertKind::Technical => "technical".to_owned(),
        _ if alert.category == 0 => "general".to_owned(),
        _ => short(alert.category().as_str_name(), "CATEGORY_"),
    }
}

/// Building, floor and room, as far as they are known.
#[must_use]
pub fn place(alert: &Alert) -> Vec<String> {
    let parts = alert.place.iter().flat_map(|place| [&place.building, &place.floor, &place.room]);
    parts.filter(|part| !part.is_empty()).map(|part| plain(part)).collect()
}

/// Site and place of an alert, to speak of it.
#[must_use]
pub(crate) fn name(alert: &Alert) -> String {
    let site = if alert.site_name.is_empty() { &alert.site_id } else { &alert.site_name };
    let mut parts = vec![plain(site)];
    parts.extend(place(alert));
    if parts.len() == 1 {
        parts.push(plain(&alert.device_id));
    }
    parts.retain(|part| !part.is_empty());
    if parts.is_empty() { "everything".to_owned() } else { parts.join(" · ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_steers_the_terminal() {
        assert_eq!(plain("\u{1b}[2Jgone\u{7}\u{9b}31m"), "\u{fffd}[2Jgone\u{fffd}\u{fffd}31m");
        assert_eq!(plain("one\r\ntwo\tthree\nfour"), "one two three four");
        assert_eq!(plain("\u{202e}kcab\u{2069}"), "\u{fffd}kcab\u{fffd}");
        assert_eq!(plain("өрт, 2-қабат"), "өрт, 2-қабат");
    }
}
