//! `ListAlerts`: pages through alerts, newest opening first.
//!
//! Invariant: a page token names the last opening that was looked at, and only fits the filter it was given for.

use prost::Message as _;
use sos_proto::alert::v1::{Alert, AlertFilter, ListAlertsRequest, ListAlertsResponse};

use super::parse;
use super::status::InvalidField;
use crate::config::{PAGE_BYTES_MAX, SCAN_ALERTS_MAX};
use crate::core::{Opening, State};
use crate::live::Live;

/// Length of the digest in a page token, in characters.
const DIGEST_CHARS: usize = 16;

/// Answers a request.
pub(super) async fn list(
    live: &Live,
    request: ListAlertsRequest,
) -> Result<ListAlertsResponse, InvalidField> {
    let digest = digest(request.filter.as_ref());
    let page_size = parse::page_size(request.page_size)?;
    let filter = parse::filter(request.filter)?;
    let mut before = parse_token(&request.page_token, &digest)?;

    // Taken before the first look: what changes while the page is put together is behind it.
    let mut page =
        ListAlertsResponse { position: live.read(State::position), ..ListAlertsResponse::default() };
    let mut bytes = 0;
    loop {
        let scanned: Vec<_> =
            live.read(|state| state.opened_before(before).take(SCAN_ALERTS_MAX).cloned().collect());
        for view in &scanned {
            if filter.fits(&view.alert) {
                bytes += bytes_on_page(&view.alert);
                let is_full = page.alerts.len() == page_size || bytes > PAGE_BYTES_MAX;
                // One more than the page holds fits: there is a next page, behind the last one taken.
                if is_full && !page.alerts.is_empty() {
                    page.next_page_token = format!("{before:x}.{digest}");
                    return Ok(page);
                }
                page.alerts.push(view.alert.clone());
                before = view.opening;
            }
        }
        match scanned.last() {
            Some(last) if scanned.len() == SCAN_ALERTS_MAX => before = last.opening,
            _ => return Ok(page),
        }
        tokio::task::coop::consume_budget().await;
    }
}

/// What an alert adds to the page, with its tag and its length.
fn bytes_on_page(alert: &Alert) -> usize {
    let bytes = alert.encoded_len();
    1 + prost::length_delimiter_len(bytes) + bytes
}

/// The opening to look before; an empty token stands for the first page.
fn parse_token(token: &str, digest: &str) -> Result<Opening, InvalidField> {
    let invalid = |reason: &str| InvalidField { field: "page_token", reason: reason.to_owned() };
    if token.is_empty() {
        return Ok(Opening::MAX);
    }
    let (opening, of_filter) = token.split_once('.').ok_or_else(|| invalid("is no page token"))?;
    let opening = Opening::from_str_radix(opening, 16).map_err(|_| invalid("is no page token"))?;
    if of_filter != digest {
        return Err(invalid("belongs to another filter"));
    }
    Ok(opening)
}

/// Tells filters apart; an absent one equals an empty one.
fn digest(filter: Option<&AlertFilter>) -> String {
    let encoded = filter.map(AlertFilter::encode_to_vec).unwrap_or_default();
    blake3::hash(&encoded).to_hex().chars().take(DIGEST_CHARS).collect()
}
