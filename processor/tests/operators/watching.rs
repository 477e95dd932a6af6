//! P5: what a watching console is told, in which order, and when it is told that all is quiet.

use std::time::Duration;

use sos_eventlog::{Append, clock};
use sos_processor::Config;
use sos_proto::alert::v1::watch_alerts_response::Event as Step;
use sos_proto::alert::v1::{AlertFilter, AlertState, WatchAlertsResponse};
use sos_proto::device::v1::{Fault, Press};
use sos_proto::event::v1::event::Body;
use sos_proto::time;
use tonic::{Code, Streaming};
use tonic_types::StatusExt as _;

use super::support::{HEARTBEAT, Town, acknowledge, config, happening, heartbeat, log, resolve, step, watch};

/// The next step in short: its position, its kind, and the alert's device and state.
async fn told(stream: &mut Streaming<WatchAlertsResponse>) -> String {
    let (position, step) = step(stream).await;
    match step {
        Step::Snapshot(alert) => {
            format!("{position} snapshot {} {}", alert.device_id, alert.state().as_str_name())
        }
        Step::SnapshotEnd(_) => format!("{position} end"),
        Step::Changed(alert) => {
            assert_eq!(alert.position, position);
            format!("{position} changed {} {}", alert.device_id, alert.state().as_str_name())
        }
        Step::Heartbeat(_) => unreachable!("left out by step"),
    }
}

fn only(state: AlertState) -> Option<AlertFilter> {
    Some(AlertFilter { states: vec![state.into()], ..AlertFilter::default() })
}

// P5: first what is open, then what changes.
#[tokio::test]
async fn a_watch_opens_with_a_snapshot() {
    let town = Town::new().await;
    let mut client = town.client().await;
    let closed = town.press("closed").await;
    let taken = town.press("taken").await;
    town.press("raised").await;
    acknowledge(&mut client, "asel", &closed, "r1").await.unwrap();
    resolve(&mut client, "asel", &closed, "r2").await.unwrap();
    acknowledge(&mut client, "asel", &taken, "r3").await.unwrap();

    let mut stream = watch(&mut client, None, 0).await.unwrap();
    assert_eq!(told(&mut stream).await, "0 snapshot taken ALERT_STATE_ACKNOWLEDGED");
    assert_eq!(told(&mut stream).await, "0 snapshot raised ALERT_STATE_RAISED");
    assert_eq!(told(&mut stream).await, "6 end");
    town.press("new").await;
    assert_eq!(told(&mut stream).await, "7 changed new ALERT_STATE_RAISED");
    resolve(&mut client, "asel", &taken, "r4").await.unwrap();
    assert_eq!(told(&mut stream).await, "8 changed taken ALERT_STATE_RESOLVED");

    let mut resolved = watch(&mut client, only(AlertState::Resolved), 0).await.unwrap();
    assert_eq!(told(&mut resolved).await, "0 snapshot closed ALERT_STATE_RESOLVED");
    assert_eq!(told(&mut resolved).await, "0 snapshot taken ALERT_STATE_RESOLVED");
    assert_eq!(told(&mut resolved).await, "8 end");
    town.stop().await.unwrap();
}

// P5: a console that returns gets each alert's newest state from there on, and nothing older.
#[tokio::test]
async fn a_watch_resumes_behind_a_position() {
    let town = Town::new().await;
    let mut client = town.client().await;
    town.press("old").await;
    let gone = town.press("gone").await;
    for _ in 0..3 {
        town.press("often").await;
    }
    acknowledge(&mut client, "asel", &gone, "r1").await.unwrap();
    resolve(&mut client, "asel", &gone, "r2").await.unwrap();
    let mut stream = watch(&mut client, None, 1).await.unwrap();
    assert_eq!(told(&mut stream).await, "5 changed often ALERT_STATE_RAISED");
    assert_eq!(told(&mut stream).await, "7 changed gone ALERT_STATE_RESOLVED");
    // Whatever state it is in now: it may have been on the screen, or in the snapshot that was cut off.
    let mut raised = watch(&mut client, only(AlertState::Raised), 1).await.unwrap();
    assert_eq!(told(&mut raised).await, "5 changed often ALERT_STATE_RAISED");
    assert_eq!(told(&mut raised).await, "7 changed gone ALERT_STATE_RESOLVED");
    town.press("old").await;
    assert_eq!(told(&mut stream).await, "8 changed old ALERT_STATE_RAISED");
    town.stop().await.unwrap();
}

