//! Commands to a processor whose state is behind the log: two of them on one log, one held up.

use std::sync::Arc;
use std::time::Duration;

use sos_processor::Config;
use sos_proto::alert::v1::{AcknowledgeAlertRequest, Alert};
use tonic::{Code, Status};

use super::gated::Gated;
use super::support::{Client, Town, by, config, log};

/// A processor that keeps up, one that can be held up, and the gate that does so.
async fn two() -> (Town, Town, Arc<Gated>) {
    let log = log();
    let gate = Gated::new(log.clone(), true);
    // Heartbeats ask for the head: they would open the gate.
    let rare = Config { heartbeat: Duration::from_secs(3_600), ..config() };
    (Town::on(log, config()).await, Town::on(gate.clone(), rare).await, gate)
}

async fn take(
    client: &mut Client,
    operator: &str,
    alert_id: &str,
    expected_revision: Option<u64>,
) -> Result<Alert, Status> {
    let alert_id = alert_id.to_owned();
    let request = AcknowledgeAlertRequest { alert_id, request_id: operator.into(), expected_revision };
    Ok(client.acknowledge_alert(by(operator, request)).await?.into_inner().alert.unwrap())
}

// P6: a repeat is not turned down for a state that has not seen the first one.
#[tokio::test]
async fn a_repeat_gets_the_first_answer_from_who_is_behind() {
    let (quick, slow, gate) = two().await;
    let (mut client, mut late) = (quick.client().await, slow.client().await);
    let alert_id = quick.press("door").await;
    slow.settle(&mut late).await;
    gate.close_until_asked();
    quick.press("door").await;
    quick.settle(&mut client).await;
    let first = take(&mut client, "asel", &alert_id, Some(2)).await.unwrap();
    assert_eq!(take(&mut late, "asel", &alert_id, Some(2)).await.unwrap(), first);
    quick.stop().await.unwrap();
    slow.stop().await.unwrap();
}

// P6: who decides on old state loses, and is told the owner.
#[tokio::test]
async fn a_conflict_is_decided_anew() {
    let (quick, slow, gate) = two().await;
    let (mut client, mut late) = (quick.client().await, slow.client().await);
    let alert_id = quick.press("door").await;
    quick.settle(&mut client).await;
    slow.settle(&mut late).await;
    gate.close_until_asked();
    take(&mut client, "asel", &alert_id, None).await.unwrap();
    let told = take(&mut late, "bolat", &alert_id, None).await.unwrap_err();
    assert_eq!(told.code(), Code::FailedPrecondition);
    assert!(told.message().contains("is ACKNOWLEDGED by asel"), "{}", told.message());
    assert_eq!(quick.events().await.len(), 2);
    quick.stop().await.unwrap();
    slow.stop().await.unwrap();
}
