//! One console's view of the alerts as they change.
//!
//! A watch holds a cursor into the order of changes and, where alerts can stop fitting its filter, which open
//! ones are on the screen. What its console has not taken yet stays where it is, in the state, and is read
//! again in its newest form. Invariant: a slow console gets each alert's newest state, later, and costs nobody
//! anything (P5, P10).

use std::sync::Arc;

use sos_proto::alert::v1::watch_alerts_response::Event;
use sos_proto::alert::v1::{Heartbeat, SnapshotEnd, WatchAlertsResponse};
use tokio_util::sync::CancellationToken;

use super::line::{End, Line};
use super::on_screen::OnScreen;
use crate::config::SCAN_ALERTS_MAX;
use crate::core::{AlertView, Filter, Opening, State};
use crate::live::Live;
use crate::telemetry;

type Views = Vec<Arc<AlertView>>;

/// One console's watch.
pub(super) struct Watch {
    live: Arc<Live>,
    line: Line<WatchAlertsResponse>,
    filter: Filter,
    on_screen: OnScreen,
    /// Everything up to here was sent, or is no business of this console.
    cursor: u64,
    /// The same in the order of changes, where several alerts may have changed at one position.
    seen: (u64, Opening),
}

impl Watch {
    /// A watch behind a position, which must be folded already; 0 for one that opens with a snapshot.
    pub(super) fn new(
        live: Arc<Live>,
        filter: Filter,
        after_position: u64,
        line: Line<WatchAlertsResponse>,
    ) -> Self {
        let on_screen = OnScreen::new(after_position > 0);
        Self { live, line, filter, on_screen, cursor: after_position, seen: (after_position, Opening::MAX) }
    }

    /// Runs until it ends, and tells the console why.
    pub(super) async fn run(mut self, stop: &CancellationToken) {
        let Some(last_word) = self.line.last_word().await else { return };
        last_word.after(self.produce(), stop).await;
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
            let (changed, position) = self.live.read(|state| {
                // One more than is told: it says whether others changed at the same position.
                let changed = state.changed_after(self.seen).take(SCAN_ALERTS_MAX + 1);
                (changed.collect::<Views>(), state.position())
            });
            let is_last = changed.len() <= SCAN_ALERTS_MAX;
            let next = changed.iter().skip(1).map(|view| Some(view.alert.position)).chain([None]);
            for (view, next) in changed.iter().zip(next).take(SCAN_ALERTS_MAX) {
                // Until it has all that changed at a position, the console resumes before that.
                self.changed(view, next.is_none_or(|next| next > view.alert.position)).await?;
            }
            if !is_last {
                continue;
            }
            self.on_screen.end_backlog();
            self.reach(position);
            tokio::select! {
                () = self.line.beat() => self.heartbeat().await?,
                changed = folded.changed() => changed.map_err(|_| End::Gone)?,
            }
        }
    }

    /// Every open alert, or all of the states asked for, in order of opening. What changes meanwhile comes
    /// as a change behind it.
    async fn snapshot(&mut self) -> Result<(), End> {
        let position = self.live.read(State::position);
        let with_closed = !self.filter.states.is_empty() && self.filter.wants_closed();
        let mut behind: Opening = 0;
        loop {
            self.heartbeat_if_due().await?;
            let page = self.live.read(|state| {
                if with_closed { page(state.opened_after(behind)) } else { page(state.open_after(behind)) }
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
        self.reach(position);
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

    fn reach(&mut self, position: u64) {
        self.cursor = position;
        self.seen = (position, Opening::MAX);
    }

    /// Tells of a changed alert. `is_whole`: it is the last that changed at its position.
    async fn changed(&mut self, view: &AlertView, is_whole: bool) -> Result<(), End> {
        self.seen = (view.alert.position, view.opening);
        if is_whole {
            self.cursor = view.alert.position;
        }
        if !self.on_screen.note(&self.filter, view) {
            return Ok(());
        }
        telemetry::delivered(view);
        self.send(self.cursor, Event::Changed(view.alert.clone())).await
    }

    async fn heartbeat_if_due(&mut self) -> Result<(), End> {
        if self.line.is_due() { self.heartbeat().await } else { Ok(()) }
    }

    async fn heartbeat(&mut self) -> Result<(), End> {
        let Some((head_position, now)) = self.line.pulse(self.cursor) else { return Ok(()) };
        let heartbeat = Heartbeat { head_position, server_time: Some(now) };
        self.send(self.cursor, Event::Heartbeat(heartbeat)).await
    }

    async fn send(&self, position: u64, event: Event) -> Result<(), End> {
        self.line.send(WatchAlertsResponse { position, event: Some(event) }).await
    }
}

/// What is read under one hold of the lock.
fn page(views: impl Iterator<Item = Arc<AlertView>>) -> Views {
    views.take(SCAN_ALERTS_MAX).collect()
}
