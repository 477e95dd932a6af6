//! Single operations of the log, against themselves of yesterday: `cargo bench -p sos-eventlog`.
//!
//! For what they cost against the disk see `cargo xtask bench log`. Asserts nothing about time.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::TryStreamExt as _;
use futures::future::join_all;
use sos_eventlog::{Append, BATCH_EVENTS_MAX, EventLog, LocalLog, StoppedLog};
use sos_proto::event::v1::{DeviceOrigin, Event};
use tokio::runtime::{Builder, Runtime};

/// Events of the log that is read.
const LONG: u64 = 100_000;

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

fn event(sequence: u64) -> Event {
    let origin = DeviceOrigin { boot_id: "boot-1a2b3c4d".to_owned(), sequence, ..DeviceOrigin::default() };
    Event {
        event_id: format!("019ca877-0000-7000-8000-{sequence:012x}"),
        site_id: format!("school-{}", sequence % 1_000),
        device_id: format!("hall-{}", sequence % 8),
        origin: Some(origin),
        ..Event::default()
    }
}

async fn fill(log: &LocalLog) {
    let events: Vec<_> = (1..=LONG).map(event).collect();
    let appends = events
        .chunks(BATCH_EVENTS_MAX)
        .map(|events| log.append(Append { events: events.to_vec(), expected: Vec::new() }));
    join_all(appends).await.into_iter().for_each(|answer| drop(answer.unwrap()));
}

fn appending(criterion: &mut Criterion) {
    let (runtime, data) = (runtime(), tempfile::tempdir().unwrap());
    let log = LocalLog::open(data.path()).unwrap();
    let mut sequences = 1..;
    let mut next = || log.append(Append::one(event(sequences.next().unwrap_or_default())));
    let mut group = criterion.benchmark_group("append");
    group.bench_function("one", |bench| bench.iter(|| runtime.block_on(next()).unwrap()));
    group.throughput(Throughput::Elements(64));
    group.bench_function("64 at a time", |bench| {
        bench.iter(|| {
            let appends: Vec<_> = (0..64).map(|_| next()).collect();
            runtime.block_on(join_all(appends)).into_iter().for_each(|answer| drop(answer.unwrap()));
        });
    });
    group.finish();
    runtime.block_on(log.close());
}

fn reading(criterion: &mut Criterion) {
    let (runtime, data) = (runtime(), tempfile::tempdir().unwrap());
    let log = LocalLog::open(data.path()).unwrap();
    runtime.block_on(fill(&log));
    let record = runtime.block_on(log.read_records(LONG / 2, 1)).unwrap().remove(0);
    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Elements(record.decode().unwrap().events().count() as u64));
    group.bench_function("decode a full record batch", |bench| bench.iter(|| black_box(&record).decode()));
    group.throughput(Throughput::Elements(1));
    let mut known = (1..=LONG).cycle().step_by(7_919);
    group.bench_function("append a duplicate", |bench| {
        bench.iter(|| {
            let known = event(known.next().unwrap_or_default());
            assert!(runtime.block_on(log.append(Append::one(known))).unwrap().iter().all(|a| a.duplicate));
        });
    });
    runtime.block_on(log.close());
    drop(log);
    group.throughput(Throughput::Elements(LONG));
    group.bench_function("scan 100,000 events", |bench| {
        bench.iter(|| assert_eq!(runtime.block_on(scan(data.path())), LONG as usize));
    });
    group.finish();
}

/// Opens the log as `sos log export` does, and counts its events.
async fn scan(data: &Path) -> usize {
    let log = StoppedLog::open(data).unwrap();
    log.follow(1).try_fold(0, async |read, batch| Ok(read + batch.events().count())).await.unwrap()
}

criterion_group! {
    name = log;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    targets = appending, reading
}
criterion_main!(log);
