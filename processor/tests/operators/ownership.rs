//! P6: one owner, and one effect and one answer for each request id.

use sos_proto::alert::v1::{AcknowledgeAlertRequest, AlertState};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::gated::Gated;
use super::support::{Town, acknowledge, add_note, by, config, log, resolve, timeline};

// P6: of two operators who take the same alert, one wins; the other is told who, and when.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_operators_one_wins() {
    let town = Town::new().await;
    let (mut asel, mut bolat) = (town.client().await, town.client().await);
    for round in 0..200 {
        let alert_id = town.press(&format!("door-{round}")).await;
        let (one, two) = (format!("asel-{round}"), format!("bolat-{round}"));
        let (first, second) = tokio::join!(
            acknowledge(&mut asel, "asel", &alert_id, &one),
            acknowledge(&mut bolat, "bolat", &alert_id, &two),
        );
        let (winner, told) = match (first, second) {
            (Ok(alert), Err(told)) => (alert, told),
            (Err(told), Ok(alert)) => (alert, told),
            both => panic!("one wins and one loses, not {both:?}"),
        };
        assert_eq!(winner.state(), AlertState::Acknowledged);
        assert_eq!(told.code(), Code::FailedPrecondition);
        let begin = format!("alert {alert_id} is ACKNOWLEDGED by {} since 20", winner.owner);
        assert!(told.message().starts_with(&begin), "{}", told.message());
        let info = told.get_details_error_info().unwrap();
        assert_eq!(info.metadata["state"], "ALERT_STATE_ACKNOWLEDGED");
        assert_eq!(info.metadata["owner"], winner.owner);
        assert!(info.metadata["acknowledged_at"].starts_with("20"));
        assert_eq!(told.get_details_precondition_failure().unwrap().violations[0].subject, alert_id);
    }
    town.stop().await.unwrap();
}

// P6: the same answer for ever, whatever has happened since, and by another processor on the same log.
#[tokio::test]
async fn a_repeat_gets_the_first_answer() {
    let town = Town::new().await;
    let mut client = town.client().await;
    let alert_id = town.press("door").await;
    town.press("window").await;
    let first = acknowledge(&mut client, "asel", &alert_id, "take").await.unwrap();
    town.press("door").await;
    let noted = add_note(&mut client, "bolat", &alert_id, "write").await.unwrap();
    let closed = resolve(&mut client, "asel", &alert_id, "close").await.unwrap();
    let reopened = town.press("door").await;
    assert_eq!(
        (first.state(), noted.press_count, closed.state()),
        (AlertState::Acknowledged, 2, AlertState::Resolved)
    );
    let events = town.events().await.len();

    let log = town.log.clone();
    let again = Town::on(log, config()).await;
    for mut client in [client, again.client().await] {
        assert_eq!(acknowledge(&mut client, "asel", &alert_id, "take").await.unwrap(), first);
        assert_eq!(add_note(&mut client, "bolat", &alert_id, "write").await.unwrap(), noted);
        assert_eq!(resolve(&mut client, "asel", &alert_id, "close").await.unwrap(), closed);
        let (alert, positions) = timeline(&mut client, &alert_id).await;
        assert_eq!((alert, positions), (closed.clone(), vec![1, 3, 4, 5, 6]));
        assert_eq!(timeline(&mut client, &reopened).await.1, [7]);
    }
    assert_eq!(town.events().await.len(), events);
    again.stop().await.unwrap();
    town.stop().await.unwrap();
}

// P10: a repeat costs the same, however often the alert has changed since and before.
#[tokio::test]
async fn a_repeat_reads_little_of_a_long_alert() {
    let gate = Gated::new(log(), true);
    let town = Town::on(gate.clone(), config()).await;
    let mut client = town.client().await;
    let alert_id = town.press("door").await;
    let mut taken = None;
    for press in 0..600 {
        if press == 500 {
            taken = Some(acknowledge(&mut client, "asel", &alert_id, "take").await.unwrap());
        }
        town.press("window").await;
        town.press("door").await;
    }
    let before = gate.batches_read();
    assert_eq!(acknowledge(&mut client, "asel", &alert_id, "take").await.ok(), taken);
    let read = gate.batches_read() - before;
    assert!((1..256).contains(&read), "{read} batches");
    town.stop().await.unwrap();
}

