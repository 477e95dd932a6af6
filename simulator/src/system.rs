//! The system under test as an operator and an auditor see it: over gRPC, and nothing else.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use sos_proto::alert::v1::alert_service_client::AlertServiceClient;
use sos_proto::alert::v1::watch_alerts_response::Event as Step;
use sos_proto::alert::v1::{Alert, AlertFilter, ListAlertsRequest, WatchAlertsRequest};
use sos_proto::event::v1::RecordedEvent;
use sos_proto::link::Link;
use sos_proto::log::v1::event_log_service_client::EventLogServiceClient;
use sos_proto::log::v1::{GetHeadRequest, ReadEventsRequest};
use sos_proto::registry::v1::registry_service_client::RegistryServiceClient;
use sos_proto::registry::v1::{Device, PutDeviceRequest, PutSiteRequest, Site};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataValue;
use tonic::{Code, Request, Status};

/// Alerts asked for at a time.
const PAGE_SIZE: i32 = 1_000;

/// How long a system under test may be gone before it counts as out of reach: it is killed on purpose.
const BACK_WITHIN: Duration = Duration::from_secs(60);

/// Time between two tries to ask.
const TRY_AGAIN: Duration = Duration::from_millis(200);

/// Why the system cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    /// It answers with an error.
    #[error("{}", .0.message())]
    Status(Box<Status>),
}

impl From<Status> for SystemError {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
    }
}

/// A connection to the system.
#[derive(Clone)]
pub(crate) struct System {
    alerts: AlertServiceClient<Link>,
    log: EventLogServiceClient<Link>,
}

/// When a console was shown each call point's alerts: their positions and microseconds since the start.
pub(crate) type Sightings = HashMap<String, Vec<(u64, u64)>>;

impl System {
    pub(crate) fn new(link: Link) -> Self {
        Self { alerts: AlertServiceClient::new(link.clone()), log: EventLogServiceClient::new(link) }
    }

    /// How far the log has come.
    pub(crate) async fn head(&self) -> Result<u64, SystemError> {
        Ok(self.log.clone().get_head(GetHeadRequest {}).await?.into_inner().position)
    }

    /// Every event behind a position.
    pub(crate) async fn events_after(&self, position: u64) -> Result<Vec<RecordedEvent>, SystemError> {
        insist(async || self.read_after(position).await).await
    }

    async fn read_after(&self, position: u64) -> Result<Vec<RecordedEvent>, Status> {
        let request = ReadEventsRequest { from_position: position + 1, ..ReadEventsRequest::default() };
        let mut events = Vec::new();
        if self.log.clone().get_head(GetHeadRequest {}).await?.into_inner().position <= position {
            return Ok(events);
        }
        let mut stream = self.log.clone().read_events(request).await?.into_inner();
        while let Some(piece) = stream.message().await? {
            events.extend(piece.events);
        }
        Ok(events)
    }

    /// Waits until live state has come to a position: a watch behind it does not start before.
    async fn folded(&self, position: u64) -> Result<(), Status> {
        let watch = WatchAlertsRequest { filter: None, after_position: position };
        drop(self.alerts.clone().watch_alerts(watch).await?);
        Ok(())
    }

    /// Every alert of these sites, or of all, once live state has come to a position.
    pub(crate) async fn alerts(
        &self,
        site_ids: Option<&[String]>,
        position: u64,
    ) -> Result<Vec<Alert>, SystemError> {
        insist(async || self.list(site_ids, position).await).await
    }

