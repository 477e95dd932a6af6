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
        let (mut client, mut request) = (AlertServiceClient::new(channel), ListAlertsRequest::default());
        (request.page_size, request.page_token) = (PAGE_SIZE, String::new());
        let (mut all, mut first) = (BTreeMap::new(), None);
        loop {
            let page = client.list_alerts(request.clone()).await?.into_inner();
            if *first.get_or_insert(page.position) != page.position {
                return Ok(None);
            }
            all.extend(page.alerts.into_iter().map(|alert| (alert.key(), alert)));
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                return Ok(Some((page.position, all)));
            }
        }
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
        let (mut client, mut request) = (RegistryServiceClient::new(channel), ListDevicesRequest::default());
        request.page_size = PAGE_SIZE;
        let (mut all, mut first) = (BTreeMap::new(), None);
        loop {
            let page = client.list_devices(request.clone()).await?.into_inner();
            if *first.get_or_insert(page.position) != page.position {
                return Ok(None);
            }
            all.extend(page.devices.into_iter().map(|device| (device.key(), device)));
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                return Ok(Some((page.position, all)));
            }
        }
    }

    fn key(&self) -> String {
        format!("{}/{}", self.site_id, self.device_id)
    }

    fn position(&self) -> u64 {
        0
    }
}