#[tokio::test]
async fn what_stops_fitting_is_told_once() {
    let town = Town::new().await;
    let mut client = town.client().await;
    let first = town.press("first").await;
    let second = town.press("second").await;
    town.settle(&mut client).await;
    let mut opened = watch(&mut client, only(AlertState::Raised), 0).await.unwrap();
    for expected in ["0 snapshot first ALERT_STATE_RAISED", "0 snapshot second ALERT_STATE_RAISED", "2 end"] {
        assert_eq!(told(&mut opened).await, expected);
    }
    // Resumed when both were on its screen already; nothing has changed since.
    let mut resumed = watch(&mut client, only(AlertState::Raised), 2).await.unwrap();
    acknowledge(&mut client, "asel", &first, "r1").await.unwrap();
    resolve(&mut client, "asel", &first, "r2").await.unwrap();
    town.press("second").await;
    for stream in [&mut opened, &mut resumed] {
        let mut seen = vec![told(stream).await];
        // Taken and closed in quick succession may be told as one change, or as the first of two.
        assert!(
            ["3 changed first ALERT_STATE_ACKNOWLEDGED", "4 changed first ALERT_STATE_RESOLVED"]
                .contains(&&*seen[0]),
            "{seen:?}"
        );
        seen.push(told(stream).await);
        assert_eq!(seen[1], "5 changed second ALERT_STATE_RAISED");
    }
    acknowledge(&mut client, "asel", &second, "r3").await.unwrap();
    assert_eq!(told(&mut opened).await, "6 changed second ALERT_STATE_ACKNOWLEDGED");
    town.stop().await.unwrap();
}

// P5: who returns is told of everything on its screen that stops fitting, however much that is.
#[tokio::test]
async fn what_stops_fitting_is_told_to_who_returns() {
    let town = Town::new().await;
    let mut client = town.client().await;
    let mut opened = Vec::new();
    for device in 0..600 {
        opened.push(town.press(&format!("door-{device}")).await);
    }
    let mut stream = watch(&mut client, only(AlertState::Raised), 600).await.unwrap();
    for (device, position) in [(0, 601), (300, 602), (599, 603)] {
        acknowledge(&mut client, "asel", &opened[device], &format!("take-{device}")).await.unwrap();
        let expected = format!("{position} changed door-{device} ALERT_STATE_ACKNOWLEDGED");
        assert_eq!(told(&mut stream).await, expected);
    }
    resolve(&mut client, "asel", &opened[0], "close").await.unwrap();
    town.press("new").await;
    assert_eq!(told(&mut stream).await, "605 changed new ALERT_STATE_RAISED");
    town.stop().await.unwrap();
}

// P5: a quiet stream still says how far the log is, and what time it is.
#[tokio::test]
async fn heartbeats_carry_the_head_and_the_time() {
    let town = Town::new().await;
    let mut client = town.client().await;
    town.press("door").await;
    let filter = AlertFilter { site_ids: vec!["elsewhere".into()], ..AlertFilter::default() };
    let mut stream = watch(&mut client, Some(filter), 0).await.unwrap();
    let before = clock::now();
    let (mut last, mut beats) = (0, 0);
    // What is no business of this console, or of any alert, moves its position as well.
    while last < 3 {
        let (position, beat) = heartbeat(&mut stream).await;
        beats += 1;
        assert!(beats < 1_000, "still at position {position}");
        assert!(beat.head_position >= position && position >= last);
        assert!(time::micros(&beat.server_time.unwrap()).unwrap() >= before);
        if position == 1 && last == 0 {
            town.press("window").await;
            town.happens("hall", "door", Body::Fault(Fault::default())).await;
        }
        last = position;
    }
    town.stop().await.unwrap();
}

