//! One console's view of the call points as they change: a cursor, as in a watch of alerts.
//!
//! Invariant: a slow console gets each call point's newest state, later, and costs nobody anything (P5, P10).

use std::collections::BTreeSet;
use std::sync::Arc;

use sos_auth::Scope;
use sos_eventlog::clock;
use sos_proto::registry::v1::watch_devices_response::Event;
use sos_proto::registry::v1::{Device, DeviceHeartbeat, DeviceSnapshotEnd, WatchDevicesResponse};
use tokio_util::sync::CancellationToken;

use super::asker::region;
use super::line::{End, Line};
use super::registry::device;
use crate::config::SCAN_ALERTS_MAX;
use crate::core::{PointNumber, State};
use crate::live::Live;

/// One console's watch.
pub(super) struct WatchDevices {
    live: Arc<Live>,
    line: Line<WatchDevicesResponse>,
    site_ids: BTreeSet<String>,
    scope: Scope,
    /// Everything up to here was sent, or is no business of this console.
    cursor: u64,
}

impl WatchDevices {
    /// A watch behind a position, which must be folded already; 0 for one that opens with a snapshot.
    pub(super) fn new(
        live: Arc<Live>,
        site_ids: BTreeSet<String>,
        scope: Scope,
        after_position: u64,
        line: Line<WatchDevicesResponse>,
    ) -> Self {
        Self { live, line, site_ids, scope, cursor: after_position }
    }

    /// Runs until it ends, and tells the console why.
    pub(super) async fn run(mut self, stop: &CancellationToken) {
        let Some(last_word) = self.line.last_word().await else { return };
        last_word.after(self.produce(), stop).await;
    }

    async fn produce(&mut self) -> Result<(), End> {
        if self.cursor == 0 {
            self.snapshot().await?;
        }
        let mut folded = self.live.subscribe();
        loop {
            self.heartbeat_if_due().await?;
            folded.borrow_and_update();
            let (changed, position) = self.changed();
            let is_last = changed.len() < SCAN_ALERTS_MAX;
            for (at, device) in changed {
                // One event changes one call point.
                self.cursor = at;
                if let Some(device) = device {
                    self.send(at, Event::Changed(device)).await?;
                }
            }
            if !is_last {
                continue;
            }
            self.cursor = position;
            tokio::select! {
                () = self.line.beat() => self.heartbeat().await?,
                changed = folded.changed() => changed.map_err(|_| End::Gone)?,
            }
        }
    }

    /// What changed behind the cursor, as far as one hold of the lock goes, and how far all is folded.
    fn changed(&self) -> (Vec<(u64, Option<Device>)>, u64) {
        let now = clock::now();
        self.live.read(|state| {
            let changed = state.points_changed_after((self.cursor, PointNumber::MAX)).take(SCAN_ALERTS_MAX);
            let told = changed.map(|((at, _), point)| {
                let device = device(state, point, now).filter(|device| self.is_wanted(state, device));
                (at, device)
            });
            (told.collect(), state.position())
        })
    }

    /// Every call point, in order of appearance. What changes meanwhile comes as a change behind it.
    async fn snapshot(&mut self) -> Result<(), End> {
        let position = self.live.read(State::position);
        let mut first = 0;
        loop {
            self.heartbeat_if_due().await?;
            let now = clock::now();
            let (devices, looked_at) = self.live.read(|state| {
                let points = state.points().get(first..).unwrap_or_default();
                let page = points.get(..SCAN_ALERTS_MAX.min(points.len())).unwrap_or_default();
                let devices = page.iter().filter_map(|point| device(state, point, now));
                let devices: Vec<_> = devices.filter(|device| self.is_wanted(state, device)).collect();
                (devices, page.len())
            });
            for device in devices {
                self.line
                    .send(WatchDevicesResponse { position: 0, event: Some(Event::Snapshot(device)) })
                    .await?;
            }
            first += looked_at;
            if looked_at < SCAN_ALERTS_MAX {
                break;
            }
        }
        self.cursor = position;
        self.send(position, Event::SnapshotEnd(DeviceSnapshotEnd {})).await
    }

    fn is_wanted(&self, state: &State, device: &Device) -> bool {
        let site_id = &device.site_id;
        (self.site_ids.is_empty() || self.site_ids.contains(site_id))
            && self.scope.has(site_id, region(state, site_id))
    }

    async fn heartbeat_if_due(&mut self) -> Result<(), End> {
        if self.line.is_due() { self.heartbeat().await } else { Ok(()) }
    }

    async fn heartbeat(&mut self) -> Result<(), End> {
        let Some((head_position, now)) = self.line.pulse(self.cursor) else { return Ok(()) };
        let heartbeat = DeviceHeartbeat { head_position, server_time: Some(now) };
        self.send(self.cursor, Event::Heartbeat(heartbeat)).await
    }

    async fn send(&self, position: u64, event: Event) -> Result<(), End> {
        self.line.send(WatchDevicesResponse { position, event: Some(event) }).await
    }
}
