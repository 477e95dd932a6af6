//! What the log answers, and when, on a disk that is slow or fails.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Condvar, Mutex};

use futures::{FutureExt as _, StreamExt as _, poll};
use sos_eventlog::store::{MemoryStore, Records, Store, StoreError};
use sos_eventlog::{Append, AppendError, EventLog, Head, LocalLog, Record};
use sos_proto::event::v1::Event;

/// What the next syncs do.
#[derive(Clone, Copy, PartialEq)]
enum Disk {
    Works,
    Hangs,
    Fails,
}

/// A store on a disk that does as it is told.
#[derive(Clone)]
struct Told {
    records: Arc<MemoryStore>,
    disk: Arc<(Mutex<Disk>, Condvar)>,
    syncs: tokio::sync::watch::Sender<u32>,
}

impl Told {
    fn new() -> Self {
        let disk = Arc::new((Mutex::new(Disk::Works), Condvar::new()));
        Self { records: Arc::default(), disk, syncs: tokio::sync::watch::channel(0).0 }
    }

    fn tell(&self, disk: Disk) {
        *self.disk.0.lock().unwrap() = disk;
        self.disk.1.notify_all();
    }
}

impl Store for Told {
    fn put(&self, record: &Record) -> Result<(), StoreError> {
        self.records.put(record)
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.syncs.send_modify(|syncs| *syncs += 1);
        let disk = self.disk.1.wait_while(self.disk.0.lock().unwrap(), |disk| *disk == Disk::Hangs).unwrap();
        match *disk {
            Disk::Fails => Err(StoreError::Failed("no space left".to_owned())),
            _ => Ok(()),
        }
    }

    fn anchor(&self, head: &Head) -> Result<(), StoreError> {
        self.records.anchor(head)
    }

    fn anchored(&self) -> Result<Option<Head>, StoreError> {
        self.records.anchored()
    }

    fn scan(&self, position: u64) -> Records<'_> {
        self.records.scan(position)
    }
}

// P1, P5: nothing is answered, and nobody is shown anything, before the sync has returned.
#[tokio::test]
async fn nothing_is_answered_before_the_sync_returned() {
    let store = Told::new();
    store.tell(Disk::Hangs);
    let log = LocalLog::start(store.clone(), None).unwrap();
    let mut follower = log.follow(1);
    let mut append = log.append(Append::one(Event::default()));
    assert!(poll!(&mut append).is_pending());
    store.syncs.subscribe().wait_for(|syncs| *syncs == 1).await.unwrap();
    // It is written, and the sync is under way.
    assert!(poll!(&mut append).is_pending());
    assert_eq!(log.head().await.unwrap().position, 0);
    assert!(log.read(1, 1).await.unwrap().is_empty());
    assert!(follower.next().now_or_never().is_none());
    store.tell(Disk::Works);
    assert_eq!(append.await.unwrap()[0].position, 1);
    assert_eq!(follower.next().await.unwrap().unwrap().first(), 1);
}

// P1: after a failed sync nobody knows what is on the disk: nothing is answered any more, and it is never
// tried again as if it had worked. A restart tells what is there.
#[tokio::test]
async fn a_failed_sync_ends_the_log() {
    let store = Told::new();
    let log = LocalLog::start(store.clone(), None).unwrap();
    let event = |id: &str| Event { request_id: id.to_owned(), ..Event::default() };
    log.append(Append::one(event("r1"))).await.unwrap();
    store.tell(Disk::Fails);
    let refused = log.append(Append::one(event("r2"))).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    assert!(log.failed().await.contains("no space left"));
    store.tell(Disk::Works);
    let refused = log.append(Append::one(event("r3"))).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    assert_eq!(log.head().await.unwrap().position, 1);
    assert_eq!(*store.syncs.borrow(), 2);
    log.close().await;

    // What was not acknowledged may be there all the same; a repeat finds out.
    let log = LocalLog::start(store, None).unwrap();
    assert!(log.append(Append::one(event("r1"))).await.unwrap()[0].duplicate);
    assert_eq!(log.append(Append::one(event("r2"))).await.unwrap()[0].position, 2);
}
