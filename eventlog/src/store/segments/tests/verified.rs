//! What verification sees beside the batches that it is asked for: the chain before them, and every file.

use super::*;

// P11: the chain is followed from wherever the check begins, and from position 1 on it begins with nothing.
#[tokio::test]
async fn a_batch_that_names_another_before_it_is_found() {
    let other_before = |record: Record| {
        let mut bytes = record.bytes.to_vec();
        bytes[24] ^= 1;
        Record { bytes: bytes.into(), ..record }
    };
    let dir = stopped_log().await;
    tamper_last(dir.path(), |record, segment| segment.put(&other_before(record(90))).unwrap());
    let scope = Scope { from: 85, ..Scope::default() };
    let found = verify(dir.path(), &scope, |_, _| {}).unwrap_err().to_string();
    assert!(found.contains("position 90"), "{found}");

    let dir = tempfile::tempdir().unwrap();
    let log = LocalLog::open_with(dir.path(), LIMITS).unwrap();
    append(&log, 1..=2).await;
    log.close().await;
    drop(log);
    tamper_last(dir.path(), |record, segment| segment.put(&other_before(record(1))).unwrap());
    assert_eq!(first_bad(dir.path()), 1);
}

// P11: files are checked beside what is read from them, and those that hold nothing yet, too.
#[tokio::test]
async fn every_file_is_checked() {
    for (first, end) in [(41, 80), (81, EVENTS + 1)] {
        let dir = stopped_log().await;
        let db = parts::dir(dir.path(), first).join("db");
        let longer = [fs::read(&db).unwrap(), vec![0]].concat();
        fs::write(&db, longer).unwrap();
        assert!((first..=end).contains(&first_bad(dir.path())));
    }

    let dir = tempfile::tempdir().unwrap();
    LocalLog::open_with(dir.path(), LIMITS).unwrap().close().await;
    let nothing = Scope { to: Some(0), ..Scope::default() };
    assert_eq!(verify(dir.path(), &nothing, |_, _| {}).unwrap().position, 0);
    // A log that holds nothing cannot have been longer.
    fs::remove_file(dir.path().join("head")).unwrap();
    assert_eq!(checked(dir.path()).unwrap().position, 0);
    let closed = parts::dir(dir.path(), 1).join(CLOSED);
    let mut bytes = fs::read(&closed).unwrap();
    bytes[0] ^= 1;
    fs::write(&closed, bytes).unwrap();
    assert_eq!(first_bad(dir.path()), 1);
}
