//! The two things that consoles watch: alerts and call points. Holds only what differs between them.

use std::collections::BTreeMap;

use sos_proto::alert::v1::alert_service_client::AlertServiceClient;
use sos_proto::alert::v1::watch_alerts_response::Event as AlertStep;
use sos_proto::alert::v1::{Alert, ListAlertsRequest, WatchAlertsRequest, WatchAlertsResponse};
use sos_proto::registry::v1::registry_service_client::RegistryServiceClient;
use sos_proto::registry::v1::watch_devices_response::Event as DeviceStep;
use sos_proto::registry::v1::{Device, ListDevicesRequest, WatchDevicesRequest, WatchDevicesResponse};
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use crate::consoles::{Listed, Shown, Step};

/// Items of a page.
const PAGE_SIZE: i32 = 1_000;

impl Shown for Alert {
    const WHAT: &'static str = "alerts";
    type Message = WatchAlertsResponse;

    async fn watch(channel: Channel, after_position: u64) -> Result<Streaming<Self::Message>, Status> {
        let request = WatchAlertsRequest { filter: None, after_position };
        Ok(AlertServiceClient::new(channel).watch_alerts(request).await?.into_inner())
    }

    fn read(message: Self::Message) -> (u64, Step<Self>) {
        let step = match message.event {
            Some(AlertStep::Snapshot(alert) | AlertStep::Changed(alert)) => Step::Is(alert),
            Some(AlertStep::Heartbeat(beat)) => Step::Beat(beat.head_position),
            _ => Step::Other,
        };
        (message.position, step)
    }

    async fn list(channel: Channel) -> Listed<Self> {
        let client = AlertServiceClient::new(channel);
        pages(async |page_token| {
            let request =
                ListAlertsRequest { page_size: PAGE_SIZE, page_token, ..ListAlertsRequest::default() };
            let page = client.clone().list_alerts(request).await?.into_inner();
            Ok(Page { position: page.position, items: page.alerts, next: page.next_page_token })
        })
        .await
    }

    fn key(&self) -> String {
        self.alert_id.clone()
    }

    fn position(&self) -> u64 {
        self.position
    }
}

impl Shown for Device {
    const WHAT: &'static str = "call points";
    type Message = WatchDevicesResponse;

    async fn watch(channel: Channel, after_position: u64) -> Result<Streaming<Self::Message>, Status> {
        let request = WatchDevicesRequest { after_position, ..WatchDevicesRequest::default() };
        Ok(RegistryServiceClient::new(channel).watch_devices(request).await?.into_inner())
    }

    fn read(message: Self::Message) -> (u64, Step<Self>) {
        let step = match message.event {
            Some(DeviceStep::Snapshot(device) | DeviceStep::Changed(device)) => Step::Is(device),
            Some(DeviceStep::Heartbeat(beat)) => Step::Beat(beat.head_position),
            _ => Step::Other,
        };
        (message.position, step)
    }

    async fn list(channel: Channel) -> Listed<Self> {
        let client = RegistryServiceClient::new(channel);
        pages(async |page_token| {
            let request =
                ListDevicesRequest { page_size: PAGE_SIZE, page_token, ..ListDevicesRequest::default() };
            let page = client.clone().list_devices(request).await?.into_inner();
            Ok(Page { position: page.position, items: page.devices, next: page.next_page_token })
        })
        .await
    }

    fn key(&self) -> String {
        format!("{}/{}", self.site_id, self.device_id)
    }

    fn position(&self) -> u64 {
        0
    }
}

/// A page of a list.
struct Page<T> {
    position: u64,
    items: Vec<T>,
    /// Names the page behind it; empty for none.
    next: String,
}

/// All pages together, if nothing changed between two of them.
async fn pages<T: Shown>(ask: impl AsyncFn(String) -> Result<Page<T>, Status>) -> Listed<T> {
    let (mut all, mut first, mut token) = (BTreeMap::new(), None, String::new());
    loop {
        let page = ask(token).await?;
        if *first.get_or_insert(page.position) != page.position {
            return Ok(None);
        }
        all.extend(page.items.into_iter().map(|item| (item.key(), item)));
        if page.next.is_empty() {
            return Ok(Some((page.position, all)));
        }
        token = page.next;
    }
}
