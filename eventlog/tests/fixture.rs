//! A log that format version 1 wrote. It is kept for ever, and every later version must read it as it is.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use futures::StreamExt as _;
use sos_eventlog::{Append, EventLog as _, LocalLog, Scope, StoppedLog, verify};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{DeviceOrigin, Event};

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/v1");

/// Digest of its newest record batch.
const HEAD: &str = "170afd698859e2642fadaec5387e19a9ff961a2ab2fa70b207d0e5942da2dcdd";

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

// P4, P11: two sealed segments and one that was closed, of 25 presses with a note each.
#[tokio::test]
async fn version_1_is_read_as_it_was_written() {
    let head = verify(Path::new(FIXTURE), &Scope::default(), |_, _| {}).unwrap();
    assert_eq!((head.position, hex(&head.hash)), (50, HEAD.to_owned()));
    let log = StoppedLog::open(Path::new(FIXTURE)).unwrap();
    let batches: Vec<_> = log.follow(1).map(|batch| batch.unwrap()).collect().await;
    assert_eq!(batches.len(), 25);
    for (number, batch) in (1..).zip(batches) {
        let events: Vec<_> = batch.events().map(|(_, event)| event.clone()).collect();
        let [press, note] = &events[..] else { panic!("{events:?}") };
        assert_eq!((press.event_id.clone(), press.device_id.as_str()), (format!("press-{number}"), "hall-1"));
        assert!(matches!(press.body, Some(Body::Press(_))));
        let Some(Body::AlertNoted(noted)) = &note.body else { panic!("{note:?}") };
        assert_eq!(noted.note, format!("Ескерту {number}"));
    }
}

// P1, P2: and a server goes on with it.
#[tokio::test]
async fn version_1_is_continued() {
    let dir = tempfile::tempdir().unwrap();
    copy(Path::new(FIXTURE), dir.path());
    for expected in [51, 52] {
        let log = LocalLog::open(dir.path()).unwrap();
        let origin = DeviceOrigin { boot_id: "b7".to_owned(), sequence: 3, ..DeviceOrigin::default() };
        let repeat = Event {
            site_id: "school-12".to_owned(),
            device_id: "hall-1".to_owned(),
            origin: Some(origin),
            ..Event::default()
        };
        let answer = log.append(Append { events: vec![repeat, Event::default()], expected: vec![] }).await;
        let answer: Vec<_> = answer.unwrap().iter().map(|a| (a.position, a.duplicate)).collect();
        assert_eq!(answer, [(5, true), (expected, false)]);
        log.close().await;
    }
    assert_eq!(verify(dir.path(), &Scope::default(), |_, _| {}).unwrap().position, 52);
}
