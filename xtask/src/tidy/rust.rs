//! Takes Rust source apart into code and comments, so that a rule never trips over a string.
//!
//! No parser: it knows comments, strings and character literals, and nothing else. Invariant: both parts
//! have the lines of the source, with spaces where the other part or a literal was.

/// The two parts of a source.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) code: String,
    pub(super) comments: String,
}

#[derive(PartialEq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

/// Takes a source apart.
pub(super) fn split(source: &str) -> Parts {
    let mut parts = Parts::default();
    let mut rest = source;
    let mut previous = ' ';
    while let Some(first) = rest.chars().next() {
        let (kind, length) = piece(rest, first, previous);
        let (text, tail) = rest.split_at(length);
        let blank: String = text.chars().map(|c| if c == '\n' { c } else { ' ' }).collect();
        parts.code.push_str(if kind == Kind::Code { text } else { &blank });
        parts.comments.push_str(if kind == Kind::Comment { text } else { &blank });
        previous = first;
        rest = tail;
    }
    parts
}

/// Whether a character can stand inside a name.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether a text holds a word by itself, not as part of a longer one.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|t| t.chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// What the source goes on with, and how many bytes of it.
fn piece(rest: &str, first: char, previous: char) -> (Kind, usize) {
    if rest.starts_with("//") {
        return (Kind::Comment, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Kind::Comment, block_comment(rest));
    }
    let raw = if is_word(previous) { None } else { raw_string(rest) };
    match raw.or_else(|| string(rest)).or_else(|| character(rest)) {
        Some(length) => (Kind::Literal, length),
        None => (Kind::Code, first.len_utf8()),
    }
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(tail) = rest.get(at..).filter(|tail| !tail.is_empty()) {
        if tail.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with("*/") {
            depth -= 1;
            at += 2;
        } else {
            at += tail.chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn string(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('"')?;
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 2),
            _ => {}
        }
    }
    Some(rest.len())
}

/// `r"…"`, `r#"…"#` and their byte and C forms.
fn raw_string(rest: &str) -> Option<usize> {
    let unprefixed = ["br", "cr", "r"].iter().find_map(|prefix| rest.strip_prefix(prefix))?;
    let body = unprefixed.trim_start_matches('#').strip_prefix('"')?;
    let hashes = unprefixed.len() - body.len() - 1;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(rest.len() - body.len() + length)
}

/// A character literal, as against a lifetime.
fn character(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('\'')?;
    let mut chars = body.char_indices();
    if body.starts_with('\\') {
        // What is escaped may itself be a quote.
        return body.get(2..)?.find('\'').map(|at| at + 4);
    }
    let (_, first) = chars.next()?;
    let (at, second) = chars.next()?;
    (first != '\'' && second == '\'').then_some(at + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(source: &str) -> String {
        split(source).code.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn strings_and_comments_are_no_code() {
        assert_eq!(code(r#"a("x \" // y", 'z'); // b"#), "a( , );");
        assert_eq!(code(r##"let s = r#"a " b"#; t"##), "let s = ; t");
        assert_eq!(code("x /* a /* b */ c */ y"), "x y");
        assert_eq!(code(r"f('\'', '\u{1F600}', b'\\') + 1"), "f( , , b ) + 1");
    }

    #[test]
    fn lifetimes_and_raw_names_are_code() {
        assert_eq!(code("fn f<'a>(x: &'a str, r#fn: u8) {}"), "fn f<'a>(x: &'a str, r#fn: u8) {}");
    }

    #[test]
    fn comments_keep_their_lines() {
        let parts = split("let a = \"// no\";\n// yes\nb // too\n");
        let comments: Vec<&str> = parts.comments.lines().map(str::trim).collect();
        assert_eq!(comments, ["", "// yes", "// too"]);
        assert_eq!(parts.code.lines().count(), 3);
    }

    #[test]
    fn words_have_edges() {
        assert!(has_word("use sled;", "sled"));
        assert!(!has_word("assembled, sled_store", "sled"));
    }
}
