//! Starts watches, counts them, and owns their tasks.
//!
//! Invariant: at most `watchers_max` consoles watch at once (P10), and none outlives the processor.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use sos_eventlog::EventLog;
use sos_proto::alert::v1::WatchAlertsResponse;
use sos_proto::registry::v1::WatchDevicesResponse;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;

use super::asker::Asker;
use super::line::{Line, Pace};
use super::status::{self, InvalidField};
use super::watch::Watch;
use super::watch_devices::WatchDevices;
use crate::config::WATCH_QUEUE_MAX;
use crate::core::{Filter, State};
use crate::live::Live;
use crate::on_duty::OnDuty;
use crate::telemetry::Watching;

/// Starts watches.
pub(crate) struct Watchers {
    places: Arc<Semaphore>,
    watchers_max: usize,
    pace: Pace,
    head: watch::Receiver<Option<u64>>,
    on_duty: Arc<OnDuty>,
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
        on_duty: Arc<OnDuty>,
        end: WatchesEnd,
    ) -> Self {
        let places = Arc::new(Semaphore::new(watchers_max.min(Semaphore::MAX_PERMITS)));
        Self { places, watchers_max, pace, head, on_duty, end }
    }

    /// Starts one watch of alerts behind a position.
    pub(super) async fn alerts(
        &self,
        live: &Arc<Live>,
        log: &dyn EventLog,
        filter: Filter,
        after_position: u64,
        asker: &Asker,
    ) -> Result<ReceiverStream<Result<WatchAlertsResponse, Status>>, Status> {
        let place = self.place()?;
        check_position(live, log, after_position).await?;
        let on_duty = asker.can_act().then(|| self.on_duty.arrive(&filter));
        let (line, stream) = self.line();
        let watch = Watch::new(Arc::clone(live), filter, after_position, line);
        self.spawn(place, async move |stop| {
            let _on_duty = on_duty;
            watch.run(&stop).await;
        });
        Ok(stream)
    }

    /// Starts one watch of call points behind a position.
    pub(super) async fn devices(
        &self,
        live: &Arc<Live>,
        log: &dyn EventLog,
        site_ids: BTreeSet<String>,
        after_position: u64,
        asker: &Asker,
    ) -> Result<ReceiverStream<Result<WatchDevicesResponse, Status>>, Status> {
        let place = self.place()?;
        check_position(live, log, after_position).await?;
        let (line, stream) = self.line();
        let watch = WatchDevices::new(Arc::clone(live), site_ids, asker.scope(), after_position, line);
        self.spawn(place, async move |stop| watch.run(&stop).await);
        Ok(stream)
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, Status> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            let reason = format!("at most {} consoles may watch at once", self.watchers_max);
            status::exhausted("watchers_max", reason)
        })
    }

    fn line<T>(&self) -> (Line<T>, ReceiverStream<Result<T, Status>>) {
        // One place more, for the last word.
        let (out, stream) = mpsc::channel(WATCH_QUEUE_MAX + 1);
        (Line::new(self.head.clone(), self.pace, out), ReceiverStream::new(stream))
    }

    fn spawn<W>(&self, place: OwnedSemaphorePermit, watch: impl FnOnce(CancellationToken) -> W)
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let watch = watch(self.end.stop.clone());
        let run = async move {
            let _place = place;
            let _watching = Watching::start();
            watch.await;
        };
        self.end.tasks.spawn(self.end.cut.clone().run_until_cancelled_owned(run));
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
