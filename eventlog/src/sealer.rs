//! The one sealer: makes segments final that ended, and writes down what the index knows of them.
//!
//! It runs on a thread of its own, so that the writer waits for it only when it is several segments behind
//! (P10). Nothing is lost if it fails: an unsealed segment is as durable as a sealed one, only larger, and
//! the next start tries again.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::index::Layers;
use crate::store::Store;

/// Segments that wait to be sealed; the writer waits for a place.
const QUEUE_SEGMENTS_MAX: usize = 4;

/// Where the writer hands over segments.
pub(crate) type Segments = SyncSender<u64>;

/// The thread that seals.
#[derive(Debug)]
pub(crate) struct Sealer {
    thread: JoinHandle<()>,
    closing: Arc<AtomicBool>,
}

impl Sealer {
    /// Starts it, with segments that were left by an earlier run.
    pub fn start<S: Store>(
        store: Arc<S>,
        layers: Arc<Layers>,
        left: Vec<u64>,
    ) -> io::Result<(Self, Segments)> {
        let (segments, queue) = sync_channel(QUEUE_SEGMENTS_MAX);
        let closing = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&closing);
        let run = move || run(&*store, &layers, left, &queue, &told);
        let thread = std::thread::Builder::new().name("log-sealer".to_owned()).spawn(run)?;
        Ok((Self { thread, closing }, segments))
    }

    /// Ends what is under way, leaves the rest to the next start, and waits for it. The writer must have let
    /// go of its end of the queue.
    pub fn stop(self) {
        self.closing.store(true, Ordering::Relaxed);
        if self.thread.join().is_err() {
            tracing::error!("the sealer panicked; segments stay unsealed until the next start");
        }
    }
}

fn run(store: &impl Store, layers: &Layers, left: Vec<u64>, queue: &Receiver<u64>, closing: &AtomicBool) {
    for first in left.into_iter().chain(queue) {
        if closing.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = store.seal(first) {
            tracing::error!(%error, first, "a segment cannot be sealed; it stays as it is until the next start");
        }
        if let Err(error) = layers.persist() {
            tracing::error!(%error, first, "the index of a segment cannot be written; it stays in memory");
        }
    }
}
