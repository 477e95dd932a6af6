//! Following: thousands at once, none of them on the disk's time, and none of them on the writer's.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use futures::{FutureExt as _, StreamExt as _};
use sos_eventlog::store::FaultyStore;
use sos_eventlog::{Append, EventLog as _, LocalLog};
use sos_proto::event::v1::Event;
use tokio::task::JoinSet;

/// Followers of a busy evening.
const FOLLOWERS: usize = 3_000;

async fn append(log: &LocalLog<FaultyStore>, events: usize) {
    for _ in 0..events {
        log.append(Append::one(Event::default())).await.unwrap();
    }
}

// P5, P10: who reads at the head is told from memory, however many they are.
#[tokio::test(flavor = "multi_thread")]
async fn at_the_head_nobody_touches_the_disk() {
    let store = FaultyStore::default();
    let log = LocalLog::start(store.clone(), None).unwrap();
    append(&log, 10).await;
    let (ready, mut waiting) = tokio::sync::watch::channel(0);
    let mut tasks = JoinSet::new();
    for _ in 0..FOLLOWERS {
        let (mut batches, ready) = (log.follow(11), ready.clone());
        tasks.spawn(async move {
            // It has looked whether something is there already, and nothing is.
            assert!(batches.next().now_or_never().is_none());
            ready.send_modify(|ready| *ready += 1);
            let mut next = 11;
            while next <= 110 {
                let batch = batches.next().await.unwrap().unwrap();
                assert_eq!(batch.first(), next);
                next = batch.end();
            }
        });
    }
    waiting.wait_for(|ready| *ready == FOLLOWERS).await.unwrap();
    let scans = store.scans();
    append(&log, 100).await;
    assert_eq!(tasks.join_all().await.len(), FOLLOWERS);
    assert_eq!(store.scans(), scans);
}

// P10: one that falls behind what memory keeps goes on from the disk, and nobody waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn who_falls_behind_reads_the_disk() {
    let store = FaultyStore::default();
    let log = LocalLog::start(store.clone(), None).unwrap();
    let mut slow = log.follow(1);
    assert!(slow.next().now_or_never().is_none());
    append(&log, 2_000).await;
    let scans = store.scans();
    for expected in 1..=2_000 {
        assert_eq!(slow.next().await.unwrap().unwrap().first(), expected);
    }
    assert!(store.scans() > scans);
    log.close().await;
    assert!(slow.next().await.is_none());
}
