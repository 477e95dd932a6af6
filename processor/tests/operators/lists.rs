//! Pages of alerts.

use prost::Message as _;
use sos_proto::alert::v1::{AlertFilter, AlertState, ListAlertsRequest};
use sos_proto::device::v1::{Category, Press};
use sos_proto::event::v1::event::Body;
use tonic::Code;

use super::support::{Town, acknowledge, add_note, list, timeline};

#[tokio::test]
async fn pages_go_through_everything_newest_first() {
    let town = Town::new().await;
    let mut client = town.client().await;
    let mut opened = Vec::new();
    for device in 0..600 {
        opened.push(town.press(&format!("door-{device}")).await);
    }
    let head = town.log.head().await.unwrap().position;
    // A command waits for the fold, so everything before it is listed.
    add_note(&mut client, "asel", &opened[0], "r").await.unwrap();
    opened.reverse();

    let all: Vec<_> = list(&mut client, None).await.into_iter().map(|alert| alert.alert_id).collect();
    assert_eq!(all, opened);
    let (mut token, mut paged, mut sizes) = (String::new(), Vec::new(), Vec::new());
    loop {
        let request = ListAlertsRequest {
            filter: None,
            page_size: 256,
            page_token: token,
            ..ListAlertsRequest::default()
        };
        let page = client.list_alerts(request).await.unwrap().into_inner();
        assert_eq!(page.position, head + 1);
        sizes.push(page.alerts.len());
        paged.extend(page.alerts.into_iter().map(|alert| alert.alert_id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((paged, sizes), (opened, vec![256, 256, 88]));
    let default = client.list_alerts(ListAlertsRequest::default()).await.unwrap().into_inner();
    assert_eq!(default.alerts.len(), 100);
    town.stop().await.unwrap();
}

// P10: gRPC clients refuse messages over 4 MiB, so a page of heavy alerts ends before.
#[tokio::test]
async fn a_page_ends_at_3_mib() {
    let town = Town::new().await;
    let mut client = town.client().await;
    let mut opened = Vec::new();
    for device in 0..500 {
        let press = Press { note: "x".repeat(14_000), ..Press::default() };
        opened.push(town.happens("hall", &format!("door-{device}"), Body::Press(press)).await.0);
    }
    town.settle(&mut client).await;
    opened.reverse();
    let mut request = ListAlertsRequest {
        filter: None,
        page_size: 1_000,
        page_token: String::new(),
        ..ListAlertsRequest::default()
    };
    let (mut paged, mut pages) = (Vec::new(), 0);
    loop {
        let mut page = client.list_alerts(request).await.unwrap().into_inner();
        let token = std::mem::take(&mut page.next_page_token);
        page.position = 0;
        assert!(page.encoded_len() <= 3 * 1_024 * 1_024, "{} bytes", page.encoded_len());
        assert!(token.is_empty() || page.encoded_len() > 3 * 1_024 * 1_024 - 15_000, "no page is cut short");
        pages += 1;
        paged.extend(page.alerts.into_iter().map(|alert| alert.alert_id));
        if token.is_empty() {
            break;
        }
        request = ListAlertsRequest {
            filter: None,
            page_size: 1_000,
            page_token: token,
            ..ListAlertsRequest::default()
        };
    }
    assert_eq!((paged, pages), (opened, 3));
    town.stop().await.unwrap();
}

#[tokio::test]
async fn a_filter_picks_and_a_token_belongs_to_it() {
    let town = Town::new().await;
    let mut client = town.client().await;
    let mut opened = Vec::new();
    for (site, category) in
        [("a", Category::Fire), ("b", Category::Fire), ("b", Category::Police), ("b", Category::Fire)]
    {
        let press = Press { category: category.into(), ..Press::default() };
        opened.push(town.happens(site, &format!("door-{}", opened.len()), Body::Press(press)).await.0);
    }
    acknowledge(&mut client, "asel", &opened[3], "r").await.unwrap();
    let fire_at_b = AlertFilter {
        site_ids: vec!["b".into()],
        categories: vec![Category::Fire.into()],
        ..AlertFilter::default()
    };
    let owned = AlertFilter { owner: "asel".into(), ..AlertFilter::default() };
    let raised = AlertFilter { states: vec![AlertState::Raised.into()], ..AlertFilter::default() };
    for (filter, expected) in [(&fire_at_b, vec![3, 1]), (&owned, vec![3]), (&raised, vec![2, 1, 0])] {
        let ids: Vec<_> =
            list(&mut client, Some(filter.clone())).await.into_iter().map(|a| a.alert_id).collect();
        assert_eq!(ids, expected.iter().map(|i: &usize| opened[*i].clone()).collect::<Vec<_>>());
    }

    let mut request = ListAlertsRequest {
        filter: Some(fire_at_b),
        page_size: 1,
        page_token: String::new(),
        ..ListAlertsRequest::default()
    };
    let page = client.list_alerts(request.clone()).await.unwrap().into_inner();
    request.page_token = page.next_page_token;
    let next = client.list_alerts(request.clone()).await.unwrap().into_inner();
    assert_eq!(
        (page.alerts[0].alert_id.as_str(), next.alerts[0].alert_id.as_str()),
        (&*opened[3], &*opened[1])
    );
    assert_eq!(next.next_page_token, "");
    request.filter = Some(owned);
    assert_eq!(client.list_alerts(request).await.unwrap_err().code(), Code::InvalidArgument);
    town.stop().await.unwrap();
}

#[tokio::test]
async fn a_timeline_holds_what_changed_the_alert() {
    let town = Town::new().await;
    let mut client = town.client().await;
    let alert_id = town.press("door").await;
    for _ in 0..150 {
        town.press("window").await;
        town.press("door").await;
    }
    add_note(&mut client, "asel", &alert_id, "r").await.unwrap();
    let (alert, positions) = timeline(&mut client, &alert_id).await;
    let expected: Vec<u64> = (0..=150).map(|press| 1 + 2 * press).chain([302]).collect();
    assert_eq!((alert.press_count, alert.revision, positions), (151, 152, expected));
    town.stop().await.unwrap();
}
