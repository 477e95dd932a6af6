//! Logs on disk, and what becomes of them when somebody changes what is stored.

mod verified;

use std::fs;

use futures::StreamExt as _;
use sos_proto::event::v1::Event;

use super::super::sled::Form;
use super::*;
use crate::{Append, EventLog as _, LocalLog, ReadError, Scope, StartError, StoppedLog, verify};

/// Small segments, so that a log has several.
const LIMITS: Limits = Limits { segment_bytes: u64::MAX, segment_events: 40 };

/// Events of a test's log: three segments, of which two are sealed.
const EVENTS: u64 = 100;

async fn append(log: &LocalLog, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        let event = Event {
            event_id: format!("event-{number}"),
            request_id: format!("request-{number}"),
            ..Event::default()
        };
        log.append(Append::one(event)).await.unwrap();
    }
}

/// Waits until every segment that ended is sealed.
fn sealed(dir: &Path, segments: usize) {
    let count = || {
        let dirs = parts::list(dir).unwrap();
        dirs.keys().filter(|first| parts::dir(dir, **first).join("seal").is_file()).count()
    };
    while count() < segments {
        std::thread::yield_now();
    }
}

/// A log of [`EVENTS`] events that was closed.
async fn stopped_log() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let log = LocalLog::open_with(dir.path(), LIMITS).unwrap();
    append(&log, 1..=EVENTS).await;
    sealed(dir.path(), 2);
    log.close().await;
    dir
}

fn checked(dir: &Path) -> Result<Head, StartError> {
    verify(dir, &Scope::default(), |_, _| {})
}

/// The first position that verification does not trust.
fn first_bad(dir: &Path) -> u64 {
    match checked(dir) {
        Err(StartError::Read(ReadError::Damaged { position, .. })) => position,
        Err(StartError::Open(OpenError::Damaged { position, .. })) => position,
        other => panic!("{other:?}"),
    }
}

/// Changes what is stored with sled itself, as somebody would who wants to leave no trace.
fn tamper(dir: &Path, first: u64, form: Form, change: impl FnOnce(&dyn Fn(u64) -> Record, &Segment)) {
    let segment = Segment::open(&parts::dir(dir, first), form).unwrap();
    let record = |position| segment.scan(position).next().unwrap().unwrap();
    change(&record, &segment);
    segment.sync().unwrap();
}

/// The same, of the last segment, and with nothing left that tells how it was closed.
fn tamper_last(dir: &Path, change: impl FnOnce(&dyn Fn(u64) -> Record, &Segment)) {
    let last = *parts::list(dir).unwrap().keys().next_back().unwrap();
    tamper(dir, last, Form::Open, change);
    fs::remove_file(parts::dir(dir, last).join(CLOSED)).unwrap();
}

/// Files that this process has open below a directory, as the system sees it.
fn opened(dir: &Path) -> Vec<PathBuf> {
    let links =
        fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    links.filter(|path| path.starts_with(dir)).collect()
}

// P11: sled tidies up where it reads, so what is sealed is never shown to it.
#[tokio::test]
async fn a_sealed_file_is_read_from_a_copy() {
    let dir = stopped_log().await;
    let log = LocalLog::open_with(dir.path(), LIMITS).unwrap();
    let mut reading = log.follow(1);
    assert_eq!(reading.next().await.unwrap().unwrap().first(), 1);
    assert!(!opened(&dir.path().join("scratch")).is_empty(), "the copy is open");
    assert_eq!(opened(&parts::dir(dir.path(), 1)), Vec::<PathBuf>::new());
    drop(reading);
    log.close().await;
}

fn copy(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    files::copy_all(dir, copy.path()).unwrap();
    copy
}

#[tokio::test]
async fn a_log_of_several_segments_is_one_log() {
    let dir = stopped_log().await;
    assert_eq!(parts::list(dir.path()).unwrap().into_keys().collect::<Vec<_>>(), [1, 41, 81]);
    assert_eq!(checked(dir.path()).unwrap().position, EVENTS);
    for restart in 0..3 {
        if restart == 1 {
            // P4: what is derived may be lost.
            fs::remove_dir_all(dir.path().join("index")).unwrap();
        }
        let log = LocalLog::open_with(dir.path(), LIMITS).unwrap();
        assert_eq!(log.head().await.unwrap().position, EVENTS);
        // P2: a repeat is known, in whichever segment the first one is.
        for number in [1, 40, 41, 79, EVENTS] {
            let event = Event { request_id: format!("request-{number}"), ..Event::default() };
            let answer = log.append(Append::one(event)).await.unwrap().remove(0);
            let expected = (number, format!("event-{number}"), true);
            assert_eq!((answer.position, answer.event_id, answer.duplicate), expected);
        }
        let followed: Vec<_> = log.follow(30).take(71).map(|b| b.unwrap().first()).collect().await;
        assert!(followed.iter().copied().eq(30..=EVENTS));
        log.close().await;
    }
    let log = StoppedLog::open(dir.path()).unwrap();
    let read: Vec<_> = log.follow(35).map(|batch| batch.unwrap().first()).collect().await;
    assert!(read.iter().copied().eq(35..=EVENTS));
}

