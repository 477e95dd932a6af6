//! The way from a watch to its console, whatever it watches.
//!
//! Invariant: a console that takes nothing is let go after a while, with a reason (P10).

use std::future::Future;
use std::time::Duration;

use futures::FutureExt as _;
use sos_eventlog::clock;
use sos_proto::time::{self, Timestamp};
use tokio::sync::mpsc::{self, OwnedPermit};
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::status;
use crate::telemetry;

/// Why a watch has come to its end.
pub(super) enum End {
    /// The console is gone.
    Gone,
    /// The console takes nothing.
    Stalled,
}

/// How often a console hears something, and how long it may take to listen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Time between two heartbeats.
    pub heartbeat: Duration,
    /// How long one message may wait for its console.
    pub stall: Duration,
}

/// Where the messages of one watch go.
pub(super) struct Line<T> {
    head: watch::Receiver<Option<u64>>,
    beat: Interval,
    out: mpsc::Sender<Result<T, Status>>,
    stall: Duration,
}

impl<T> Line<T> {
    /// A line to a console.
    pub(super) fn new(
        head: watch::Receiver<Option<u64>>,
        pace: Pace,
        out: mpsc::Sender<Result<T, Status>>,
    ) -> Self {
        let mut beat = tokio::time::interval(pace.heartbeat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beat.reset();
        Self { head, beat, out, stall: pace.stall }
    }

    /// A place for the last word, behind the messages that wait; nothing if the console is gone.
    pub(super) async fn last_word(&self) -> Option<LastWord<T>> {
        let place = self.out.clone().reserve_owned().await.ok()?;
        Some(LastWord { place, out: self.out.clone(), stall: self.stall })
    }

    /// What a heartbeat says at a cursor: the newest durable position, and the time. P5: where the head is not
    /// known there is no heartbeat, and the console sees that it is stale.
    pub(super) fn pulse(&self, cursor: u64) -> Option<(u64, Timestamp)> {
        let head = *self.head.borrow();
        head.map(|head| (head.max(cursor), time::timestamp(clock::now())))
    }

    /// Waits until it is time for a heartbeat.
    pub(super) async fn beat(&mut self) {
        self.beat.tick().await;
    }

    /// Whether it is time for a heartbeat.
    pub(super) fn is_due(&mut self) -> bool {
        self.beat.tick().now_or_never().is_some()
    }

    /// Sends a message, once there is room for it.
    pub(super) async fn send(&self, message: T) -> Result<(), End> {
        match tokio::time::timeout(self.stall, self.out.reserve()).await {
            Ok(Ok(place)) => {
                place.send(Ok(message));
                Ok(())
            }
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::Stalled),
        }
    }
}

/// How a watch ends, and what its console is told then.
pub(super) struct LastWord<T> {
    place: OwnedPermit<Result<T, Status>>,
    out: mpsc::Sender<Result<T, Status>>,
    stall: Duration,
}

impl<T> LastWord<T> {
    /// Runs a watch until its console is gone or takes nothing any more, or the processor stops.
    pub(super) async fn after(self, watch: impl Future<Output = Result<(), End>>, stop: &CancellationToken) {
        let reason = tokio::select! {
            () = stop.cancelled() => Status::unavailable("server is shutting down"),
            () = self.out.closed() => return,
            end = watch => match end {
                Err(End::Stalled) => {
                    telemetry::watch_stalled();
                    status::exhausted("watch_stall", format!("nothing was taken for {:?}", self.stall))
                }
                Ok(()) | Err(End::Gone) => return,
            },
        };
        self.place.send(Err(reason));
    }
}
