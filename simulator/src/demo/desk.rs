//! The colleague's desk: a console that watches all alerts, so that escalations are heard, and orders what
//! [`colleague`](super::colleague) decides about those of the town. It comes back whenever it is cut off.
//!
//! Invariant: an order counts for the alert as it was seen; who was faster wins.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::time::Duration;

use sos_proto::alert::v1::alert_service_client::AlertServiceClient;
use sos_proto::alert::v1::watch_alerts_response::Event;
use sos_proto::alert::v1::{
    AcknowledgeAlertRequest, Alert, AlertFilter, AlertState, DispatchUnitRequest, EscalateAlertRequest,
    ListAlertsRequest, ResolveAlertRequest, UpdateResponseRequest, WatchAlertsRequest,
};
use sos_proto::link::{Link, signed};
use sos_proto::time;
use tonic::{Request, Status};

use super::colleague::{Deed, NAME, deeds};
use super::places::SPOTS;
use crate::telemetry;

/// Pause before it comes back.
const PAUSE: Duration = Duration::from_secs(1);

/// A place to work at.
#[derive(Clone)]
pub(super) struct Desk(AlertServiceClient<Link>);

impl Desk {
    pub(super) fn new(link: Link) -> Self {
        Self(AlertServiceClient::new(link))
    }

    /// The call points of the town, `site/device`, that have an open alert.
    pub(super) async fn pressed(&self) -> Result<HashSet<String>, Status> {
        let filter = AlertFilter {
            states: vec![AlertState::Raised.into(), AlertState::Acknowledged.into()],
            site_ids: SPOTS.iter().map(|spot| spot.site_id.to_owned()).collect(),
            ..AlertFilter::default()
        };
        let request =
            ListAlertsRequest { filter: Some(filter), page_size: 1_000, ..ListAlertsRequest::default() };
        let page = self.0.clone().list_alerts(by_colleague(request)?).await?.into_inner();
        Ok(page.alerts.into_iter().map(|alert| format!("{}/{}", alert.site_id, alert.device_id)).collect())
    }

    /// Works for ever.
    pub(super) async fn work(self) -> Infallible {
        loop {
            if let Err(status) = self.watch().await {
                telemetry::colleague_cut_off(&status);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn watch(&self) -> Result<(), Status> {
        let town: HashSet<_> = SPOTS.iter().map(|spot| spot.site_id).collect();
        let mut open: HashMap<String, Alert> = HashMap::new();
        let request = by_colleague(WatchAlertsRequest::default())?;
        let mut stream = self.0.clone().watch_alerts(request).await?.into_inner();
        while let Some(step) = stream.message().await? {
            match step.event {
                Some(Event::Snapshot(alert) | Event::Changed(alert)) => {
                    if alert.state() == AlertState::Resolved {
                        open.remove(&alert.alert_id);
                    } else if town.contains(alert.site_id.as_str()) {
                        open.insert(alert.alert_id.clone(), alert);
                    }
                }
                Some(Event::Heartbeat(heartbeat)) => {
                    let Some(now) = heartbeat.server_time.as_ref().and_then(time::micros) else { continue };
                    let all: Vec<_> = open.values().collect();
                    for (alert, deed) in deeds(&all, now) {
                        if let Err(status) = self.order(&alert, deed).await {
                            telemetry::order_refused(&alert.alert_id, &status);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn order(&self, alert: &Alert, deed: Deed) -> Result<(), Status> {
        let mut client = self.0.clone();
        let alert_id = alert.alert_id.clone();
        // One deed a revision, and never a second time.
        let request_id = format!("{NAME}-{alert_id}-{}", alert.revision);
        let expected_revision = Some(alert.revision);
        match deed {
            Deed::Take => {
                let order = AcknowledgeAlertRequest { alert_id, request_id, expected_revision };
                client.acknowledge_alert(by_colleague(order)?).await.map(drop)
            }
            Deed::Escalate(reason) => {
                let reason = reason.to_owned();
                let order = EscalateAlertRequest { alert_id, request_id, expected_revision, reason };
                client.escalate_alert(by_colleague(order)?).await.map(drop)
            }
            Deed::Dispatch(unit_id) => {
                let order = DispatchUnitRequest { alert_id, request_id, expected_revision, unit_id };
                client.dispatch_unit(by_colleague(order)?).await.map(drop)
            }
            Deed::Progress(unit_id, status) => {
                let status = status.into();
                let order =
                    UpdateResponseRequest { alert_id, request_id, expected_revision, unit_id, status };
                client.update_response(by_colleague(order)?).await.map(drop)
            }
            Deed::Resolve(disposition, note) => {
                let (disposition, note) = (disposition.into(), note.to_owned());
                let order =
                    ResolveAlertRequest { alert_id, request_id, expected_revision, disposition, note };
                client.resolve_alert(by_colleague(order)?).await.map(drop)
            }
        }
    }
}

fn by_colleague<T>(message: T) -> Result<Request<T>, Status> {
    signed(NAME, message).map_err(|error| Status::invalid_argument(error.to_string()))
}
