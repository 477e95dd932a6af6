//! What the system was asked to do before an append was answered, as `strace` sees it, and what becomes of
//! an append when the system refuses.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use sos_eventlog::{Scope, verify};

/// The example, beside this test's own executable.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join("examples/append")
}

/// Appends to one segment under strace: nothing else writes to a `db` meanwhile. Answers with what the program wrote, and the trace.
fn traced(data: &Path, count: &str, inject: &[&str]) -> (Output, String) {
    let scratch = tempfile::tempdir().unwrap();
    let trace = scratch.path().join("trace");
    let output = Command::new("strace")
        .args(["-f", "-y", "-e", "trace=pwrite64,fdatasync,write", "-o"])
        .arg(&trace)
        .args(inject)
        .arg(example())
        .arg(data)
        .args([count, "1000"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
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
