//! Keys as the screen knows them.

/// One key, or a text that was pasted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    Char(char),
    Ctrl(char),
    Enter,
    Esc,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,
    Paste(String),
}

/// The letters of the Russian layout, and of the Latin one on the same keys; Kazakh ones differ in the row of digits.
const CYRILLIC: &str = "йцукенгшщзфывапролдячсмитьЙЦУКЕНГШЩЗФЫВАПРОЛДЯЧСМИТЬ.";
const LATIN: &str = "qwertyuiopasdfghjklzxcvbnmQWERTYUIOPASDFGHJKLZXCVBNM/";

/// The letter of a command on the same key of the Latin layout: nobody should have to switch in an emergency.
pub fn latin(c: char) -> char {
    CYRILLIC
        .chars()
        .zip(LATIN.chars())
        .find_map(|(cyrillic, latin)| (cyrillic == c).then_some(latin))
        .unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_work_on_the_russian_layout() {
        let latin = |keys: &str| keys.chars().map(latin).collect::<String>();
        assert_eq!(latin("фвгтекщ."), "aduntro/");
        assert_eq!(latin("adu?/"), "adu?/");
        assert_eq!(CYRILLIC.chars().count(), LATIN.chars().count());
    }
}
