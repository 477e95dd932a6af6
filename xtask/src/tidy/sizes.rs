//! Small rooms: how long a file and a function may be.
//!
//! The exceptions are a ratchet: each names a file's own limit, and one that is no longer needed is a
//! finding too, so that what has shrunk stays small.

use super::Finding;
use super::rust::is_word;
use super::tree::File;

/// What counts as source.
const SOURCES: [&str; 4] = [".rs", ".ts", ".svelte", ".css"];
/// Longest file, in lines.
const FILE_LINES_MAX: usize = 400;
/// Longest function, in lines from `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;
/// Files that may be longer for now: path and lines. To be emptied, never to be filled.
const EXCEPTIONS: &[(&str, usize)] = &[];

/// Files and functions over their limit are findings.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    check_with(EXCEPTIONS, files)
}

fn check_with(exceptions: &[(&str, usize)], files: &[File]) -> Vec<Finding> {
    let sources = files.iter().filter(|file| SOURCES.iter().any(|ending| file.path.ends_with(ending)));
    let functions = files.iter().filter(|file| file.is_rust()).flat_map(check_functions);
    sources.flat_map(|file| check_file(exceptions, file)).chain(functions).collect()
}

fn check_file(exceptions: &[(&str, usize)], file: &File) -> Option<Finding> {
    let lines = file.text.lines().count();
    let exception = exceptions.iter().find(|(path, _)| *path == file.path).map(|&(_, max)| max);
    let max = exception.unwrap_or(FILE_LINES_MAX);
    let message = if lines > max {
        format!("{lines} lines, at most {max}")
    } else if exception.is_some_and(|max| lines < max) {
        format!("{lines} lines: lower its exception of {max}")
    } else {
        return None;
    };
    Some(Finding::new(file, 1, message))
}

fn check_functions(file: &File) -> Vec<Finding> {
    functions(&file.code)
        .into_iter()
        .filter(|function| function.lines > FUNCTION_LINES_MAX)
        .map(|Function { name, line, lines }| {
            Finding::new(file, line, format!("fn {name}: {lines} lines, at most {FUNCTION_LINES_MAX}"))
        })
        .collect()
}

struct Function<'a> {
    name: &'a str,
    line: usize,
    lines: usize,
}

/// Every function with a body. `fn(` is a type and `fn x();` has none.
fn functions(code: &str) -> Vec<Function<'_>> {
    code.match_indices("fn ")
        .filter_map(|(at, keyword)| {
            let (before, tail) = (code.get(..at)?, code.get(at + keyword.len()..)?);
            if before.chars().next_back().is_some_and(is_word) {
                return None;
            }
            let name = tail.split(|c| !is_word(c)).next()?;
            let body = tail.get(..body_end(tail)?)?;
            Some(Function { name, line: 1 + newlines(before), lines: 1 + newlines(body) })
        })
        .collect()
}

/// Where the body that follows a name ends; nothing if there is no body.
fn body_end(tail: &str) -> Option<usize> {
    let (mut brackets, mut braces) = (0_usize, 0_usize);
    for (at, c) in tail.char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            ';' if brackets == 0 && braces == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces = braces.checked_sub(1)?;
                if braces == 0 && brackets == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

fn newlines(text: &str) -> usize {
    text.matches('\n').count()
}

#[cfg(test)]
mod tests {
    use super::super::tests::findings;
    use super::*;

    fn function(lines: usize) -> String {
        format!("//! A.\n\nfn long(x: [u8; 2]) -> u8 {{\n{}}}\n", "    f(\"}\");\n".repeat(lines - 2))
    }

    #[test]
    fn a_long_file_is_found() {
        let [fits, too_long] = [400, 401].map(|lines| "//! A.\n".repeat(lines));
        assert_eq!(
            findings(check, &[("a.rs", &fits), ("b.rs", &too_long)]),
            ["b.rs:1: 401 lines, at most 400"]
        );
    }

    #[test]
    fn a_long_function_is_found() {
        let (fits, too_long) = (function(70), function(71));
        assert_eq!(
            findings(check, &[("a.rs", &fits), ("b.rs", &too_long)]),
            ["b.rs:3: fn long: 71 lines, at most 70"]
        );
    }

    #[test]
    fn what_has_no_body_has_no_length() {
        let code = format!("//! A.\ntrait T {{\n    fn a(&self);\n{}    fn b() {{}}\n}}\n", "\n".repeat(80));
        assert_eq!(findings(check, &[("a.rs", &code)]), [""; 0]);
    }

    #[test]
    fn an_exception_only_ever_shrinks() {
        let check = |lines: usize| {
            let file = File::new("a.rs", "//! A.\n".repeat(lines));
            check_with(&[("a.rs", 500)], &[file]).iter().map(Finding::to_string).collect::<Vec<_>>()
        };
        assert_eq!(check(500), [""; 0]);
        assert_eq!(check(501), ["a.rs:1: 501 lines, at most 500"]);
        assert_eq!(check(450), ["a.rs:1: 450 lines: lower its exception of 500"]);
    }
}
