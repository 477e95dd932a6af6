//! The promises of the event log, on every implementation.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use futures::StreamExt as _;
use sos_eventlog::store::MemoryStore;
use sos_eventlog::{Append, AppendError, Chain, EventLog, Expected, LocalLog, RemoteLog};
use sos_proto::event::v1::{DeviceOrigin, Event};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// An event that device `d` numbered.
fn numbered(boot_id: &str, sequence: u64) -> Event {
    Event {
        event_id: format!("{boot_id}-{sequence}"),
        site_id: "s".to_owned(),
        device_id: "d".to_owned(),
        origin: Some(DeviceOrigin { boot_id: boot_id.to_owned(), sequence, ..DeviceOrigin::default() }),
        ..Event::default()
    }
}

/// An event that an operator commanded.
fn command(alert_id: &str, request_id: &str) -> Event {
    Event {
        event_id: format!("event-of-{request_id}"),
        alert_id: alert_id.to_owned(),
        request_id: request_id.to_owned(),
        ..Event::default()
    }
}

/// Runs a check on a log in memory, on disk, and over the network.
async fn on_every_log<F: AsyncFn(Arc<dyn EventLog>)>(check: F) {
    check(Arc::new(LocalLog::in_memory())).await;

    let dir = tempfile::tempdir().unwrap();
    let log = LocalLog::open(dir.path()).unwrap();
    check(Arc::new(log.clone())).await;
    log.close().await;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(sos_eventlog::serve(listener, Arc::new(LocalLog::in_memory()), CancellationToken::new()));
    let channel = tonic::transport::Channel::from_shared(address).unwrap().connect().await.unwrap();
    check(Arc::new(RemoteLog::new(sos_proto::link::Bearer::default().over(channel)))).await;
}

// P2: however often an event is appended, the log holds it once, and a repeat learns of the first.
#[tokio::test]
async fn a_repeat_is_answered_with_the_first() {
    on_every_log(async |log| {
        let first = log.append(Append::one(numbered("boot", 1))).await.unwrap().remove(0);
        assert_eq!((first.position, first.duplicate), (1, false));
        let mut again = numbered("boot", 1);
        again.event_id = "another".to_owned();
        let repeat = log.append(Append::one(again)).await.unwrap().remove(0);
        assert!(repeat.duplicate);
        assert_eq!(
            (repeat.position, &*repeat.event_id, repeat.recorded_at),
            (1, "boot-1", first.recorded_at)
        );
        assert_eq!(log.head().await.unwrap().position, 1);
    })
    .await;
}

// P3: a number without a boot id is no identity, because such a device may start again at 1.
#[tokio::test]
async fn what_is_not_numbered_is_always_new() {
    on_every_log(async |log| {
        for event in [numbered("", 1), numbered("", 1), numbered("boot", 0), numbered("boot", 0)] {
            assert!(!log.append(Append::one(event)).await.unwrap()[0].duplicate);
        }
        assert_eq!(log.head().await.unwrap().position, 4);
    })
    .await;
}

// P2: repeats that race each other are found within one commit as well.
#[tokio::test(flavor = "multi_thread")]
async fn racing_repeats_are_recorded_once() {
    on_every_log(async |log| {
        let mut tasks = JoinSet::new();
        for _ in 0..20 {
            for sequence in 1..=10 {
                let log = Arc::clone(&log);
                tasks
                    .spawn(async move { log.append(Append::one(numbered("boot", sequence))).await.unwrap() });
            }
        }
        let answers: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
        assert_eq!(answers.iter().filter(|a| !a.duplicate).count(), 10);
        for answer in &answers {
            let first = answers.iter().find(|a| !a.duplicate && a.event_id == answer.event_id).unwrap();
            assert_eq!(first.position, answer.position);
        }
        assert_eq!(log.head().await.unwrap().position, 10);
    })
    .await;
}

