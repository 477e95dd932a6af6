//! What the system was asked to do before an append was answered, as `strace` sees it, and what becomes of
//! an append when the system refuses.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use sos_eventlog::{Scope, verify};

/// The example, beside this test's own executable.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join("examples/append")
}

/// Appends to one segment under strace: nothing else writes to a `db` meanwhile. Answers with what the program
/// wrote, and the trace.
fn traced(data: &Path, count: &str, inject: &[&str]) -> (Output, String) {
    traced_segments(data, [count, "1000"], "trace=pwrite64,fdatasync,write", inject)
}

/// Appends so many events, with so many in a segment.
fn traced_segments(data: &Path, numbers: [&str; 2], calls: &str, inject: &[&str]) -> (Output, String) {
    let scratch = tempfile::tempdir().unwrap();
    let trace = scratch.path().join("trace");
    let output = Command::new("strace")
        .args(["-f", "-y", "-e", calls, "-o"])
        .arg(&trace)
        .args(inject)
        .arg(example())
        .arg(data)
        .args(numbers)
        .stdin(Stdio::null())
        .output()
        .expect("strace (Debian package strace)");
    (output, std::fs::read_to_string(trace).unwrap())
}

/// The first answer that came before its event was durable: before a write to a segment, and a sync that
/// began after that write and returned, all since the answer before.
fn answered_too_early(trace: &str) -> Option<&str> {
    let (mut written, mut begun, mut synced) = (false, false, false);
    for line in trace.lines() {
        let of_segment = line.contains("/db>") && line.contains("/segments/");
        if line.contains("pwrite64(") && of_segment {
            (written, begun, synced) = (true, false, false);
        } else if line.contains("fdatasync(") && of_segment {
            begun = written;
            synced = begun && line.ends_with("= 0");
        } else if line.contains("fdatasync resumed>") {
            synced |= begun && line.ends_with("= 0");
        } else if line.contains("write(1<") && line.contains("answered ") {
            if !synced {
                return Some(line);
            }
            (written, begun, synced) = (false, false, false);
        }
    }
    None
}

// P1: no append is answered before its fdatasync returned.
#[test]
fn no_append_is_answered_before_its_fdatasync_returned() {
    let data = tempfile::tempdir().unwrap();
    let (output, trace) = traced(data.path(), "30", &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(trace.matches("answered ").count(), 30);
    assert_eq!(answered_too_early(&trace), None);
}

/// The check above finds what it is there for.
#[test]
fn an_early_answer_would_be_seen() {
    let put = "1 pwrite64(9</d/segments/1/db>, \"\", 8, 0) = 8\n";
    let sync = "2 fdatasync(9</d/segments/1/db>) = 0\n";
    let failed = "2 fdatasync(9</d/segments/1/db>) = -1 EIO (Input/output error)\n";
    let other = "2 fdatasync(9</d/head>) = 0\n";
    let unfinished = "2 fdatasync(9</d/segments/1/db> <unfinished ...>\n";
    let resumed = "2 <... fdatasync resumed>) = 0\n";
    let answer = "3 write(1<pipe:[7]>, \"answered 1\\n\", 11) = 11\n";
    for sound in [vec![put, sync, answer], vec![put, unfinished, resumed, answer]] {
        assert_eq!(answered_too_early(&sound.concat()), None);
    }
    let early = [
        vec![put, answer, sync],
        vec![sync, put, answer],
        vec![put, failed, answer],
        vec![put, other, answer],
        vec![put, unfinished, answer, resumed],
        vec![put, sync, answer, answer],
    ];
    for early in early {
        assert!(answered_too_early(&early.concat()).is_some(), "{early:?}");
    }
}

/// Appends on a disk that refuses; then what was answered is there, and nothing that was not is claimed.
fn refused(inject: &str, reason: &str) {
    let data = tempfile::tempdir().unwrap();
    let (output, _) = traced(data.path(), "30", &["-e", inject]);
    let said = String::from_utf8_lossy(&output.stdout);
    let answered = said.lines().count() as u64;
    assert!(!output.status.success() && answered < 30, "{answered} answered");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.contains(reason), "{complaint}");
    let (again, _) = traced(data.path(), "1", &[]);
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    assert!(verify(data.path(), &Scope::default(), |_, _| {}).unwrap().position > answered);
}