// P6: one effect, also when the repeats arrive together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeats_at_once_have_one_effect() {
    let town = Town::new().await;
    for round in 0..20 {
        let alert_id = town.press(&format!("door-{round}")).await;
        let request_id = format!("take-{round}");
        let client = town.client().await;
        let answers = futures::future::join_all((0..8).map(|_| {
            let (mut client, alert_id, request_id) = (client.clone(), &alert_id, &request_id);
            async move { acknowledge(&mut client, "asel", alert_id, request_id).await.unwrap() }
        }))
        .await;
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
        let events = town.events().await;
        let recorded = events.iter().filter(|e| e.event.as_ref().unwrap().request_id == request_id).count();
        assert_eq!(recorded, 1);
    }
    town.stop().await.unwrap();
}

#[tokio::test]
async fn a_request_id_names_one_command_only() {
    let town = Town::new().await;
    let mut client = town.client().await;
    let (one, two) = (town.press("door").await, town.press("window").await);
    acknowledge(&mut client, "asel", &one, "r").await.unwrap();
    let taken = [
        acknowledge(&mut client, "asel", &two, "r").await,
        add_note(&mut client, "asel", &one, "r").await,
        acknowledge(&mut client, "bolat", &one, "r").await,
    ];
    for answer in taken {
        let told = answer.unwrap_err();
        assert_eq!(
            (told.code(), told.message()),
            (Code::InvalidArgument, "request_id: already used for another command")
        );
        assert_eq!(told.get_details_bad_request().unwrap().field_violations[0].field, "request_id");
    }
    town.stop().await.unwrap();
}

#[tokio::test]
async fn what_the_state_does_not_allow_is_refused() {
    let town = Town::new().await;
    let mut client = town.client().await;
    let alert_id = town.press("door").await;
    let mut refusals = vec![resolve(&mut client, "asel", &alert_id, "r1").await.unwrap_err()];
    acknowledge(&mut client, "asel", &alert_id, "r2").await.unwrap();
    refusals.push(acknowledge(&mut client, "asel", &alert_id, "r3").await.unwrap_err());
    refusals.push(resolve(&mut client, "bolat", &alert_id, "r4").await.unwrap_err());
    resolve(&mut client, "asel", &alert_id, "r5").await.unwrap();
    refusals.push(acknowledge(&mut client, "bolat", &alert_id, "r6").await.unwrap_err());
    let states = refusals.iter().map(|told| {
        assert_eq!(told.code(), Code::FailedPrecondition);
        let info = told.get_details_error_info().unwrap();
        (info.metadata["state"].clone(), info.metadata["owner"].clone())
    });
    let expected = [("RAISED", ""), ("ACKNOWLEDGED", "asel"), ("ACKNOWLEDGED", "asel"), ("RESOLVED", "asel")]
        .map(|(state, owner)| (format!("ALERT_STATE_{state}"), owner.to_owned()));
    assert!(states.eq(expected), "{refusals:?}");
    add_note(&mut client, "bolat", &alert_id, "r7").await.unwrap();
    town.stop().await.unwrap();
}

#[tokio::test]
async fn a_lost_race_on_the_revision_is_aborted() {
    let town = Town::new().await;
    let mut client = town.client().await;
    let alert_id = town.press("door").await;
    town.press("door").await;
    let request = |expected_revision| AcknowledgeAlertRequest {
        alert_id: alert_id.clone(),
        request_id: "r".into(),
        expected_revision: Some(expected_revision),
    };
    let told = client.acknowledge_alert(by("asel", request(1))).await.unwrap_err();
    assert_eq!(
        (told.code(), told.message()),
        (Code::Aborted, &*format!("alert {alert_id} is RAISED: it has revision 2, not 1"))
    );
    assert_eq!(told.get_details_error_info().unwrap().metadata["revision"], "2");
    let taken = client.acknowledge_alert(by("asel", request(2))).await.unwrap().into_inner().alert.unwrap();
    // The repeat still expects the revision of then.
    let again = client.acknowledge_alert(by("asel", request(2))).await.unwrap().into_inner().alert.unwrap();
    assert_eq!((taken.revision, &again), (3, &taken));

    // P6: who loses is told who has it, and since when.
    let late = AcknowledgeAlertRequest { request_id: "late".into(), ..request(2) };
    let told = client.acknowledge_alert(by("bolat", late)).await.unwrap_err();
    assert_eq!(told.code(), Code::Aborted);
    let since = taken.acknowledged_at.unwrap().to_string();
    let message = format!("alert {alert_id} is ACKNOWLEDGED by asel since {since}: it has revision 3, not 2");
    assert_eq!(told.message(), message);
    let info = told.get_details_error_info().unwrap();
    let told = ["state", "owner", "acknowledged_at", "revision"].map(|key| info.metadata[key].as_str());
    assert_eq!(told, ["ALERT_STATE_ACKNOWLEDGED", "asel", &since, "3"]);
    town.stop().await.unwrap();
}