// P6: of two who expect the same end of a stream, one wins; the other learns where the stream ends now.
#[tokio::test]
async fn a_stream_is_extended_only_where_it_is_expected_to_end() {
    on_every_log(async |log| {
        let append = |request: &str, position| Append {
            events: vec![command("alert", request)],
            expected: vec![Expected::alert("alert", position)],
        };
        log.append(Append::one(numbered("boot", 1))).await.unwrap();
        assert_eq!(log.append(append("r1", 0)).await.unwrap()[0].position, 2);
        match log.append(append("r2", 0)).await {
            Err(AppendError::Conflict { stream, actual: 2 }) if stream == "alert" => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(log.append(append("r2", 2)).await.unwrap()[0].position, 3);
        // A repeat gets its first answer, although the stream has moved on.
        let repeat = log.append(append("r1", 0)).await.unwrap().remove(0);
        assert_eq!((repeat.position, repeat.duplicate), (2, true));
    })
    .await;
}

// P6: a command that depends on what the call point has said loses to a press that came meanwhile.
#[tokio::test]
async fn a_press_extends_the_stream_of_its_call_point() {
    on_every_log(async |log| {
        log.append(Append::one(numbered("boot", 1))).await.unwrap();
        let append = |position| Append {
            events: vec![command("alert", "r1")],
            expected: vec![Expected::alert("alert", 0), Expected::call_point("s", "d", position)],
        };
        log.append(Append::one(numbered("boot", 2))).await.unwrap();
        match log.append(append(1)).await {
            Err(AppendError::Conflict { stream, actual: 2 }) if stream == "s/d" => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(log.append(append(2)).await.unwrap()[0].position, 3);
    })
    .await;
}

// P10: an append beyond the limits is refused, and the reason names the field.
#[tokio::test]
async fn appends_have_limits() {
    on_every_log(async |log| {
        let large = Event { traceparent: "x".repeat(16 * 1024), ..Event::default() };
        for events in [vec![], vec![Event::default(); 65], vec![large]] {
            match log.append(Append { events, expected: Vec::new() }).await {
                Err(AppendError::Invalid(reason)) => assert!(reason.starts_with("events: "), "{reason}"),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(log.head().await.unwrap().position, 0);
    })
    .await;
}

// P5: a follower sees every event once, in order, wherever it starts and however fast others append.
#[tokio::test(flavor = "multi_thread")]
async fn followers_miss_nothing() {
    const EVENTS: u64 = 3_000;
    on_every_log(async |log| {
        let mut tasks = JoinSet::new();
        for from in [1, 2, 1_500] {
            let log = Arc::clone(&log);
            tasks.spawn(async move {
                let mut batches = log.follow(from);
                let mut next = from;
                while next <= EVENTS {
                    let batch = batches.next().await.unwrap().unwrap();
                    assert_eq!(batch.first(), next);
                    assert!(batch.events().all(|(_, e)| !e.site_id.is_empty()));
                    next = batch.end();
                }
            });
        }
        for writer in 0..30 {
            let log = Arc::clone(&log);
            tasks.spawn(async move {
                for sequence in 1..=EVENTS / 30 {
                    log.append(Append::one(numbered(&format!("boot-{writer}"), sequence))).await.unwrap();
                }
            });
        }
        tasks.join_all().await;
        assert_eq!(log.head().await.unwrap().position, EVENTS);
    })
    .await;
}

// P1, P2, P11: what was answered is there after a restart, and so is what makes repeats and races known.
#[tokio::test]
async fn a_restart_forgets_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = LocalLog::open(dir.path()).unwrap();
    for sequence in 1..=200 {
        log.append(Append::one(numbered("boot", sequence))).await.unwrap();
    }
    log.append(Append::one(command("alert", "r1"))).await.unwrap();
    let head = log.head().await.unwrap();
    log.close().await;
    assert!(matches!(log.append(Append::one(Event::default())).await, Err(AppendError::Unavailable(_))));
    drop(log);

    let log = LocalLog::open(dir.path()).unwrap();
    assert_eq!(log.head().await.unwrap(), head);
    assert!(log.append(Append::one(numbered("boot", 77))).await.unwrap()[0].duplicate);
    assert!(log.append(Append::one(command("alert", "r1"))).await.unwrap()[0].duplicate);
    let expected = vec![Expected::alert("alert", 0)];
    let lost = log.append(Append { events: vec![command("alert", "r2")], expected }).await;
    assert!(matches!(lost, Err(AppendError::Conflict { actual: 201, .. })));

    let mut chain = Chain::default();
    while let Some(record) = log.read_records(chain.head().position + 1, 3).await.unwrap().first() {
        chain.take(record).unwrap();
    }
    assert_eq!(chain.head(), head);
}

#[tokio::test]
async fn a_second_process_is_told_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let _log = LocalLog::open(dir.path()).unwrap();
    let error = LocalLog::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("in use by another process") && error.lines().count() == 1, "{error}");
}

// P10: a follower that reads nothing does not hold up the writer, and catches up from the store.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_follower_costs_only_itself() {
    let log: LocalLog<MemoryStore> = LocalLog::in_memory();
    let mut batches = log.follow(1);
    log.append(Append::one(numbered("boot", 1))).await.unwrap();
    assert_eq!(batches.next().await.unwrap().unwrap().first(), 1);
    for sequence in 2..=2_000 {
        log.append(Append::one(numbered("boot", sequence))).await.unwrap();
    }
    let mut next = 2;
    while next <= 2_000 {
        let batch = batches.next().await.unwrap().unwrap();
        assert_eq!(batch.first(), next);
        next = batch.end();
    }
    log.close().await;
    assert!(batches.next().await.is_none());
}
