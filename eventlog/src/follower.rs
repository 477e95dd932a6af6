//! Following a log: from the store until the head is reached, from memory there.
//!
//! Invariant: a follower costs itself only. The writer never waits for it, and at the head it never touches
//! the disk (P10).

use std::collections::VecDeque;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt as _};
use tokio::sync::broadcast;
use tokio::task::JoinSet;

use crate::store::Store;
use crate::{Batch, EventLog as _, LocalLog, READ_BATCHES_MAX, ReadError};

/// Everything from position `from` on, and then what comes, until the log is closed.
pub(crate) fn follow<S: Store>(
    log: LocalLog<S>,
    from: u64,
) -> BoxStream<'static, Result<Arc<Batch>, ReadError>> {
    let (behind, ahead) = (VecDeque::new(), JoinSet::new());
    let follower = Follower { log, next: from.max(1), behind, ahead, live: None, caught_up: false };
    stream::unfold(Some(follower), |follower| async {
        let mut follower = follower?;
        match follower.next().await {
            Ok(Some(batch)) => Some((Ok(batch), Some(follower))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

/// Reads the store until it has caught up, then the recent batches in memory; back to the store whenever
/// it falls behind. It never holds up the writer.
struct Follower<S> {
    log: LocalLog<S>,
    next: u64,
    behind: VecDeque<Arc<Batch>>,
    /// What comes behind that in the store, read while it is taken; empty once it has caught up.
    ahead: JoinSet<Result<Vec<Arc<Batch>>, ReadError>>,
    live: Option<broadcast::Receiver<Arc<Batch>>>,
    caught_up: bool,
}

impl<S: Store> Follower<S> {
    async fn next(&mut self) -> Result<Option<Arc<Batch>>, ReadError> {
        loop {
            if let Some(batch) = self.behind.pop_front() {
                if let Some(batch) = self.advance(batch)? {
                    return Ok(Some(batch));
                }
                continue;
            }
            // Subscribed before the store is read, so that nothing falls between the two.
            let Some(live) = &mut self.live else {
                let Some(sender) = self.log.live() else { return self.rest().await };
                self.live = Some(sender.subscribe());
                self.caught_up = false;
                continue;
            };
            if !self.caught_up {
                self.behind = self.read().await?.into();
                self.caught_up = self.behind.is_empty();
                continue;
            }
            match live.recv().await {
                Ok(batch) if batch.first() > self.next => self.live = None,
                Ok(batch) => self.behind.push_back(batch),
                Err(broadcast::error::RecvError::Lagged(_)) => self.live = None,
                Err(broadcast::error::RecvError::Closed) => self.live = None,
            }
        }
    }

    /// The next batches of the store, which has more if these are as many as may be read at once.
    async fn read(&mut self) -> Result<Vec<Arc<Batch>>, ReadError> {
        let batches = match self.ahead.join_next().await {
            Some(read) => read.map_err(|e| ReadError::Unavailable(e.to_string()))??,
            None => self.log.read(self.next, READ_BATCHES_MAX).await?,
        };
        if let Some(last) = batches.last().filter(|_| batches.len() == READ_BATCHES_MAX) {
            let (log, from) = (self.log.clone(), last.end());
            self.ahead.spawn(async move { log.read(from, READ_BATCHES_MAX).await });
        }
        Ok(batches)
    }

    /// What is left in the store after the writer has ended.
    async fn rest(&mut self) -> Result<Option<Arc<Batch>>, ReadError> {
        self.behind = self.read().await?.into();
        match self.behind.pop_front() {
            Some(batch) => self.advance(batch),
            None => Ok(None),
        }
    }

    /// The part of a batch that is new to this follower.
    fn advance(&mut self, batch: Arc<Batch>) -> Result<Option<Arc<Batch>>, ReadError> {
        if batch.end() <= self.next {
            return Ok(None);
        }
        if batch.first() > self.next {
            let reason = format!("the next stored position is {}", batch.first());
            return Err(ReadError::Damaged { position: self.next, reason });
        }
        let new = batch.from_position(self.next);
        self.next = new.end();
        Ok(Some(new))
    }
}