#[tokio::test]
async fn a_long_snapshot_and_backlog_are_complete() {
    let town = Town::new().await;
    let mut client = town.client().await;
    for device in 0..700 {
        town.press(&format!("door-{device}")).await;
    }
    let mut opening = watch(&mut client, None, 0).await.unwrap();
    let mut resuming = watch(&mut client, None, 1).await.unwrap();
    let mut snapshot = 0;
    loop {
        match step(&mut opening).await {
            (0, Step::Snapshot(alert)) => {
                snapshot += 1;
                assert_eq!(alert.position, snapshot);
            }
            (position, Step::SnapshotEnd(_)) => {
                // What the fold had not reached yet comes as changes.
                assert_eq!(position, snapshot);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    for position in snapshot + 1..=700 {
        assert_eq!(step(&mut opening).await.0, position);
    }
    for position in 2..=700 {
        assert_eq!(step(&mut resuming).await.0, position);
    }
    town.stop().await.unwrap();
}

// P10: no more consoles than agreed; a place is free again once its console is gone.
#[tokio::test]
async fn watchers_are_counted() {
    let town = Town::on(log(), Config { watchers_max: 2, ..config() }).await;
    let mut client = town.client().await;
    let first = watch(&mut client, None, 0).await.unwrap();
    let _second = watch(&mut client, None, 0).await.unwrap();
    let told = watch(&mut client, None, 0).await.unwrap_err();
    assert_eq!(told.code(), Code::ResourceExhausted);
    assert_eq!(told.get_details_quota_failure().unwrap().violations[0].subject, "watchers_max");
    drop(first);
    let freed = tokio::time::timeout(Duration::from_secs(30), async {
        let mut retry = tokio::time::interval(HEARTBEAT);
        loop {
            retry.tick().await;
            if let Ok(stream) = watch(&mut client, None, 0).await {
                return stream;
            }
        }
    });
    freed.await.unwrap();
    town.stop().await.unwrap();
}

#[tokio::test]
async fn a_shutdown_ends_every_watch() {
    let town = Town::new().await;
    let mut client = town.client().await;
    let mut stream = watch(&mut client, None, 0).await.unwrap();
    step(&mut stream).await;
    town.shutdown.cancel();
    let ended = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            ended => break ended,
        }
    };
    let told = ended.unwrap_err();
    assert_eq!((told.code(), told.message()), (Code::Unavailable, "server is shutting down"));
    town.stop().await.unwrap();
}

// P10: also a console that takes nothing any more, not even the goodbye.
#[tokio::test]
async fn a_shutdown_cuts_off_who_does_not_listen() {
    let town = Town::on(log(), Config { drain: Duration::from_millis(50), ..config() }).await;
    let mut client = town.client().await;
    for site in 0..100 {
        let press = |device| {
            happening(&format!("site-{site}"), &format!("door-{device}"), Body::Press(Press::default()))
        };
        town.log.append(Append { events: (0..50).map(press).collect(), expected: Vec::new() }).await.unwrap();
    }
    town.settle(&mut client).await;
    let mut stream = watch(&mut client, None, 0).await.unwrap();
    step(&mut stream).await;
    tokio::time::timeout(Duration::from_secs(30), town.stop()).await.expect("it ends").unwrap();
}

// P10: a console that reads nothing costs nobody anything, and later gets the newest state only.
#[tokio::test]
async fn a_slow_console_gets_the_newest_state() {
    let town = Town::new().await;
    let mut slow_client = town.client().await;
    let mut slow = watch(&mut slow_client, None, 0).await.unwrap();
    step(&mut slow).await;
    let presses: u64 = 20_000;
    for _ in 0..presses / 50 {
        let all = (0..50).map(|_| town.press("door"));
        futures::future::join_all(all).await;
    }
    let mut messages = 0;
    loop {
        messages += 1;
        if let (_, Step::Changed(alert)) = step(&mut slow).await
            && alert.press_count == presses
        {
            break;
        }
    }
    assert!(messages < presses / 2, "{messages} messages for {presses} presses");
    town.stop().await.unwrap();
}

// P10: a console that takes nothing for too long loses its place to another, and is told why.
#[tokio::test]
async fn a_console_that_takes_nothing_is_told_why_it_was_ended() {
    let limits = Config { watchers_max: 1, watch_stall: Duration::from_millis(50), ..config() };
    let town = Town::on(log(), limits).await;
    let (mut deaf_client, mut client) = (town.client().await, town.client().await);
    let mut deaf = watch(&mut deaf_client, None, 0).await.unwrap();
    let mut presses = 0;
    let mut other = loop {
        let doors: Vec<_> = (presses..presses + 50).map(|door| format!("door-{door}")).collect();
        presses += futures::future::join_all(doors.iter().map(|door| town.press(door))).await.len();
        match watch(&mut client, None, 0).await {
            Ok(stream) => break stream,
            Err(told) => assert_eq!(told.code(), Code::ResourceExhausted),
        }
        assert!(presses < 1_000_000, "the watch of a console that takes nothing goes on");
    };
    step(&mut other).await;
    let told = loop {
        match deaf.message().await {
            Ok(message) => assert!(message.is_some(), "the watch ended without a reason"),
            Err(told) => break told,
        }
    };
    assert_eq!(told.code(), Code::ResourceExhausted);
    assert!(told.message().starts_with("watch_stall: nothing was taken for 50ms"), "{}", told.message());
    town.stop().await.unwrap();
}
