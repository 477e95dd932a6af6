//! One console's view of the alerts as they change.
//!
//! A watch holds a cursor into the order of changes and, where alerts can stop fitting its filter, which open
//! ones are on the screen. What its console has not taken yet stays where it is, in the state, and is read
//! again in its newest form. Invariant: a slow console gets each alert's newest state, later, and costs nobody
//! anything (P5, P10).

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use sos_eventlog::clock;
use sos_proto::alert::v1::watch_alerts_response::Event;
use sos_proto::alert::v1::{Heartbeat, SnapshotEnd, WatchAlertsResponse};
use sos_proto::time;
use tokio::sync::{mpsc, watch};
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::on_screen::OnScreen;
use super::status;
use crate::config::SCAN_ALERTS_MAX;
use crate::core::{AlertView, Filter, Opening, State};
use crate::live::Live;
use crate::telemetry;

type Views = Vec<Arc<AlertView>>;

/// Why a watch has come to its end.
enum End {
    /// The console is gone.
    Gone,
    /// The console takes nothing.
    Stalled,
}

/// Where a watch's messages go.
pub(super) type Out = mpsc::Sender<Result<WatchAlertsResponse, Status>>;

/// How often a console hears something, and how long it may take to listen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Time between two heartbeats.
    pub heartbeat: Duration,
    /// How long one message may wait for its console.
    pub stall: Duration,
}

/// One console's watch.
pub(super) struct Watch {
    live: Arc<Live>,
    head: watch::Receiver<Option<u64>>,
    beat: Interval,
    out: Out,
    /// How long one message may wait for its console.
    stall: Duration,
    filter: Filter,
    on_screen: OnScreen,
    /// Everything up to here was sent, or is no business of this console.
    cursor: u64,
}

impl Watch {
    /// A watch behind a position, which must be folded already; 0 for one that opens with a snapshot.
    pub(super) fn new(
        live: Arc<Live>,
        filter: Filter,
        after_position: u64,
        head: watch::Receiver<Option<u64>>,
        pace: Pace,
        out: Out,
    ) -> Self {
        let mut beat = tokio::time::interval(pace.heartbeat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beat.reset();
        let on_screen = OnScreen::new(after_position > 0);
        Self { live, head, beat, out, stall: pace.stall, filter, on_screen, cursor: after_position }
    }

    /// Runs until the console is gone or takes nothing any more, or the processor stops. The last word has a
    /// place of its own behind the messages that wait.
    pub(super) async fn run(mut self, stop: &CancellationToken) {
        let out = self.out.clone();
        // Fails only if the console is gone.
        let Ok(last_word) = out.clone().reserve_owned().await else { return };
        let reason = tokio::select! {
            () = stop.cancelled() => Status::unavailable("server is shutting down"),
            () = out.closed() => return,
            end = self.produce() => match end {
                Err(End::Stalled) => {
                    telemetry::watch_stalled();
                    status::exhausted("watch_stall", format!("nothing was taken for {:?}", self.stall))
                }
                Ok(()) | Err(End::Gone) => return,
            },
        };
        last_word.send(Err(reason));
    }

    async fn produce(&mut self) -> Result<(), End> {
        if self.cursor == 0 {
            self.snapshot().await?;
        } else if self.filter.can_stop_fitting() {
            self.recall().await;
        }
        let mut folded = self.live.subscribe();
        loop {
            self.heartbeat_if_due().await?;
            // Marked as seen before the state is read: what is folded after that wakes the watch again.
            folded.borrow_and_update();
            let (page, position) =
                self.live.read(|state| (page(state.changed_after(self.cursor)), state.position()));
            let is_last = page.len() < SCAN_ALERTS_MAX;
            for view in page {
                self.changed(&view).await?;
            }
            if !is_last {
                continue;
            }
            self.on_screen.end_backlog();
            self.cursor = position;
            tokio::select! {
                _ = self.beat.tick() => self.heartbeat().await?,
                changed = folded.changed() => changed.map_err(|_| End::Gone)?,
            }
        }
    }

    /// Every open alert, or all of the states asked for, in order of opening. What changes meanwhile comes
    /// as a change behind it.
    async fn snapshot(&mut self) -> Result<(), End> {
        let position = self.live.read(State::position);
        let by_state = !self.filter.states.is_empty();
        let mut behind: Opening = 0;
        loop {
            self.heartbeat_if_due().await?;
            let page = self.live.read(|state| {
                if by_state { page(state.opened_after(behind)) } else { page(state.open_after(behind)) }
            });
            for view in page.iter().filter(|view| view.opening <= position && self.filter.fits(&view.alert)) {
                self.on_screen.note(&self.filter, view);
                telemetry::delivered(view);
                self.send(0, Event::Snapshot(view.alert.clone())).await?;
            }
            match page.last() {
                Some(last) if page.len() == SCAN_ALERTS_MAX && last.opening <= position => {
                    behind = last.opening
                }
                _ => break,
            }
        }
        self.cursor = position;
        self.send(position, Event::SnapshotEnd(SnapshotEnd {})).await
    }

    /// What a console that returns still shows: what fits and has not changed since. What has changed comes
    /// as its backlog.
    async fn recall(&mut self) {
        let mut behind: Opening = 0;
        loop {
            let page = self.live.read(|state| page(state.open_after(behind)));
            for view in page.iter().filter(|view| view.alert.position <= self.cursor) {
                self.on_screen.note(&self.filter, view);
            }
            match page.last() {
                Some(last) if page.len() == SCAN_ALERTS_MAX && last.opening < self.cursor => {
                    behind = last.opening;
                }
                _ => return,
            }
            tokio::task::coop::consume_budget().await;
        }
    }

    async fn changed(&mut self, view: &AlertView) -> Result<(), End> {
        self.cursor = view.alert.position;
        if !self.on_screen.note(&self.filter, view) {
            return Ok(());
        }
        telemetry::delivered(view);
        self.send(view.alert.position, Event::Changed(view.alert.clone())).await
    }

    async fn heartbeat_if_due(&mut self) -> Result<(), End> {
        if self.beat.tick().now_or_never().is_some() { self.heartbeat().await } else { Ok(()) }
    }

    /// P5: without a known head there is no heartbeat, and the console sees that it is stale.
    async fn heartbeat(&mut self) -> Result<(), End> {
        let Some(head) = *self.head.borrow() else { return Ok(()) };
        let heartbeat = Heartbeat {
            head_position: head.max(self.cursor),
            server_time: Some(time::timestamp(clock::now())),
        };
        self.send(self.cursor, Event::Heartbeat(heartbeat)).await
    }

    async fn send(&self, position: u64, event: Event) -> Result<(), End> {
        match tokio::time::timeout(self.stall, self.out.reserve()).await {
            Ok(Ok(place)) => {
                place.send(Ok(WatchAlertsResponse { position, event: Some(event) }));
                Ok(())
            }
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::Stalled),
        }
    }
}

/// What is read under one hold of the lock.
fn page<'a>(views: impl Iterator<Item = &'a Arc<AlertView>>) -> Views {
    views.take(SCAN_ALERTS_MAX).cloned().collect()
}
