//! One alert from its press to its second closing, by every command there is.

use sos_proto::alert::v1::{
    Alert, AlertState, DispatchUnitRequest, EscalateAlertRequest, ReopenAlertRequest, TransferAlertRequest,
    UpdateResponseRequest,
};
use sos_proto::event::v1::ResponseStatus;
use tonic::{Code, Status};

use super::support::{Client, Town, acknowledge, by, config, resolve, timeline};

/// The commands that change how an alert stands, each with what it says beside the alert.
#[derive(Debug, Clone)]
enum Step {
    Dispatch(&'static str),
    Unit(&'static str, ResponseStatus),
    Escalate,
    Transfer(&'static str),
    Reopen,
}

async fn order(
    client: &mut Client,
    operator: &str,
    alert_id: &str,
    request_id: &str,
    step: Step,
) -> Result<Alert, Status> {
    let (alert_id, request_id, expected_revision) = (alert_id.to_owned(), request_id.to_owned(), None);
    let alert = match step {
        Step::Dispatch(unit) => {
            let unit_id = unit.to_owned();
            let request = DispatchUnitRequest { alert_id, request_id, expected_revision, unit_id };
            client.dispatch_unit(by(operator, request)).await?.into_inner().alert
        }
        Step::Unit(unit, status) => {
            let (unit_id, status) = (unit.to_owned(), status.into());
            let request = UpdateResponseRequest { alert_id, request_id, expected_revision, unit_id, status };
            client.update_response(by(operator, request)).await?.into_inner().alert
        }
        Step::Escalate => {
            let reason = "needs a supervisor".to_owned();
            let request = EscalateAlertRequest { alert_id, request_id, expected_revision, reason };
            client.escalate_alert(by(operator, request)).await?.into_inner().alert
        }
        Step::Transfer(to_operator) => {
            let to_operator = to_operator.to_owned();
            let request = TransferAlertRequest { alert_id, request_id, expected_revision, to_operator };
            client.transfer_alert(by(operator, request)).await?.into_inner().alert
        }
        Step::Reopen => {
            let note = "they called again".to_owned();
            let request = ReopenAlertRequest { alert_id, request_id, expected_revision, note };
            client.reopen_alert(by(operator, request)).await?.into_inner().alert
        }
    };
    Ok(alert.unwrap())
}

// P6: every command is one event, and its repeat gets the first answer, also from another processor.
#[tokio::test]
async fn every_command_has_one_effect_and_one_answer() {
    use ResponseStatus::{Cleared, EnRoute, OnScene, Withdrawn};
    let town = Town::new().await;
    let mut client = town.client().await;
    let alert_id = town.press("door").await;
    let escalated = order(&mut client, "bolat", &alert_id, "help", Step::Escalate).await.unwrap();
    assert_eq!((escalated.escalation_level, escalated.state()), (1, AlertState::Raised));
    acknowledge(&mut client, "asel", &alert_id, "take").await.unwrap();
    let steps = [
        ("asel", Step::Dispatch("patrol-7")),
        ("asel", Step::Dispatch("ambulance-2")),
        ("bolat", Step::Unit("patrol-7", EnRoute)),
        ("bolat", Step::Unit("patrol-7", OnScene)),
        ("asel", Step::Unit("ambulance-2", Withdrawn)),
        ("asel", Step::Dispatch("ambulance-2")),
        ("dana", Step::Escalate),
        ("asel", Step::Transfer("dana")),
    ];
    let mut answers = Vec::new();
    for (number, (operator, step)) in steps.into_iter().enumerate() {
        let request_id = format!("step-{number}");
        let answer = order(&mut client, operator, &alert_id, &request_id, step.clone()).await.unwrap();
        answers.push((operator, request_id, step, answer));
    }
    let last = &answers.last().unwrap().3;
    assert_eq!((last.owner.as_str(), last.escalation_level, last.revision), ("dana", 2, 11));
    let units: Vec<_> = last.responses.iter().map(|r| (r.unit_id.as_str(), r.status())).collect();
    let expected =
        [("patrol-7", OnScene), ("ambulance-2", Withdrawn), ("ambulance-2", ResponseStatus::Dispatched)];
    assert_eq!(units, expected);
    assert!(last.responses[0].on_scene_at.is_some() && last.responses[1].cleared_at.is_some());

    let told = resolve(&mut client, "asel", &alert_id, "early").await.unwrap_err();
    assert_eq!(told.code(), Code::FailedPrecondition);
    assert!(told.message().contains("ACKNOWLEDGED by dana"), "{}", told.message());
    resolve(&mut client, "dana", &alert_id, "close").await.unwrap();
    let reopened = order(&mut client, "bolat", &alert_id, "again", Step::Reopen).await.unwrap();
    assert_eq!((reopened.state(), reopened.owner.as_str()), (AlertState::Acknowledged, "bolat"));
    let done = order(&mut client, "bolat", &alert_id, "done", Step::Unit("patrol-7", Cleared)).await.unwrap();
    resolve(&mut client, "bolat", &alert_id, "closed").await.unwrap();
    assert_eq!(timeline(&mut client, &alert_id).await.1, (1..=15).collect::<Vec<_>>());
    answers.push(("bolat", "again".to_owned(), Step::Reopen, reopened));
    answers.push(("bolat", "done".to_owned(), Step::Unit("patrol-7", Cleared), done));

    let other = Town::on(town.log.clone(), config()).await;
    for mut client in [client, other.client().await] {
        for (operator, request_id, step, answer) in &answers {
            let repeat = order(&mut client, operator, &alert_id, request_id, step.clone()).await.unwrap();
            assert_eq!(&repeat, answer);
        }
    }
    assert_eq!(town.events().await.len(), 15);
    other.stop().await.unwrap();
    town.stop().await.unwrap();
}

// P6: of an owner's two hand-overs at once one wins, and who is not the owner any more is told who is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hand_overs_one_wins() {
    let town = Town::new().await;
    let (mut one, mut two) = (town.client().await, town.client().await);
    for round in 0..50 {
        let alert_id = town.press(&format!("door-{round}")).await;
        acknowledge(&mut one, "asel", &alert_id, &format!("take-{round}")).await.unwrap();
        let requests = [format!("one-{round}"), format!("two-{round}")];
        let (first, second) = tokio::join!(
            order(&mut one, "asel", &alert_id, &requests[0], Step::Transfer("bolat")),
            order(&mut two, "asel", &alert_id, &requests[1], Step::Transfer("dana")),
        );
        let (winner, told) = match (first, second) {
            (Ok(alert), Err(told)) | (Err(told), Ok(alert)) => (alert, told),
            both => panic!("one wins and one loses, not {both:?}"),
        };
        assert_eq!(told.code(), Code::FailedPrecondition);
        assert!(told.message().contains(&format!("ACKNOWLEDGED by {} ", winner.owner)), "{}", told.message());
    }
    town.stop().await.unwrap();
}
