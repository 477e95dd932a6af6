//! Commands to a processor whose state is behind the log: two of them on one log, one held up.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use sos_processor::Config;
use sos_proto::alert::v1::{
    AcknowledgeAlertRequest, AddNoteRequest, Alert, AlertState, ListAlertsRequest, ResolveAlertRequest,
};
use sos_proto::device::v1::Fault;
use sos_proto::event::v1::Disposition;
use sos_proto::event::v1::event::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::gated::Gated;
use super::support::{Client, Town, by, config, list, log, timeline};

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

// P6: who insists on a revision is not passed by a press that is in the log but not in the state yet.
#[tokio::test]
async fn a_press_in_between_aborts_who_insists_on_the_revision() {
    let (quick, slow, gate) = two().await;
    let (mut client, mut late) = (quick.client().await, slow.client().await);
    let alert_id = quick.press("door").await;
    let taken = take(&mut client, "asel", &alert_id, None).await.unwrap();
    slow.settle(&mut late).await;
    gate.close_until_asked();
    quick.press("door").await;
    let closing = |expected_revision| ResolveAlertRequest {
        alert_id: alert_id.clone(),
        request_id: format!("close-{expected_revision:?}"),
        expected_revision,
        disposition: Disposition::Accidental.into(),
        note: String::new(),
    };
    let told = late.resolve_alert(by("asel", closing(Some(taken.revision)))).await.unwrap_err();
    assert_eq!(told.code(), Code::Aborted, "{told:?}");
    assert_eq!(told.get_details_error_info().unwrap().metadata["revision"], "3");
    let (alert, positions) = timeline(&mut late, &alert_id).await;
    assert_eq!((alert.state(), alert.attention, positions), (AlertState::Acknowledged, true, vec![1, 2, 3]));

    // Events in between that do not change the alert are no reason to abort, and who insists on nothing
    // is not stopped by a press.
    gate.close_until_asked();
    quick.happens("hall", "door", Body::Fault(Fault::default())).await;
    let noted = AddNoteRequest {
        alert_id: alert_id.clone(),
        request_id: "note".into(),
        expected_revision: Some(3),
        note: "on the phone".into(),
    };
    late.add_note(by("asel", noted)).await.unwrap();
    gate.close_until_asked();
    quick.press("door").await;
    let closed = late.resolve_alert(by("asel", closing(None))).await.unwrap().into_inner().alert.unwrap();
    assert_eq!((closed.state(), closed.press_count), (AlertState::Resolved, 3));
    quick.stop().await.unwrap();
    slow.stop().await.unwrap();
}

// P10: calls that cannot be answered yet do not pile up.
#[tokio::test]
async fn calls_at_once_are_counted() {
    let gate = Gated::new(log(), true);
    let town = Town::on(gate.clone(), Config { calls_max: 1, ..config() }).await;
    let mut client = town.client().await;
    let alert_id = town.press("door").await;
    town.settle(&mut client).await;
    gate.close();
    let (mut waiting, mut refused) = (client.clone(), client.clone());
    let taking = take(&mut waiting, "asel", &alert_id, None);
    let looking = async {
        // Once its event is in the log, the command waits for the fold.
        assert!(gate.unheld(2).next().await.unwrap().is_ok());
        let told = refused.list_alerts(ListAlertsRequest::default()).await.unwrap_err();
        gate.open();
        told
    };
    let (taken, told) = tokio::join!(taking, looking);
    assert_eq!(taken.unwrap().owner, "asel");
    assert_eq!(told.code(), Code::ResourceExhausted);
    assert_eq!(told.get_details_quota_failure().unwrap().violations[0].subject, "calls_max");
    assert_eq!(list(&mut client, None).await.len(), 1);
    town.stop().await.unwrap();
}
