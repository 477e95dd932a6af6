//! Promises and the code that keeps them: `docs/protocol.md` numbers them, code and tests cite the number.
//!
//! A citation is a comment that begins `P3:` or `P3, P10:`, or that says `(P3)`. It proves nothing by
//! itself; it leads a reader to what does.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::tree::{File, numbered};

const PROTOCOL: &str = "docs/protocol.md";

/// Numbers of cited promises, and where each was met first.
type Cited<'a> = BTreeMap<u32, (&'a File, usize)>;

/// Citations of unknown promises, and promises kept but not cited at both code and test, are findings.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let Some(protocol) = files.iter().find(|file| file.path == PROTOCOL) else {
        return vec![Finding { path: PROTOCOL.to_owned(), line: 1, message: "is missing".to_owned() }];
    };
    let promises = promises(protocol);
    let known: BTreeSet<u32> = promises.iter().map(|promise| promise.number).collect();

    let (mut code, mut tests) = (Cited::new(), Cited::new());
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        for citation in citations(file) {
            if !known.contains(&citation.number) {
                let message = format!("P{} is not in {PROTOCOL}", citation.number);
                findings.push(Finding::new(file, citation.line, message));
            }
            let cited = if citation.in_test { &mut tests } else { &mut code };
            cited.entry(citation.number).or_insert((file, citation.line));
        }
    }
    for promise in promises.iter().filter(|promise| promise.is_kept) {
        for (cited, place) in [(&code, "no code"), (&tests, "no test")] {
            if !cited.contains_key(&promise.number) {
                let message = format!("P{} is said to be kept, but {place} cites it", promise.number);
                findings.push(Finding::new(protocol, promise.line, message));
            }
        }
    }
    findings
}

struct Promise {
    number: u32,
    line: usize,
    is_kept: bool,
}

/// The rows `| P1 | … |` of the table; one whose column says `later` is not kept yet.
fn promises(protocol: &File) -> Vec<Promise> {
    numbered(&protocol.text)
        .filter_map(|(line, text)| {
            let mut cells = text.strip_prefix('|')?.split('|').map(str::trim);
            let number = promise_number(cells.next()?.trim_matches('*'))?;
            Some(Promise { number, line, is_kept: cells.all(|cell| cell != "later") })
        })
        .collect()
}

struct Citation {
    number: u32,
    line: usize,
    in_test: bool,
}

fn citations(file: &File) -> Vec<Citation> {
    let tests_from = tests_from(file);
    numbered(&file.comments)
        .flat_map(|(line, comment)| {
            let in_test = line >= tests_from;
            cited(comment).into_iter().map(move |number| Citation { number, line, in_test })
        })
        .collect()
}

/// The line from which a file is test code: tests stand last.
fn tests_from(file: &File) -> usize {
    let is_test_file = file.path.split('/').any(|part| matches!(part, "tests" | "tests.rs"));
    if is_test_file {
        return 1;
    }
    let module = numbered(&file.code).find(|(_, code)| code.trim_start().starts_with("mod tests {"));
    module.map_or(usize::MAX, |(line, _)| line)
}

/// The promises that a line of comment cites.
fn cited(comment: &str) -> Vec<u32> {
    let text = comment.trim_start().trim_start_matches(['/', '!', '*']).trim_start();
    let leading = text.split_once(':').map(|(list, _)| list);
    let bracketed = text.split('(').skip(1).filter_map(|tail| tail.split_once(')')).map(|(list, _)| list);
    leading.into_iter().chain(bracketed).filter_map(number_list).flatten().collect()
}

/// `P3, P10` and nothing else.
fn number_list(list: &str) -> Option<Vec<u32>> {
    list.split(',').map(|item| promise_number(item.trim())).collect()
}

fn promise_number(text: &str) -> Option<u32> {
    text.strip_prefix('P')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::tests::findings;
    use super::*;

    const TABLE: &str = "| no. | promise | kept | where |\n| --- | --- | --- | --- |\n\
                         | P1 | Durable. | now | eventlog |\n| P2 | Once. | in part | eventlog |\n\
                         | P3 | Never refused. | later | |\n";

    #[test]
    fn every_form_of_citation_is_read() {
        assert_eq!(cited("    // P3: never refused"), [3]);
        assert_eq!(cited("/// P3, P10: both"), [3, 10]);
        assert_eq!(cited("//! Once (P2), and durable (P1, P11)."), [2, 1, 11]);
        assert_eq!(cited("// port: P3 is free, see (Pin 3) and P4"), [0; 0]);
    }

    #[test]
    fn a_kept_promise_that_nobody_cites_is_found() {
        let files = [
            (PROTOCOL, TABLE),
            ("a/src/lib.rs", "//! A (P1).\n// P2: here\nmod tests {\n    // P1: shown\n}\n"),
            ("b/src/lib.rs", "//! B.\nmod tests {\n    const X: &str = \"\n// P2: no\n\";\n}\n"),
        ];
        assert_eq!(
            findings(check, &files),
            ["docs/protocol.md:4: P2 is said to be kept, but no test cites it"]
        );
        let only_tests = [(PROTOCOL, TABLE), ("tests/tests/a.rs", "//! A (P1).\n// P2: shown\n")];
        assert_eq!(
            findings(check, &only_tests),
            [
                "docs/protocol.md:3: P1 is said to be kept, but no code cites it",
                "docs/protocol.md:4: P2 is said to be kept, but no code cites it"
            ]
        );
    }

    #[test]
    fn a_promise_that_does_not_exist_is_found() {
        let table = "| P1 | Durable. | later | |\n";
        let citing = ("a/src/lib.rs", "//! A.\n// P7: ?\n");
        assert_eq!(
            findings(check, &[(PROTOCOL, table), citing]),
            ["a/src/lib.rs:2: P7 is not in docs/protocol.md"]
        );
        assert_eq!(findings(check, &[citing]), ["docs/protocol.md:1: is missing"]);
    }
}
