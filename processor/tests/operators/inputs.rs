//! Every bad input is refused with the code and the field that it is about.

use sos_eventlog::clock;
use sos_proto::alert::v1::{
    AcknowledgeAlertRequest, AddNoteRequest, AlertFilter, DeclareActualRequest, DispatchUnitRequest,
    EscalateAlertRequest, GetAlertRequest, ListAlertsRequest, ListIncidentsRequest, ReopenAlertRequest,
    ResolveAlertRequest, ShelveAlertRequest, TransferAlertRequest, UpdateResponseRequest, WatchAlertsRequest,
};
use sos_proto::time;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use super::support::{Client, Town, by};

/// The field that an INVALID_ARGUMENT names, in its message and in its details.
pub fn field(told: &Status) -> String {
    assert_eq!(told.code(), Code::InvalidArgument, "{told:?}");
    let field = told.get_details_bad_request().unwrap().field_violations[0].field.clone();
    assert!(told.message().starts_with(&format!("{field}: ")), "{}", told.message());
    field
}

fn note(alert_id: &str, request_id: &str, note: &str) -> AddNoteRequest {
    AddNoteRequest {
        alert_id: alert_id.into(),
        request_id: request_id.into(),
        expected_revision: None,
        note: note.into(),
    }
}

fn closing(disposition: i32, note: &str) -> ResolveAlertRequest {
    ResolveAlertRequest {
        alert_id: "a".into(),
        request_id: "r".into(),
        expected_revision: None,
        disposition,
        note: note.into(),
    }
}

#[tokio::test]
async fn commands() {
    let town = Town::new().await;
    let mut client = town.client().await;
    let long_id = "x".repeat(129);
    let long_note = "ы".repeat(2_001);
    let cases = [
        (note("", "r", "n"), "alert_id"),
        (note(&long_id, "r", "n"), "alert_id"),
        (note("a", "", "n"), "request_id"),
        (note("a", &long_id, "n"), "request_id"),
        (note("a", "r", ""), "note"),
        (note("a", "r", &long_note), "note"),
    ];
    for (request, name) in cases {
        assert_eq!(field(&client.add_note(by("asel", request)).await.unwrap_err()), name);
    }
    for (request, name) in
        [(closing(0, ""), "disposition"), (closing(99, ""), "disposition"), (closing(1, &long_note), "note")]
    {
        assert_eq!(field(&client.resolve_alert(by("asel", request)).await.unwrap_err()), name);
    }
    let alert_id = town.press("door").await;
    let longest = note(&alert_id, &"x".repeat(128), &"ы".repeat(2_000));
    client.add_note(by("asel", longest)).await.unwrap();
    town.stop().await.unwrap();
}

