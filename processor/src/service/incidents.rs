//! `ListIncidents`: pages through incidents with open alerts, the newest first.

use sos_auth::Scope;
use sos_proto::alert::v1::{Incident, ListIncidentsRequest, ListIncidentsResponse};
use sos_proto::time;

use super::parse;
use super::status::InvalidField;
use crate::live::Live;

/// Answers a request.
pub(super) fn list(
    live: &Live,
    request: ListIncidentsRequest,
    scope: &Scope,
) -> Result<ListIncidentsResponse, InvalidField> {
    let page_size = parse::page_size(request.page_size)?;
    let site_ids = request.site_ids.into_iter().map(|site| parse::id("site_ids", site));
    let site_ids = site_ids.collect::<Result<Vec<_>, _>>()?;
    let invalid = || InvalidField { field: "page_token", reason: "is no page token".to_owned() };
    let before = match request.page_token.as_str() {
        "" => u32::MAX,
        token => token.parse().map_err(|_| invalid())?,
    };
    Ok(live.read(|state| {
        let mut page =
            ListIncidentsResponse { position: state.position(), ..ListIncidentsResponse::default() };
        let mut last = before;
        for (number, incident, first) in state.incidents_before(before) {
            let alert = &first.alert;
            let wanted = site_ids.is_empty() || site_ids.contains(&alert.site_id);
            if !wanted || !scope.has(&alert.site_id, &alert.region) {
                continue;
            }
            if page.incidents.len() == page_size {
                page.next_page_token = last.to_string();
                break;
            }
            last = number;
            page.incidents.push(Incident {
                incident_id: alert.alert_id.clone(),
                site_id: alert.site_id.clone(),
                site_name: alert.site_name.clone(),
                alert_count: incident.alert_count,
                open_count: incident.open_count,
                press_count: incident.press_count,
                first_at: alert.received_at,
                last_at: Some(time::timestamp(incident.last_at)),
            });
        }
        page
    }))
}
