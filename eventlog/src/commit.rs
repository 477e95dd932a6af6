//! Commits: what becomes durable together, and the thread that makes it so.
//!
//! Invariant: nobody is shown anything, and nobody is answered, before `sync` has returned (P1, P5).

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

use tokio::sync::{broadcast, mpsc, watch};

use crate::record::{self, Record};
use crate::store::{Store, StoreError, Tail};
use crate::writer::{Answer, Entry, Outcome, Request};
use crate::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX, Batch, Head, clock, telemetry};

/// Most events committed by one sync.
const COMMIT_EVENTS_MAX: usize = 128 * BATCH_EVENTS_MAX;

/// Most appends answered by one sync; repeats add no event but wait for an answer all the same.
const COMMIT_APPENDS_MAX: usize = COMMIT_EVENTS_MAX;

/// A commit in the making.
#[derive(Default)]
pub(crate) struct Commit {
    batches: Vec<Vec<Entry>>,
    batch_bytes: usize,
    events: usize,
    answers: Vec<(Answer, Vec<Outcome>)>,
}

/// What became of a commit.
pub(crate) struct Done {
    /// The end of what is durable now.
    pub tail: Tail,
    /// Appends that were answered.
    pub appends: usize,
    /// From the first write to the last answer.
    pub took: Duration,
}

impl Done {
    /// Nothing was committed yet behind `tail`.
    pub fn nothing(tail: Tail) -> Self {
        Self { tail, appends: 0, took: Duration::ZERO }
    }
}

impl Commit {
    /// Whether nobody waits for it.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// Whether it takes no more (P10).
    pub fn is_full(&self) -> bool {
        self.events >= COMMIT_EVENTS_MAX || self.answers.len() >= COMMIT_APPENDS_MAX
    }

    /// Appends that wait for it.
    pub fn appends(&self) -> usize {
        self.answers.len()
    }

    /// Adds an append: its new events, and what will be answered. The events stay in one batch, so that a
    /// crash keeps all or none.
    pub fn add(&mut self, fresh: Vec<Entry>, answer: Answer, outcomes: Vec<Outcome>) {
        self.answers.push((answer, outcomes));
        if fresh.is_empty() {
            return;
        }
        self.events += fresh.len();
        let bytes: usize = fresh.iter().map(|e| e.encoded.len()).sum();
        match self.batches.last_mut() {
            Some(last)
                if last.len() + fresh.len() <= BATCH_EVENTS_MAX
                    && self.batch_bytes + bytes <= BATCH_BYTES_MAX =>
            {
                self.batch_bytes += bytes;
                last.extend(fresh);
            }
            _ => {
                self.batch_bytes = bytes;
                self.batches.push(fresh);
            }
        }
    }
}

/// Makes commits durable, one after the other.
pub(crate) struct Committer<S> {
    pub store: Arc<S>,
    /// The end of what is durable. The next `recorded_at` is never earlier, whatever the clock does.
    pub tail: Tail,
    pub heads: watch::Sender<Head>,
    pub live: broadcast::Sender<Arc<Batch>>,
    /// Where the writer waits.
    pub nudge: mpsc::WeakSender<Request>,
}

impl<S: Store> Committer<S> {
    /// Serves until there is nothing more to come, or something fails.
    pub fn run(mut self, inbox: &Receiver<Commit>, outbox: &SyncSender<Result<Done, StoreError>>) {
        for commit in inbox {
            let (appends, started) = (commit.appends(), Instant::now());
            let done = self.commit(commit);
            let failed = done.is_err();
            let _ = outbox.send(done.map(|()| Done { tail: self.tail, appends, took: started.elapsed() }));
            // Where there is no place, the writer is about to look anyway.
            let _ = self.nudge.upgrade().map(|writer| writer.try_send(Request::Idle));
            if failed {
                return;
            }
        }
    }

    fn commit(&mut self, commit: Commit) -> Result<(), StoreError> {
        let started = Instant::now();
        if commit.events > 0 {
            self.tail.recorded_at = self.tail.recorded_at.max(clock::now());
        }
        let Tail { head, recorded_at } = &mut self.tail;
        let mut batches = Vec::with_capacity(commit.batches.len());
        for entries in commit.batches {
            let first = head.position + 1;
            let encoded = entries.iter().map(|e| e.encoded.as_slice());
            let bytes = record::encode(first, *recorded_at, &head.hash, encoded);
            let record = Record { first, bytes: bytes.into() };
            self.store.put(&record)?;
            let events = entries.into_iter().map(|e| e.event).collect();
            let batch = Batch::new(first, *recorded_at, events);
            *head = Head { position: batch.end() - 1, hash: record.hash() };
            batches.push(Arc::new(batch));
        }
        if !batches.is_empty() {
            self.store.sync()?;
            self.store.anchor(head)?;
            self.heads.send_replace(*head);
            telemetry::committed(commit.events, batches.len(), started.elapsed(), head.position);
            for batch in batches {
                let _ = self.live.send(batch);
            }
        }
        for (answer, mut outcomes) in commit.answers {
            for outcome in &mut outcomes {
                if let Outcome::Recorded(appended) = outcome {
                    appended.recorded_at = *recorded_at;
                }
            }
            let _ = answer.send(Ok(outcomes));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use sos_proto::event::v1::Event;

    use super::*;
    use crate::record::Hash;
    use crate::store::MemoryStore;
    use crate::{Append, EventLog as _, LocalLog};

    // The order of the log is the order of its times, whatever the clock does.
    #[tokio::test]
    async fn recorded_at_stands_still_while_the_clock_is_behind() {
        let ahead = clock::now() + 3_600_000_000;
        let event = |id: &str| Event { event_id: id.to_owned(), ..Event::default() };
        let encoded = event("before").encode_to_vec();
        let bytes = record::encode(1, ahead, &Hash::default(), std::iter::once(&encoded[..]));
        let store = MemoryStore::default();
        store.put(&Record { first: 1, bytes: bytes.into() }).unwrap();
        let log = LocalLog::start(store, None).unwrap();
        for position in [2, 3] {
            let answer = log.append(Append::one(event("behind"))).await.unwrap().remove(0);
            assert_eq!((answer.position, answer.recorded_at), (position, ahead));
            assert_eq!(log.read(position, 1).await.unwrap().remove(0).recorded_at(), ahead);
        }
    }
}
