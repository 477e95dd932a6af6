//! `ListAlerts`: pages through alerts, the newest opening or the most urgent first.
//!
//! Invariant: a page token names the last place that was looked at, and only fits the filter and the order that
//! it was given for.

use prost::Message as _;
use sos_auth::Scope;
use sos_proto::alert::v1::{Alert, AlertFilter, AlertOrder, ListAlertsRequest, ListAlertsResponse};
use sos_proto::urgency::urgency;

use super::parse;
use super::status::InvalidField;
use crate::config::{PAGE_BYTES_MAX, SCAN_ALERTS_MAX};
use crate::core::{Filter, Opening, State};
use crate::live::Live;

/// Length of the digest in a page token, in characters.
const DIGEST_CHARS: usize = 16;

/// Where an alert is in an order: how urgent it is, if that matters, and its opening.
type Place = (u64, Opening);

/// Answers a request.
pub(super) async fn list(
    live: &Live,
    request: ListAlertsRequest,
    scope: Scope,
) -> Result<ListAlertsResponse, InvalidField> {
    let order = parse::order(request.order)?;
    let digest = digest(request.filter.as_ref(), order);
    let page_size = parse::page_size(request.page_size)?;
    let filter = Filter { scope, ..parse::filter(request.filter)? };
    let token = parse_token(&request.page_token, &digest)?;
    match order {
        AlertOrder::Unspecified => newest_first(live, &filter, page_size, token, &digest).await,
        AlertOrder::UrgentFirst => urgent_first(live, &filter, page_size, token, &digest).await,
    }
}

async fn newest_first(
    live: &Live,
    filter: &Filter,
    page_size: usize,
    token: Option<Place>,
    digest: &str,
) -> Result<ListAlertsResponse, InvalidField> {
    let mut before = token.map_or(Opening::MAX, |(_, opening)| opening);
    // Taken before the first look: what changes while the page is put together is behind it.
    let mut page = Page::new(live.read(State::position), page_size);
    loop {
        let scanned: Vec<_> = live.read(|state| {
            if filter.wants_closed() {
                state.opened_before(before).take(SCAN_ALERTS_MAX).collect()
            } else {
                state.open_before(before).take(SCAN_ALERTS_MAX).collect()
            }
        });
        for view in scanned.iter().filter(|view| filter.fits(&view.alert)) {
            // One more than the page holds fits: there is a next page, behind the last one taken.
            if !page.take(&view.alert) {
                return Ok(page.with_next((0, before), digest));
            }
            before = view.opening;
        }
        match scanned.last() {
            Some(last) if scanned.len() == SCAN_ALERTS_MAX => before = last.opening,
            _ => return Ok(page.answer),
        }
        tokio::task::coop::consume_budget().await;
    }
}

/// Open alerts in the order in which they need somebody. An alert that becomes more urgent between two pages
/// may be missing from the next one: who must not miss it watches from the page's position.
async fn urgent_first(
    live: &Live,
    filter: &Filter,
    page_size: usize,
    token: Option<Place>,
    digest: &str,
) -> Result<ListAlertsResponse, InvalidField> {
    let mut page = Page::new(live.read(State::position), page_size);
    let (mut fitting, mut behind) = (Vec::new(), 0);
    loop {
        let scanned: Vec<_> = live.read(|state| state.open_after(behind).take(SCAN_ALERTS_MAX).collect());
        let is_last = scanned.len() < SCAN_ALERTS_MAX;
        behind = scanned.last().map_or(behind, |last| last.opening);
        let places = scanned.into_iter().filter(|view| filter.fits(&view.alert));
        let places = places.map(|view| ((urgency(&view.alert), view.opening), view));
        fitting.extend(places.filter(|(place, _)| token.is_none_or(|token| *place > token)));
        if is_last {
            break;
        }
        tokio::task::coop::consume_budget().await;
    }
    fitting.sort_unstable_by_key(|(place, _)| *place);
    let mut last = None;
    for (place, view) in &fitting {
        if let (false, Some(last)) = (page.take(&view.alert), last) {
            return Ok(page.with_next(last, digest));
        }
        last = Some(*place);
    }
    Ok(page.answer)
}

/// A page that is filled, up to its size in alerts and in bytes; one alert is always on it.
struct Page {
    answer: ListAlertsResponse,
    page_size: usize,
    bytes: usize,
}

impl Page {
    fn new(position: u64, page_size: usize) -> Self {
        let answer = ListAlertsResponse { position, ..ListAlertsResponse::default() };
        Self { answer, page_size, bytes: 0 }
    }

    /// Takes an alert, if there is room.
    fn take(&mut self, alert: &Alert) -> bool {
        self.bytes += bytes_on_page(alert);
        let is_full = self.answer.alerts.len() == self.page_size || self.bytes > PAGE_BYTES_MAX;
        let has_room = !is_full || self.answer.alerts.is_empty();
        if has_room {
            self.answer.alerts.push(alert.clone());
        }
        has_room
    }

    /// The page, with a token for what is behind a place.
    fn with_next(mut self, (urgency, opening): Place, digest: &str) -> ListAlertsResponse {
        self.answer.next_page_token = format!("{urgency:x}.{opening:x}.{digest}");
        self.answer
    }
}

/// What an alert adds to the page, with its tag and its length.
fn bytes_on_page(alert: &Alert) -> usize {
    let bytes = alert.encoded_len();
    1 + prost::length_delimiter_len(bytes) + bytes
}

/// The place to go on behind; an empty token stands for the first page.
fn parse_token(token: &str, digest: &str) -> Result<Option<Place>, InvalidField> {
    let invalid = |reason: &str| InvalidField { field: "page_token", reason: reason.to_owned() };
    if token.is_empty() {
        return Ok(None);
    }
    let no_token = || invalid("is no page token");
    let (urgency, rest) = token.split_once('.').ok_or_else(no_token)?;
    let (opening, of_request) = rest.split_once('.').ok_or_else(no_token)?;
    let number = |text: &str| u64::from_str_radix(text, 16).map_err(|_| no_token());
    let place = (number(urgency)?, number(opening)?);
    if of_request != digest {
        return Err(invalid("belongs to another filter or order"));
    }
    Ok(Some(place))
}

/// Tells filters and orders apart; an absent filter equals an empty one.
fn digest(filter: Option<&AlertFilter>, order: AlertOrder) -> String {
    let mut encoded = filter.map(AlertFilter::encode_to_vec).unwrap_or_default();
    encoded.push(u8::from(order == AlertOrder::UrgentFirst));
    blake3::hash(&encoded).to_hex().chars().take(DIGEST_CHARS).collect()
}