// P1: a failed sync is never answered, nor tried again as if it had worked.
#[test]
fn a_failed_fdatasync_ends_the_log() {
    refused("inject=fdatasync:error=EIO:when=12", "unavailable");
}

// P1: a full disk ends the log, and loses nothing that was answered.
#[test]
fn a_full_disk_ends_the_log() {
    refused("inject=pwrite64:error=ENOSPC:when=8+", "unavailable");
}

/// The first answer that came before the directory entry of its segment was durable.
fn answered_without_a_name(trace: &str) -> Option<&str> {
    let (mut made, mut begun, mut named) = (0, 0, 0);
    for line in trace.lines() {
        if let Some((_, name)) = line.split_once("/segments/").filter(|_| line.contains("rename")) {
            let first: u64 = name.get(..20).and_then(|first| first.parse().ok()).unwrap_or(0);
            made = made.max(first);
        } else if line.contains("fsync(") && line.contains("/segments>") {
            begun = made;
            named = if line.ends_with("= 0") { begun } else { named };
        } else if line.contains("<... fsync resumed>") && line.ends_with("= 0") {
            named = named.max(begun);
        } else if let Some((_, answer)) = line.split_once("\"answered ") {
            let digits = answer.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
            let position: u64 = digits.parse().unwrap();
            if named == 0 || (position >= made && named < made) {
                return Some(line);
            }
        }
    }
    None
}

// P1: a segment has its durable place in the directory before the first answer for what is in it.
#[test]
fn a_new_segment_is_synced_into_its_directory_before_it_is_used() {
    let data = tempfile::tempdir().unwrap();
    let calls = "trace=rename,renameat,renameat2,fsync,write";
    let (output, trace) = traced_segments(data.path(), ["40", "10"], calls, &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(trace.matches("answered ").count(), 40);
    assert!(trace.contains("00000000000000000031"), "the fourth segment was not made");
    assert_eq!(answered_without_a_name(&trace), None);

    let unsynced: String =
        trace.lines().filter(|l| !l.contains("/segments>")).map(|l| format!("{l}\n")).collect();
    assert!(answered_without_a_name(&unsynced).is_some(), "a missing sync would not be seen");
    let early = "1 rename(\"/d/segments/00000000000000000001.new\", \"\") = 0\n1 fsync(5</d/segments>) = 0\n\
        1 rename(\"/d/segments/00000000000000000011.new\", \"\") = 0\n1 write(1<p>, \"answered 11\\n\", 12) = 12\n\
        1 fsync(5</d/segments>) = 0\n";
    assert!(answered_without_a_name(early).is_some());
}

// A directory that cannot be written is named, whether there was a log in it or not.
#[test]
fn a_read_only_directory_is_named() {
    let data = tempfile::tempdir().unwrap();
    let calls = "trace=openat,mkdir";
    let lock = data.path().join("lock");
    let lock = lock.to_str().unwrap();
    let started = |inject: &[&str]| {
        let (output, _) = traced_segments(data.path(), ["1", "1000"], calls, inject);
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for there in ["nothing", "a log"] {
        let (success, said) = started(&["-P", lock, "-e", "inject=openat:error=EROFS"]);
        assert!(!success && said.contains(lock) && said.contains("Read-only file system"), "{there}: {said}");
        let (success, said) = started(&["-e", "inject=mkdir:error=EROFS"]);
        assert!(!success && said.contains(data.path().to_str().unwrap()), "{there}: {said}");
        let (success, said) = started(&[]);
        assert!(success, "{there}: {said}");
    }
}
