//! The live state: follows the log, folds it batch by batch, and lets others read. Decides nothing.
//!
//! Invariant: what is read here is durable, and the published position never runs ahead of it (P4, P5).

use std::sync::{PoisonError, RwLock};

use futures::StreamExt as _;
use sos_eventlog::{Batch, EventLog, ReadError};
use sos_proto::event::v1::event::Body;
use tokio::sync::watch;

use crate::config::FOLD_WAIT_MAX;
use crate::core::{State, evolve};
use crate::telemetry;

/// Why live state is no longer live.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The log cannot be read any more.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log has left something out; nothing behind it can be shown.
    #[error("the event log went from position {folded} to {found}")]
    Gap {
        /// Newest position folded.
        folded: u64,
        /// First position of the batch that came.
        found: u64,
    },
    /// The log has ended.
    #[error("the event log was closed")]
    Closed,
}

/// Durable events were not folded in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("live state has not reached position {0} in time")]
pub(crate) struct Behind(u64);

/// State that follows the log.
pub(crate) struct Live {
    state: RwLock<State>,
    folded: watch::Sender<u64>,
}

impl Live {
    /// Live state that goes on from this one.
    pub(crate) fn new(state: State) -> Self {
        let folded = watch::Sender::new(state.position());
        Self { state: RwLock::new(state), folded }
    }

    /// Goes on from another state, before anything is folded.
    pub(crate) fn restore(&self, state: State) {
        let position = state.position();
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
        self.folded.send_replace(position);
    }

    /// Reads the state. Nobody can wait inside, so the lock is never held over an await.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The folded position, for who waits for the next one.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.folded.subscribe()
    }

    /// Waits until everything up to a position is folded, however long that takes.
    pub(crate) async fn reach(&self, position: u64) {
        // Fails only when the sender is gone, and `self` holds it.
        let _held = self.subscribe().wait_for(|folded| *folded >= position).await.is_ok();
    }

    /// Waits until everything up to a position is folded, for as long as a call may wait.
    pub(crate) async fn catch_up(&self, position: u64) -> Result<(), Behind> {
        tokio::time::timeout(FOLD_WAIT_MAX, self.reach(position)).await.map_err(|_| Behind(position))
    }

    /// Folds the log from where the state is, until it fails or is closed.
    pub(crate) async fn follow(&self, log: &dyn EventLog) -> FollowError {
        let start = self.read(State::position) + 1;
        let mut batches = log.follow(start);
        while let Some(batch) = batches.next().await {
            let folded = batch.map_err(FollowError::Read).and_then(|batch| self.fold(&batch));
            if let Err(error) = folded {
                return error;
            }
            // A long log is always ready; others need their turn as well.
            tokio::task::coop::consume_budget().await;
        }
        FollowError::Closed
    }

    fn fold(&self, batch: &Batch) -> Result<(), FollowError> {
        let traces = telemetry::traces_presses();
        let mut pressed = Vec::new();
        let (position, open) = {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            let folded = state.position();
            if batch.first() != folded + 1 {
                return Err(FollowError::Gap { folded, found: batch.first() });
            }
            for (position, event) in batch.events() {
                let changed = evolve(&mut state, position, batch.recorded_at(), event);
                if traces && matches!(event.body, Some(Body::Press(_))) {
                    pressed.extend(changed.and_then(|opening| state.view(opening)));
                }
            }
            (state.position(), state.open_count())
        };
        for view in &pressed {
            telemetry::press_folded(view);
        }
        telemetry::folded(position, open);
        self.folded.send_replace(position);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sos_proto::event::v1::Event;

    #[test]
    fn a_gap_stops_the_fold() {
        let live = Live::new(State::default());
        let batch = |first| Batch::new(first, 0, vec![Event::default(), Event::default()]);
        live.fold(&batch(1)).unwrap();
        assert!(matches!(live.fold(&batch(4)), Err(FollowError::Gap { folded: 2, found: 4 })));
        assert!(matches!(live.fold(&batch(2)), Err(FollowError::Gap { folded: 2, found: 2 })));
        live.fold(&batch(3)).unwrap();
        assert_eq!((live.read(State::position), *live.subscribe().borrow()), (4, 4));
    }
}
