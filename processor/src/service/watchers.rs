//! Starts watches, counts them, and owns their tasks.
//!
//! Invariant: at most `watchers_max` consoles watch at once (P10), and none outlives the processor.

use std::sync::Arc;

use sos_eventlog::EventLog;
use sos_proto::alert::v1::WatchAlertsResponse;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;

use super::status::{self, InvalidField};
use super::watch::{Pace, Watch};
use crate::config::WATCH_QUEUE_MAX;
use crate::core::{Filter, State};
use crate::live::Live;
use crate::telemetry::Watching;

/// Starts watches.
pub(crate) struct Watchers {
    places: Arc<Semaphore>,
    watchers_max: usize,
    pace: Pace,
    head: watch::Receiver<Option<u64>>,
    end: WatchesEnd,
}

/// How watches end: asked first, cut off later. Whoever holds it waits for all of them.
#[derive(Clone, Default)]
pub(crate) struct WatchesEnd {
    tasks: TaskTracker,
    stop: CancellationToken,
    cut: CancellationToken,
}

impl WatchesEnd {
    /// Asks every watch to tell its console and to end.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
    }

    /// Waits until all have ended.
    pub(crate) async fn ended(&self) {
        self.tasks.wait().await;
    }

    /// Ends those whose console did not take the message, too.
    pub(crate) async fn cut(&self) {
        self.cut.cancel();
        self.ended().await;
    }
}

impl Watchers {
    /// Watches run until `end` says otherwise.
    pub(crate) fn new(
        watchers_max: usize,
        pace: Pace,
        head: watch::Receiver<Option<u64>>,
        end: WatchesEnd,
    ) -> Self {
        let places = Arc::new(Semaphore::new(watchers_max.min(Semaphore::MAX_PERMITS)));
        Self { places, watchers_max, pace, head, end }
    }

    /// Starts one watch behind a position.
    pub(super) async fn start(
        &self,
        live: &Arc<Live>,
        log: &dyn EventLog,
        filter: Filter,
        after_position: u64,
    ) -> Result<ReceiverStream<Result<WatchAlertsResponse, Status>>, Status> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            let reason = format!("at most {} consoles may watch at once", self.watchers_max);
            status::exhausted("watchers_max", reason)
        })?;
        check_position(live, log, after_position).await?;

        // One place more, for the last word.
        let (out, stream) = mpsc::channel(WATCH_QUEUE_MAX + 1);
        let watch = Watch::new(Arc::clone(live), filter, after_position, self.head.clone(), self.pace, out);
        let stop = self.end.stop.clone();
        let run = async move {
            let _place = place;
            let _watching = Watching::start();
            watch.run(&stop).await;
        };
        self.end.tasks.spawn(self.end.cut.clone().run_until_cancelled_owned(run));
        Ok(ReceiverStream::new(stream))
    }
}

/// A console may know a position that this processor has not folded yet, but none that is not in the log.
async fn check_position(live: &Live, log: &dyn EventLog, after_position: u64) -> Result<(), Status> {
    if after_position <= live.read(State::position) {
        return Ok(());
    }
    let head = log.head().await.map_err(|error| status::unreadable(&error))?;
    if after_position > head.position {
        let reason = format!("is beyond the head of the log, {}", head.position);
        return Err(InvalidField { field: "after_position", reason }.into());
    }
    live.catch_up(after_position).await.map_err(status::behind)
}