    async fn list(&self, site_ids: Option<&[String]>, position: u64) -> Result<Vec<Alert>, Status> {
        self.folded(position).await?;
        let mut alerts = Vec::new();
        // As many sites as fit into a request; none stands for all.
        let chunks = site_ids.map_or_else(|| vec![&[][..]], |sites| sites.chunks(256).collect());
        for some in chunks {
            let mut page_token = String::new();
            loop {
                let filter = Some(AlertFilter { site_ids: some.to_vec(), ..AlertFilter::default() });
                let request = ListAlertsRequest {
                    filter,
                    page_size: PAGE_SIZE,
                    page_token,
                    ..ListAlertsRequest::default()
                };
                let page = self.alerts.clone().list_alerts(request).await?.into_inner();
                alerts.extend(page.alerts);
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
        }
        Ok(alerts)
    }

    /// A console that notes when it is shown what, until it is stopped. It tells its position, and comes back there
    /// if it is cut off.
    pub(crate) async fn watch(
        self,
        position: watch::Sender<u64>,
        start: Instant,
        stop: CancellationToken,
    ) -> Sightings {
        let mut sightings = Sightings::new();
        let watching = async {
            loop {
                let after_position = *position.borrow();
                let request = WatchAlertsRequest { filter: None, after_position };
                let mut client = self.alerts.clone();
                if let Ok(stream) = client.watch_alerts(request).await {
                    let mut stream = stream.into_inner();
                    while let Ok(Some(message)) = stream.message().await {
                        if let Some(Step::Changed(alert) | Step::Snapshot(alert)) = message.event {
                            let at = start.elapsed().as_micros();
                            let seen = (alert.position, u64::try_from(at).unwrap_or(u64::MAX));
                            let call_point = format!("{}/{}", alert.site_id, alert.device_id);
                            sightings.entry(call_point).or_default().push(seen);
                        }
                        position.send_if_modified(|shown| {
                            let on = message.position > *shown;
                            *shown = message.position.max(*shown);
                            on
                        });
                    }
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = watching => {}
        }
        sightings
    }
}

/// Asks again while the system is gone.
async fn insist<T>(ask: impl AsyncFn() -> Result<T, Status>) -> Result<T, SystemError> {
    let begin = Instant::now();
    loop {
        match ask().await {
            Err(status) if is_gone(&status) && begin.elapsed() < BACK_WITHIN => {
                tokio::time::sleep(TRY_AGAIN).await;
            }
            answer => return Ok(answer?),
        }
    }
}

/// Nobody answers, or somebody died over the answer.
fn is_gone(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Internal)
}

/// Puts call points into the registry.
pub(crate) struct Registry(RegistryServiceClient<Link>);

/// Requests that are under way at once.
const PUTS_AT_ONCE: usize = 64;

/// Who registers what is simulated.
const REGISTRAR: &str = "simulator";

impl Registry {
    pub(crate) fn new(link: Link) -> Self {
        Self(RegistryServiceClient::new(link))
    }

    /// Registers a site.
    pub(crate) async fn put_site(&self, site: Site, run: &str) -> Result<(), Status> {
        let request_id = format!("{run}-{}", site.site_id);
        let request = signed(PutSiteRequest { request_id, site: Some(site) });
        self.0.clone().put_site(request).await.map(|_| ())
    }

    /// Registers a call point.
    pub(crate) async fn put_device(&self, device: Device, run: &str) -> Result<(), Status> {
        let request_id = format!("{run}-{}/{}", device.site_id, device.device_id);
        let request = signed(PutDeviceRequest { request_id, device: Some(device) });
        self.0.clone().put_device(request).await.map(|_| ())
    }

    /// Registers many sites.
    pub(crate) async fn put_sites(&self, sites: &[Site], run: &str) -> Result<(), SystemError> {
        all(sites.iter().map(|site| self.put_site(site.clone(), run))).await
    }

    /// Registers many call points.
    pub(crate) async fn put_devices(
        &self,
        devices: impl Iterator<Item = Device>,
        run: &str,
    ) -> Result<(), SystemError> {
        all(devices.map(|device| self.put_device(device, run))).await
    }
}

/// Carries out requests, some at a time, until one fails.
async fn all(
    requests: impl Iterator<Item = impl Future<Output = Result<(), Status>>>,
) -> Result<(), SystemError> {
    let mut answers = stream::iter(requests).buffer_unordered(PUTS_AT_ONCE);
    while let Some(answer) = answers.next().await {
        answer?;
    }
    Ok(())
}

fn signed<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("sos-operator", MetadataValue::from_static(REGISTRAR));
    request
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    // A server that is killed while a run is counted is back soon; one that refuses will not change its mind.
    #[tokio::test]
    async fn who_is_gone_is_asked_again_and_who_refuses_is_not() {
        let asked = Cell::new(0);
        let gone_twice = async || {
            asked.set(asked.get() + 1);
            if asked.get() <= 2 { Err(Status::unavailable("gone")) } else { Ok(asked.get()) }
        };
        assert_eq!(insist(gone_twice).await.unwrap(), 3);
        asked.set(0);
        let refuses = async || -> Result<(), Status> {
            asked.set(asked.get() + 1);
            Err(Status::permission_denied("no"))
        };
        assert_eq!(insist(refuses).await.unwrap_err().to_string(), "no");
        assert_eq!(asked.get(), 1);
    }
}