// Sealed segments are never written again, whatever is read and however often the log is opened.
#[tokio::test]
async fn a_sealed_segment_is_never_written_again() {
    let dir = stopped_log().await;
    let sealed = parts::dir(dir.path(), 41);
    let bytes = || {
        let names = files::list(&sealed).unwrap();
        names.into_iter().map(|n| (fs::read(sealed.join(&n)).unwrap(), n)).collect::<Vec<_>>()
    };
    let before = bytes();
    for _ in 0..3 {
        let log = LocalLog::open_with(dir.path(), LIMITS).unwrap();
        assert_eq!(log.follow(1).take(90).count().await, 90);
        log.close().await;
    }
    assert_eq!(bytes(), before);
}

// P5: who reads history sees all of it, whatever is sealed meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn readers_are_not_disturbed_by_sealing() {
    let dir = tempfile::tempdir().unwrap();
    let log = LocalLog::open_with(dir.path(), LIMITS).unwrap();
    append(&log, 1..=1).await;
    let mut readers = tokio::task::JoinSet::new();
    for reader in 0..6 {
        let log = log.clone();
        readers.spawn(async move {
            let mut random = fastrand::Rng::with_seed(reader);
            while log.head().await.unwrap().position < 800 {
                let from = random.u64(1..=log.head().await.unwrap().position);
                let mut next = from;
                for batch in log.read(from, 64).await.unwrap() {
                    assert_eq!(batch.first(), next);
                    next = batch.end();
                }
                assert!(next > from);
            }
        });
    }
    append(&log, 2..=800).await;
    readers.join_all().await;
    log.close().await;
    drop(log);
    assert_eq!(checked(dir.path()).unwrap().position, 800);
}

// P11: each of 200 random single-byte changes to the files of a stored log is found.
#[tokio::test]
async fn two_hundred_changed_bytes_are_found() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let dir = stopped_log().await;
    let names = files::list(dir.path()).unwrap();
    // The index is derived, and made anew; `lock` is empty.
    let files = names.iter().filter(|n| !n.starts_with("index/")).map(|name| dir.path().join(name));
    let files: Vec<_> = files.map(|f| (fs::metadata(&f).unwrap().len(), f)).collect();
    let total: u64 = files.iter().map(|(bytes, _)| bytes).sum();
    for change in 0..200 {
        let mut at = random.u64(0..total);
        let in_file = files.iter().find(|(bytes, _)| {
            let here = at < *bytes;
            at -= if here { 0 } else { *bytes };
            here
        });
        let file = &in_file.unwrap().1;
        let good = fs::read(file).unwrap();
        let mut bad = good.clone();
        bad[usize::try_from(at).unwrap()] ^= 1 << random.u8(0..8);
        fs::write(file, bad).unwrap();
        let found = first_bad(dir.path());
        assert!((1..=EVENTS + 1).contains(&found), "change {change} of seed {seed}: {found}");
        fs::write(file, good).unwrap();
    }
    assert_eq!(checked(dir.path()).unwrap().position, EVENTS);
}

// P11: the position that is named is the first that is wrong.
#[tokio::test]
async fn what_was_changed_through_sled_is_found() {
    let dir = stopped_log().await;
    let other = copy(dir.path());
    tamper_last(other.path(), |record, segment| {
        let mut bytes = record(90).bytes.to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        segment.put(&Record { first: 90, bytes: bytes.into() }).unwrap();
    });
    assert_eq!(first_bad(other.path()), 90);

    let other = copy(dir.path());
    tamper_last(other.path(), |_, segment| segment.remove(90).unwrap());
    assert_eq!(first_bad(other.path()), 90);

    // Two batches swapped.
    let other = copy(dir.path());
    tamper_last(other.path(), |record, segment| {
        let (one, two) = (record(90), record(91));
        segment.put(&Record { first: 91, ..one }).unwrap();
        segment.put(&Record { first: 90, ..two }).unwrap();
    });
    assert_eq!(first_bad(other.path()), 90);

    // The last batch removed.
    let other = copy(dir.path());
    tamper_last(other.path(), |_, segment| segment.remove(EVENTS).unwrap());
    assert_eq!(first_bad(other.path()), EVENTS);
    assert!(LocalLog::open_with(other.path(), LIMITS).is_err());

    // In a sealed segment, and with the seal made anew.
    let other = copy(dir.path());
    tamper(other.path(), 41, Form::Packed, |_, segment| segment.remove(50).unwrap());
    assert_eq!(first_bad(other.path()), 50);
    let sealed = parts::dir(other.path(), 41);
    let seal = Seal::read(&sealed.join("seal")).unwrap().unwrap();
    let forged = Seal::of(&sealed, 41, seal.sealed).unwrap();
    files::write_whole(&sealed.join("seal"), &forged.encode()).unwrap();
    assert_eq!(first_bad(other.path()), 50);
}

