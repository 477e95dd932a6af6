//! P6: operators who race see one history. Every answer fits a moment between its question and itself, and what
//! was answered before a question was asked comes before it in the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use sos_proto::alert::v1::{Alert, AlertState, ReopenAlertRequest, TransferAlertRequest};
use sos_proto::event::v1::Event;
use sos_proto::event::v1::event::Body;
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::support::{Client, Town, acknowledge, by, resolve};

const OPERATORS: [&str; 4] = ["asel", "bolat", "dana", "erlan"];

/// What an operator tries.
#[derive(Debug, Clone, Copy)]
enum Try {
    Acknowledge,
    Resolve,
    Reopen,
    Transfer(usize),
}

fn tries() -> impl Strategy<Value = Vec<Vec<Try>>> {
    let one = prop_oneof![
        3 => Just(Try::Acknowledge),
        2 => Just(Try::Resolve),
        2 => Just(Try::Reopen),
        2 => (0..OPERATORS.len()).prop_map(Try::Transfer),
    ];
    proptest::collection::vec(proptest::collection::vec(one, 12), OPERATORS.len())
}

/// A question and its answer: how far the log had come before and after, and what was said.
struct Asked {
    before: u64,
    after: u64,
    answer: Result<Alert, Status>,
}

async fn ask(
    client: &mut Client,
    operator: &str,
    alert_id: &str,
    request_id: &str,
    what: Try,
) -> Result<Alert, Status> {
    match what {
        Try::Acknowledge => acknowledge(client, operator, alert_id, request_id).await,
        Try::Resolve => resolve(client, operator, alert_id, request_id).await,
        Try::Reopen => {
            let request = ReopenAlertRequest {
                alert_id: alert_id.into(),
                request_id: request_id.into(),
                ..ReopenAlertRequest::default()
            };
            Ok(client.reopen_alert(by(operator, request)).await?.into_inner().alert.unwrap())
        }
        Try::Transfer(to) => {
            let request = TransferAlertRequest {
                alert_id: alert_id.into(),
                request_id: request_id.into(),
                to_operator: OPERATORS[to].into(),
                ..TransferAlertRequest::default()
            };
            Ok(client.transfer_alert(by(operator, request)).await?.into_inner().alert.unwrap())
        }
    }
}

/// State and owner of the only alert after each event: a model, told in other words than the rules.
fn history(events: &[Event]) -> Vec<(AlertState, String)> {
    let mut now = (AlertState::Raised, String::new());
    let mut history = vec![now.clone()];
    for event in events {
        match &event.body {
            Some(Body::AlertAcknowledged(_) | Body::AlertReopened(_)) => {
                now = (AlertState::Acknowledged, event.actor.clone());
            }
            Some(Body::AlertTransferred(transferred)) => now.1.clone_from(&transferred.to_operator),
            Some(Body::AlertResolved(_)) => now.0 = AlertState::Resolved,
            _ => {}
        }
        history.push(now.clone());
    }
    history
}

async fn race(tries: Vec<Vec<Try>>) {
    let town = Town::new().await;
    let alert_id = town.press("door").await;
    town.settle(&mut town.client().await).await;
    // The greatest position that anybody has been told of.
    let told = Arc::new(AtomicU64::new(1));
    let mut racers = JoinSet::new();
    for (operator, tries) in OPERATORS.into_iter().zip(tries) {
        let (mut client, log) = (town.client().await, Arc::clone(&town.log));
        let (told, alert_id) = (Arc::clone(&told), alert_id.clone());
        racers.spawn(async move {
            let mut asked = Vec::new();
            for (number, what) in tries.into_iter().enumerate() {
                let before = told.load(Ordering::SeqCst);
                let answer =
                    ask(&mut client, operator, &alert_id, &format!("{operator}-{number}"), what).await;
                if let Ok(alert) = &answer {
                    told.fetch_max(alert.position, Ordering::SeqCst);
                }
                let after = log.head().await.unwrap().position;
                asked.push(Asked { before, after, answer });
            }
            asked
        });
    }
    let asked = racers.join_all().await.into_iter().flatten();
    let events: Vec<_> = town.events().await.into_iter().filter_map(|recorded| recorded.event).collect();
    let history = history(&events);
    let was = |position: u64| &history[usize::try_from(position).unwrap()];
    let mut taken = 0;
    for Asked { before, after, answer } in asked {
        match answer {
            Ok(alert) => {
                taken += 1;
                assert!(before < alert.position && alert.position <= after, "{before} {alert:?} {after}");
                assert_eq!(&(alert.state(), alert.owner.clone()), was(alert.position));
            }
            Err(told) => {
                assert_eq!(told.code(), Code::FailedPrecondition, "{told:?}");
                let info = told.get_details_error_info().unwrap();
                let (state, owner) = (&info.metadata["state"], &info.metadata["owner"]);
                let fits =
                    |position: u64| was(position).0.as_str_name() == state && was(position).1 == *owner;
                assert!((before..=after).any(fits), "{told:?} between {before} and {after}");
            }
        }
    }
    assert_eq!(taken + 1, events.len());
    town.stop().await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn racing_operators_see_one_history(tries in tries()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(race(tries));
    }
}
