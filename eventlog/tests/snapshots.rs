//! Snapshots: an offer to a consumer, taken only where it is beyond doubt.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use sos_eventlog::{Append, EventLog as _, LocalLog, Snapshot, Snapshots};
use sos_proto::event::v1::Event;

async fn log_of(events: &[&str]) -> LocalLog<sos_eventlog::store::MemoryStore> {
    let log = LocalLog::in_memory();
    for id in events {
        let event = Event { event_id: (*id).to_owned(), ..Event::default() };
        log.append(Append::one(event)).await.unwrap();
    }
    log
}

#[tokio::test]
async fn the_newest_snapshot_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(dir.path().join("snapshots"), "alerts", 3);
    let log = log_of(&["a"]).await;
    assert_eq!(snapshots.load(&log).await, None);
    let first = Snapshot { head: log.head().await.unwrap(), state: "one".into() };
    snapshots.save(&first).unwrap();
    assert_eq!(snapshots.load(&log).await, Some(first));
    log.append(Append::one(Event::default())).await.unwrap();
    let second = Snapshot { head: log.head().await.unwrap(), state: "".into() };
    snapshots.save(&second).unwrap();
    assert_eq!(snapshots.load(&log).await, Some(second));
    // Other consumers, and other versions of the same, have their own.
    for (consumer, schema) in [("lamps", 3), ("alerts", 4)] {
        assert_eq!(Snapshots::new(dir.path().join("snapshots"), consumer, schema).load(&log).await, None);
    }
}

// P4: what is damaged, or does not belong to the log, is as if it were not there.
#[tokio::test]
async fn a_doubtful_snapshot_is_ignored() {
    let dir = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(dir.path(), "alerts", 1);
    let log = log_of(&["a", "b"]).await;
    let good = Snapshot { head: log.head().await.unwrap(), state: "state".into() };
    snapshots.save(&good).unwrap();
    // Of a log that was cut, and of another one that is as long.
    assert_eq!(snapshots.load(&log_of(&["a"]).await).await, None);
    assert_eq!(snapshots.load(&log_of(&["a", "c"]).await).await, None);
    let path = dir.path().join("alerts");
    let bytes = fs::read(&path).unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(&path, changed).unwrap();
        assert_eq!(snapshots.load(&log).await, None, "byte {at}");
        fs::write(&path, &bytes[..at]).unwrap();
        assert_eq!(snapshots.load(&log).await, None, "cut at {at}");
    }
    // A crash while the next one was written leaves this one.
    fs::write(&path, &bytes).unwrap();
    fs::write(path.with_extension("part"), &bytes[..9]).unwrap();
    assert_eq!(snapshots.load(&log).await, Some(good));
}
