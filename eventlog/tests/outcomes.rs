//! What becomes of a log on disk when its surroundings fail it: one test for each outcome that
//! `docs/log-format.md` states and that needs no more than files.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sos_eventlog::store::{Limits, OpenError};
use sos_eventlog::{Append, EventLog, LocalLog, ReadError, Scope, StartError, StoppedLog, verify};
use sos_proto::event::v1::Event;

/// Small segments, so that a log has several.
const LIMITS: Limits = Limits { segment_bytes: u64::MAX, segment_events: 40 };

fn event(number: u64) -> Append {
    let id = format!("event-{number}");
    Append::one(Event { event_id: id.clone(), request_id: id, ..Event::default() })
}

async fn append(log: &LocalLog, numbers: RangeInclusive<u64>) {
    for number in numbers {
        assert_eq!(log.append(event(number)).await.unwrap()[0].position, number);
    }
}

fn open(data: &Path) -> Result<LocalLog, StartError> {
    LocalLog::open_with(data, LIMITS)
}

fn segment(data: &Path, first: u64) -> PathBuf {
    data.join(format!("segments/{first:020}"))
}

/// A log of 100 events in three segments, of which two are sealed. Nothing holds it.
async fn stopped_log() -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    let log = open(data.path()).unwrap();
    append(&log, 1..=100).await;
    let deadline = Instant::now() + Duration::from_secs(60);
    while ![1, 41].iter().all(|first| segment(data.path(), *first).join("seal").is_file()) {
        assert!(Instant::now() < deadline, "no segment is sealed");
        tokio::task::yield_now().await;
    }
    log.close().await;
    data
}

/// What is in every file below a directory.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path.clone());
                found.insert(path, Vec::new());
            } else {
                found.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    found
}

/// A copy of a directory.
fn copy(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for (path, bytes) in contents(dir) {
        let target = copy.path().join(path.strip_prefix(dir).unwrap());
        if path.is_dir() { fs::create_dir(target).unwrap() } else { fs::write(target, bytes).unwrap() }
    }
    copy
}

fn in_use<T>(opened: Result<T, StartError>) -> bool {
    matches!(opened, Err(StartError::Open(OpenError::InUse(_))))
}

/// An error and what caused it, in one line.
fn chain(error: StartError) -> String {
    format!("{:#}", anyhow::Error::from(error))
}

#[tokio::test]
async fn a_path_that_is_no_directory_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "not a log").unwrap();
    for path in [file.clone(), file.join("below")] {
        let refused = chain(open(&path).unwrap_err());
        assert!(refused.contains(&format!("cannot use {}", path.display())), "{refused}");
        assert!(verify(&path, &Scope::default(), |_, _| {}).is_err());
    }
    assert_eq!(fs::read(&file).unwrap(), b"not a log");
}

// P1: one process writes; whoever comes second is told, and disturbs nothing.
#[tokio::test]
async fn a_log_has_one_writer_or_many_readers() {
    let data = tempfile::tempdir().unwrap();
    let log = open(data.path()).unwrap();
    append(&log, 1..=3).await;
    let reader = || StoppedLog::open(data.path());
    assert!(in_use(open(data.path())));
    assert!(in_use(reader()));
    assert!(in_use(verify(data.path(), &Scope::default(), |_, _| {})));
    append(&log, 4..=5).await;
    log.close().await;
    drop(log);
    let readers = [reader().unwrap(), reader().unwrap()];
    assert!(in_use(open(data.path())));
    for reader in &readers {
        assert_eq!(reader.head().await.unwrap().position, 5);
    }
    drop(readers);
    append(&open(data.path()).unwrap(), 6..=6).await;
}

// P11: an auditor changes nothing, not even where the server was killed.
#[tokio::test]
async fn looking_at_a_log_writes_nothing() {
    let data = stopped_log().await;
    let killed = copy(data.path());
    fs::remove_file(segment(killed.path(), 81).join("closed")).unwrap();
    fs::create_dir(killed.path().join("segments/00000000000000000101.new")).unwrap();
    for data in [data.path(), killed.path()] {
        let before = contents(data);
        assert_eq!(verify(data, &Scope::default(), |_, _| {}).unwrap().position, 100);
        let log = StoppedLog::open(data).unwrap();
        assert_eq!(log.read(1, 1).await.unwrap()[0].first(), 1);
        assert!(log.append(event(101)).await.is_err());
        drop(log);
        assert!(contents(data) == before, "something below {} was changed", data.display());
    }
}

/// sled's own note of where its pages are, in a segment.
fn sled_snapshot(segment: &Path) -> PathBuf {
    let is_snapshot = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("snap.") && !name.ends_with("generating")
    };
    let mut files = fs::read_dir(segment).unwrap().map(|entry| entry.unwrap().path());
    files.find(is_snapshot).unwrap()
}

// P1, P11: the log is whole without sled's snapshot file, and its auditor learns that it was changed.
#[tokio::test]
async fn a_damaged_sled_snapshot_costs_nothing() {
    let data = stopped_log().await;
    // sled writes the file when it opens a database.
    let log = open(data.path()).unwrap();
    append(&log, 101..=103).await;
    log.close().await;
    drop(log);
    let name = sled_snapshot(&segment(data.path(), 81)).file_name().unwrap().to_owned();
    let file = fs::read(segment(data.path(), 81).join(&name)).unwrap();
    let mut damages = vec![Vec::new(), file[..file.len() / 2].to_vec(), vec![0xff; file.len()]];
    damages.extend((0..file.len()).step_by(file.len().div_ceil(40)).map(|at| {
        let mut bytes = file.clone();
        bytes[at] ^= 0x10;
        bytes
    }));
    for (damage, killed) in damages.iter().flat_map(|damage| [(damage, false), (damage, true)]) {
        let data = copy(data.path());
        let last = segment(data.path(), 81);
        fs::write(last.join(&name), damage).unwrap();
        if killed {
            fs::remove_file(last.join("closed")).unwrap();
            assert_eq!(verify(data.path(), &Scope::default(), |_, _| {}).unwrap().position, 103);
        } else {
            assert!(verify(data.path(), &Scope::default(), |_, _| {}).is_err());
        }
        let log = open(data.path()).unwrap();
        append(&log, 104..=104).await;
        assert_eq!(log.read(103, 1).await.unwrap()[0].first(), 103);
    }
}

// P1: damage to what is old keeps nobody from pressing today, and is told to whoever meets it.
#[tokio::test]
async fn a_log_with_a_damaged_segment_in_the_middle_takes_events() {
    let data = stopped_log().await;
    let path = segment(data.path(), 41).join("db");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let damaged = |read: Result<_, ReadError>| match read {
        Err(ReadError::Damaged { position, .. }) => position,
        Err(other) => panic!("{other}"),
        Ok(()) => panic!("nothing was noticed"),
    };
    let found = verify(data.path(), &Scope::default(), |_, _| {});
    assert!(matches!(found, Err(StartError::Read(ReadError::Damaged { position: 41..=80, .. }))));

    let log = open(data.path()).unwrap();
    append(&log, 101..=103).await;
    assert_eq!(log.read(1, 1).await.unwrap()[0].first(), 1);
    assert_eq!(log.read(102, 1).await.unwrap()[0].first(), 102);
    let position = damaged(log.read(50, 1).await.map(drop));
    assert!((41..=80).contains(&position), "{position}");
    // P2: a repeat of what cannot be read any more has no answer, and is not appended a second time.
    let repeat = log.append(event(50)).await.unwrap_err().to_string();
    assert!(repeat.contains("position 50"), "{repeat}");
    append(&log, 104..=104).await;
}
