//! Nothing unfinished and nothing switched off stays in the source.

use super::Finding;
use super::rust::{has_word, is_word};
use super::tree::{File, numbered};

const MACROS: [&str; 3] = ["todo!", "unimplemented!", "dbg!"];
const SKIPPED_TEST: &str = "#[ignore";
const MARKS: [&str; 3] = ["TODO", "FIXME", "XXX"];

/// A placeholder macro, a test that is skipped, and a mark to come back are findings.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    files.iter().filter(|file| file.is_rust()).flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let in_code = numbered(&file.code).flat_map(|(line, code)| {
        let macros = MACROS.iter().filter(|name| calls(code, name)).map(move |name| (line, *name));
        macros.chain(code.contains(SKIPPED_TEST).then_some((line, SKIPPED_TEST)))
    });
    let in_comments = numbered(&file.comments).flat_map(|(line, comment)| {
        MARKS.iter().filter(|mark| has_word(comment, mark)).map(move |mark| (line, *mark))
    });
    in_code
        .chain(in_comments)
        .map(|(line, what)| Finding::new(file, line, format!("left over: {what}")))
        .collect()
}

fn calls(code: &str, name: &str) -> bool {
    code.match_indices(name)
        .any(|(at, _)| !code.get(..at).and_then(|before| before.chars().next_back()).is_some_and(is_word))
}

#[cfg(test)]
mod tests {
    use super::super::tests::findings;
    use super::*;

    #[test]
    fn leftovers_are_found() {
        let bad = "//! A.\nfn f() { todo!() }\n#[ignore = \"slow\"]\n// FIXME later\nlet x = std::dbg!(y);\n";
        assert_eq!(
            findings(check, &[("a.rs", bad)]),
            [
                "a.rs:2: left over: todo!",
                "a.rs:3: left over: #[ignore",
                "a.rs:5: left over: dbg!",
                "a.rs:4: left over: FIXME"
            ]
        );
    }

    #[test]
    fn strings_and_longer_words_are_none() {
        let good = "//! A.\nlet x = \"todo!\"; // TODOS\nmy_todo!();\n";
        assert_eq!(findings(check, &[("a.rs", good)]), [""; 0]);
    }
}