// P11: a segment that is not there is missed, wherever it was.
#[tokio::test]
async fn a_missing_segment_is_found() {
    let dir = stopped_log().await;
    for first in [1, 41, 81] {
        let other = copy(dir.path());
        fs::remove_dir_all(parts::dir(other.path(), first)).unwrap();
        assert_eq!(first_bad(other.path()), first);
        let opened = LocalLog::open_with(other.path(), LIMITS).map(drop).unwrap_err().to_string();
        assert!(opened.contains(&format!("damaged at position {first}:")), "{opened}");
    }
}

// P11: a log that was written anew is not the one that was acknowledged.
#[tokio::test]
async fn a_log_that_was_written_anew_is_found() {
    let (dir, other) = (stopped_log().await, stopped_log().await);
    fs::copy(other.path().join("head"), dir.path().join("head")).unwrap();
    assert_eq!(first_bad(dir.path()), EVENTS);
    fs::write(dir.path().join("head"), "no head").unwrap();
    assert_eq!(first_bad(dir.path()), EVENTS + 1);
    fs::remove_file(dir.path().join("head")).unwrap();
    assert_eq!(first_bad(dir.path()), EVENTS + 1);
}

// A damaged log is never made worse by looking at it, or by trying to start on it.
#[tokio::test]
async fn a_damaged_log_is_left_as_it_is() {
    let dir = stopped_log().await;
    let path = parts::dir(dir.path(), 81).join("db");
    fs::remove_file(parts::dir(dir.path(), 81).join(CLOSED)).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(8).position(|w| w == b"event-90").unwrap();
    bytes[at + 7] = b'1';
    fs::write(&path, &bytes).unwrap();
    let position = first_bad(dir.path());
    assert!((81..=90).contains(&position), "{position}");
    assert!(StoppedLog::open(dir.path()).is_err());
    assert!(LocalLog::open_with(dir.path(), LIMITS).is_err());
    assert!(fs::read(&path).unwrap() == bytes);
}

// What was archived is still a part of the log: read, verified, and needed.
#[tokio::test]
async fn an_archived_segment_is_still_a_part_of_the_log() {
    let (dir, shelf) = (stopped_log().await, tempfile::tempdir().unwrap());
    let store = SegmentStore::create(dir.path(), LIMITS).unwrap();
    let moved = store.archive(shelf.path(), |tail| tail.head.position < 80, |_| {}).unwrap();
    drop(store);
    assert_eq!(moved, Some(1..=40));
    assert!(!parts::dir(dir.path(), 1).exists());
    assert_eq!(checked(dir.path()).unwrap().position, EVENTS);
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    let log = LocalLog::open_with(dir.path(), LIMITS).unwrap();
    let followed: Vec<_> = log.follow(1).take(100).map(|b| b.unwrap().first()).collect().await;
    assert!(followed.iter().copied().eq(1..=EVENTS));
    log.close().await;
    drop(log);

    // P11: also there no byte can be changed, and nothing can be taken away.
    let archive = shelf.path().join(format!("{:020}.sosarchive", 1));
    let good = fs::read(&archive).unwrap();
    for at in [0, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&archive, bad).unwrap();
        assert_eq!(first_bad(dir.path()), 1);
    }
    fs::remove_file(&archive).unwrap();
    let error = checked(dir.path()).unwrap_err().to_string();
    assert!(error.contains(archive.to_str().unwrap()), "{error}");
}

// P1: a directory that has another log's archives takes no others over them.
#[tokio::test]
async fn an_archive_of_another_log_is_left_alone() {
    let (one, two, shelf) = (stopped_log().await, stopped_log().await, tempfile::tempdir().unwrap());
    let archive = |dir: &Path| {
        let store = SegmentStore::create(dir, LIMITS).unwrap();
        store.archive(shelf.path(), |_| true, |_| {})
    };
    assert_eq!(archive(one.path()).unwrap(), Some(1..=80));
    let refused = archive(two.path()).unwrap_err().to_string();
    assert!(refused.contains("is not of this log"), "{refused}");
    for dir in [one, two] {
        assert_eq!(checked(dir.path()).unwrap().position, EVENTS);
    }
}

// P1: full batches stay in the file that we sync. sled puts large pages into files of their own, which
// nobody syncs.
#[test]
fn full_batches_stay_in_the_file_that_is_synced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("segment");
    let segment = Segment::create(&path).unwrap();
    for first in 1..=1_000 {
        let bytes = vec![b'x'; crate::BATCH_BYTES_MAX + 300].into();
        segment.put(&Record { first, bytes }).unwrap();
        segment.sync().unwrap();
    }
    assert_eq!(fs::read_dir(path.join("blobs")).unwrap().count(), 0);
}
