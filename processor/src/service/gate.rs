//! Lets calls in: none before live state has caught up with the log once, and so many at once.
//!
//! Invariant: nobody is shown the past as the present (P5), and calls are bounded (P10).

use std::sync::Arc;

use tokio::sync::watch::Receiver;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

use super::status;

/// Lets calls in. Clones share the places.
#[derive(Clone)]
pub(crate) struct Gate {
    ready: Receiver<bool>,
    places: Arc<Semaphore>,
    calls_max: usize,
}

impl Gate {
    /// A gate with so many places, which opens when `ready` says so.
    pub(crate) fn new(ready: Receiver<bool>, calls_max: usize) -> Self {
        let places = Arc::new(Semaphore::new(calls_max.min(Semaphore::MAX_PERMITS)));
        Self { ready, places, calls_max }
    }

    /// A place for a call, for as long as it is answered.
    pub(super) fn admit(&self) -> Result<OwnedSemaphorePermit, Status> {
        self.check_ready()?;
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            let reason = format!("at most {} calls are answered at once", self.calls_max);
            status::exhausted("calls_max", reason)
        })
    }

    /// Whether calls are answered at all.
    pub(super) fn check_ready(&self) -> Result<(), Status> {
        if *self.ready.borrow() {
            Ok(())
        } else {
            Err(Status::unavailable("live state is catching up with the log"))
        }
    }
}