#[tokio::test]
async fn filters_pages_and_positions() {
    let town = Town::new().await;
    let mut client = town.client().await;
    let filters = [
        (AlertFilter { states: vec![0], ..AlertFilter::default() }, "filter.states"),
        (AlertFilter { states: vec![1, 4], ..AlertFilter::default() }, "filter.states"),
        (AlertFilter { kinds: vec![0], ..AlertFilter::default() }, "filter.kinds"),
        (AlertFilter { kinds: vec![3], ..AlertFilter::default() }, "filter.kinds"),
        (AlertFilter { categories: vec![-1], ..AlertFilter::default() }, "filter.categories"),
        (AlertFilter { site_ids: vec![String::new()], ..AlertFilter::default() }, "filter.site_ids"),
        (AlertFilter { owner: "x".repeat(129), ..AlertFilter::default() }, "filter.owner"),
        (AlertFilter { incident_id: "x".repeat(129), ..AlertFilter::default() }, "filter.incident_id"),
    ];
    for (filter, name) in filters {
        let filter = Some(filter);
        let list = ListAlertsRequest { filter: filter.clone(), ..ListAlertsRequest::default() };
        assert_eq!(field(&client.list_alerts(list).await.unwrap_err()), name);
        let watch = WatchAlertsRequest { filter, after_position: 0 };
        assert_eq!(field(&client.watch_alerts(watch).await.unwrap_err()), name);
    }
    let negative = ListAlertsRequest { page_size: -1, ..ListAlertsRequest::default() };
    assert_eq!(field(&client.list_alerts(negative).await.unwrap_err()), "page_size");
    for token in ["x", "zz.0", "-1.0", "1.0"] {
        let request = ListAlertsRequest { page_token: token.into(), ..ListAlertsRequest::default() };
        assert_eq!(field(&client.list_alerts(request).await.unwrap_err()), "page_token");
    }
    let unknown = ListAlertsRequest { order: 2, ..ListAlertsRequest::default() };
    assert_eq!(field(&client.list_alerts(unknown).await.unwrap_err()), "order");
    let incidents = |page_size, page_token: &str, site: &str| ListIncidentsRequest {
        site_ids: vec![site.into()],
        page_size,
        page_token: page_token.into(),
    };
    for (request, name) in [
        (incidents(-1, "", "a"), "page_size"),
        (incidents(0, "x", "a"), "page_token"),
        (incidents(0, "", ""), "site_ids"),
    ] {
        assert_eq!(field(&client.list_incidents(request).await.unwrap_err()), name);
    }
    let beyond = WatchAlertsRequest { filter: None, after_position: 1 };
    assert_eq!(field(&client.watch_alerts(beyond).await.unwrap_err()), "after_position");
    town.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_not_there() {
    let town = Town::new().await;
    let mut client = town.client().await;
    let told = client.get_alert(GetAlertRequest { alert_id: "a".into() }).await.unwrap_err();
    assert_eq!(told.code(), Code::NotFound);
    assert_eq!(told.get_details_resource_info().unwrap().resource_name, "a");
    let told = client.add_note(by("asel", note("a", "r", "n"))).await.unwrap_err();
    assert_eq!(told.code(), Code::NotFound);
    town.stop().await.unwrap();
}

#[tokio::test]
async fn units_and_owners() {
    let town = Town::new().await;
    let mut client = town.client().await;
    let (alert_id, request_id) = (|| "a".to_owned(), || "r".to_owned());
    let long_id = "x".repeat(129);
    for unit_id in ["", &long_id] {
        let request = DispatchUnitRequest {
            alert_id: alert_id(),
            request_id: request_id(),
            unit_id: unit_id.into(),
            ..DispatchUnitRequest::default()
        };
        assert_eq!(field(&client.dispatch_unit(by("asel", request)).await.unwrap_err()), "unit_id");
    }
    for (unit_id, status, name) in [
        ("", 2, "unit_id"),
        (&long_id, 2, "unit_id"),
        ("u", 0, "status"),
        ("u", 1, "status"),
        ("u", 6, "status"),
    ] {
        let request = UpdateResponseRequest {
            alert_id: alert_id(),
            request_id: request_id(),
            unit_id: unit_id.into(),
            status,
            ..UpdateResponseRequest::default()
        };
        assert_eq!(field(&client.update_response(by("asel", request)).await.unwrap_err()), name);
    }
    for to_operator in ["", &"x".repeat(65), "a\tb"] {
        let request = TransferAlertRequest {
            alert_id: alert_id(),
            request_id: request_id(),
            to_operator: to_operator.into(),
            ..TransferAlertRequest::default()
        };
        assert_eq!(field(&client.transfer_alert(by("asel", request)).await.unwrap_err()), "to_operator");
    }
    town.stop().await.unwrap();
}

#[tokio::test]
async fn reasons_and_times() {
    let town = Town::new().await;
    let mut client = town.client().await;
    let (alert_id, request_id) = (|| "a".to_owned(), || "r".to_owned());
    let long_text = || "ы".repeat(2_001);
    let request = EscalateAlertRequest {
        alert_id: alert_id(),
        request_id: request_id(),
        reason: long_text(),
        ..EscalateAlertRequest::default()
    };
    assert_eq!(field(&client.escalate_alert(by("asel", request)).await.unwrap_err()), "reason");
    let request = ReopenAlertRequest {
        alert_id: alert_id(),
        request_id: request_id(),
        note: long_text(),
        ..ReopenAlertRequest::default()
    };
    assert_eq!(field(&client.reopen_alert(by("asel", request)).await.unwrap_err()), "note");
    let request = DeclareActualRequest {
        alert_id: alert_id(),
        request_id: request_id(),
        reason: long_text(),
        ..DeclareActualRequest::default()
    };
    assert_eq!(field(&client.declare_actual(by("asel", request)).await.unwrap_err()), "reason");
    let (soon, week) = (clock::now() + 60_000_000, 7 * 24 * 3_600_000_000);
    for (reason, until, name) in [
        (String::new(), soon, "reason"),
        (long_text(), soon, "reason"),
        ("x".into(), clock::now(), "until"),
        ("x".into(), soon + week, "until"),
        ("x".into(), i64::MAX, "until"),
    ] {
        let request = ShelveAlertRequest {
            alert_id: alert_id(),
            request_id: request_id(),
            reason,
            until: Some(time::timestamp(until)),
            ..ShelveAlertRequest::default()
        };
        assert_eq!(field(&client.shelve_alert(by("asel", request)).await.unwrap_err()), name);
    }
    town.stop().await.unwrap();
}

async fn acknowledge(client: &mut Client, operator: Option<&[u8]>) -> Status {
    let request =
        AcknowledgeAlertRequest { alert_id: "a".into(), request_id: "r".into(), expected_revision: None };
    let mut request = Request::new(request);
    if let Some(operator) = operator {
        let value = tonic::metadata::MetadataValue::try_from(operator).unwrap();
        request.metadata_mut().insert("sos-operator", value);
    }
    client.acknowledge_alert(request).await.unwrap_err()
}

#[tokio::test]
async fn a_command_needs_an_operator() {
    let town = Town::new().await;
    let mut client = town.client().await;
    let long = "x".repeat(65);
    for operator in [None, Some(&b""[..]), Some(long.as_bytes()), Some(b"\xff"), Some(b"a\tb")] {
        let told = acknowledge(&mut client, operator).await;
        assert_eq!(told.code(), Code::Unauthenticated, "{operator:?}");
        assert!(told.message().contains("sos-operator"), "{}", told.message());
    }
    // Names are people's names, in any script.
    for operator in ["x".repeat(64), "Әсел".to_owned()] {
        assert_eq!(acknowledge(&mut client, Some(operator.as_bytes())).await.code(), Code::NotFound);
    }
    town.stop().await.unwrap();
}

// P10: ten thousand commands at once are taken one after the other or refused, and none is done in part.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_commands_at_once() {
    let town = Town::new().await;
    let mut clients = Vec::new();
    for _ in 0..8 {
        clients.push(town.client().await);
    }
    let alert_id = town.press("door").await;
    town.settle(&mut clients[0]).await;
    let mut commands = tokio::task::JoinSet::new();
    for number in 0..10_000 {
        let mut client = clients[number % clients.len()].clone();
        let request = note(&alert_id, &format!("r{number}"), "n");
        commands.spawn(async move { client.add_note(by("asel", request)).await });
    }
    let mut taken = 0;
    while let Some(answer) = commands.join_next().await {
        match answer.unwrap() {
            Ok(_) => taken += 1,
            Err(told) => assert!(matches!(told.code(), Code::ResourceExhausted | Code::Aborted), "{told:?}"),
        }
    }
    assert!(taken > 0);
    assert_eq!(town.events().await.len(), 1 + taken);
    town.settle(&mut clients[0]).await;
    let alert = clients[0].get_alert(GetAlertRequest { alert_id }).await.unwrap().into_inner().alert.unwrap();
    assert_eq!(alert.revision, 1 + taken as u64);
    town.stop().await.unwrap();
}

// P10: a request over the limit is turned down, not read.
#[tokio::test]
async fn a_huge_request_is_refused() {
    let town = Town::new().await;
    let mut client = town.client().await;
    for bytes in [70_000, 10_000_000] {
        let huge = note("a", "r", &"x".repeat(bytes));
        assert_eq!(client.add_note(by("asel", huge)).await.unwrap_err().code(), Code::OutOfRange);
    }
    town.stop().await.unwrap();
}
