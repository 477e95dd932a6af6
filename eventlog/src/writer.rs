//! The one writer: takes what is waiting, commits it together, then answers all of it.
//!
//! It runs on a thread of its own, because the disk blocks. A failed write or sync ends it for good: no
//! further answer is given, since nobody knows what reached the disk.

use std::sync::Arc;
use std::time::Instant;

use sos_proto::event::v1::Event;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::identity::Key;
use crate::index::Index;
use crate::record::{self, Record};
use crate::store::{Store, StoreError};
use crate::{AppendError, Appended, BATCH_BYTES_MAX, BATCH_EVENTS_MAX, Batch, Head, clock, telemetry};

/// Most events committed by one sync.
const COMMIT_EVENTS_MAX: usize = 128 * BATCH_EVENTS_MAX;

/// Most appends answered by one sync; repeats add no event but wait for an answer all the same.
const COMMIT_APPENDS_MAX: usize = COMMIT_EVENTS_MAX;

/// An event, ready to be written.
#[derive(Debug)]
pub(crate) struct Entry {
    pub event: Event,
    pub encoded: Vec<u8>,
    pub identity: Option<Key>,
    pub streams: [Option<Key>; 2],
}

/// A condition on a stream.
#[derive(Debug)]
pub(crate) struct Condition {
    pub stream: Key,
    pub expected: crate::Expected,
}

/// Where an append is answered.
pub(crate) type Answer = oneshot::Sender<Result<Vec<Appended>, AppendError>>;

/// What the writer is asked to do.
#[derive(Debug)]
pub(crate) enum Request {
    /// Append these events, all or none.
    Append { entries: Vec<Entry>, conditions: Vec<Condition>, answer: Answer },
    /// Commit what came before, then end.
    Close,
}

/// The state of the writer thread.
pub(crate) struct Writer<S> {
    pub store: Arc<S>,
    pub index: Index,
    pub head: Head,
    /// Newest `recorded_at`; the next one is never earlier, whatever the clock does.
    pub recorded_at: i64,
    pub heads: watch::Sender<Head>,
    pub live: broadcast::Sender<Arc<Batch>>,
    pub failed: watch::Sender<Option<String>>,
}

/// A commit in the making.
#[derive(Default)]
struct Commit {
    batches: Vec<Vec<Entry>>,
    batch_bytes: usize,
    events: usize,
    answers: Vec<(Answer, Vec<Outcome>)>,
}

/// What will be answered for one event.
enum Outcome {
    Recorded { position: u64, event_id: String },
    Duplicate { position: u64 },
}

impl<S: Store> Writer<S> {
    /// Serves requests until it is closed or fails.
    pub fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut open = true;
        while open {
            let Some(first) = requests.blocking_recv() else { break };
            let mut commit = Commit::default();
            open = self.take(first, &mut commit);
            while open && commit.events < COMMIT_EVENTS_MAX && commit.answers.len() < COMMIT_APPENDS_MAX {
                let Ok(next) = requests.try_recv() else { break };
                open = self.take(next, &mut commit);
            }
            if let Err(error) = self.commit(commit) {
                self.failed.send_replace(Some(error.to_string()));
                return;
            }
        }
    }

    /// Plans one request. False: close.
    fn take(&mut self, request: Request, commit: &mut Commit) -> bool {
        let Request::Append { entries, conditions, answer } = request else { return false };
        let all_known = entries.iter().all(|e| self.index.first(e.identity.as_ref()).is_some());
        let lost =
            conditions.into_iter().filter(|_| !all_known).find_map(|Condition { stream, expected }| {
                let actual = self.index.stream_end(&stream);
                (actual != expected.position)
                    .then_some(AppendError::Conflict { stream: expected.stream, actual })
            });
        if let Some(conflict) = lost {
            let _ = answer.send(Err(conflict));
            return true;
        }
        let mut outcomes = Vec::with_capacity(entries.len());
        let mut fresh = Vec::with_capacity(entries.len());
        for entry in entries {
            // P2: the log holds one event for an identity, however often it is appended.
            if let Some(position) = self.index.first(entry.identity.as_ref()) {
                outcomes.push(Outcome::Duplicate { position });
                continue;
            }
            self.head.position += 1;
            let position = self.head.position;
            self.index.insert(entry.identity, entry.streams, position);
            outcomes.push(Outcome::Recorded { position, event_id: entry.event.event_id.clone() });
            fresh.push(entry);
        }
        commit.add(fresh);
        commit.answers.push((answer, outcomes));
        true
    }

    /// Makes a commit durable, shows it to followers, then answers (P1).
    fn commit(&mut self, commit: Commit) -> Result<(), StoreError> {
        let started = Instant::now();
        self.recorded_at = self.recorded_at.max(clock::now());
        let mut first = self.head.position + 1 - commit.events as u64;
        let mut batches = Vec::with_capacity(commit.batches.len());
        for entries in commit.batches {
            let encoded = entries.iter().map(|e| e.encoded.as_slice());
            let bytes = record::encode(first, self.recorded_at, &self.head.hash, encoded);
            let record = Record { first, bytes: bytes.into() };
            self.head.hash = record.hash();
            self.store.put(&record)?;
            let events = entries.into_iter().map(|e| e.event).collect();
            let batch = Batch::new(first, self.recorded_at, events);
            first = batch.end();
            batches.push(Arc::new(batch));
        }
        if !batches.is_empty() {
            self.store.sync()?;
            self.store.anchor(&self.head)?;
            self.heads.send_replace(self.head);
            telemetry::committed(commit.events, batches.len(), started.elapsed(), self.head.position);
            for batch in &batches {
                let _ = self.live.send(Arc::clone(batch));
            }
        }
        for (answer, outcomes) in commit.answers {
            let _ = answer.send(self.answer(outcomes, &batches)?);
        }
        Ok(())
    }

    fn answer(
        &self,
        outcomes: Vec<Outcome>,
        batches: &[Arc<Batch>],
    ) -> Result<Result<Vec<Appended>, AppendError>, StoreError> {
        let mut appended = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            appended.push(match outcome {
                Outcome::Recorded { position, event_id } => {
                    Appended { position, event_id, recorded_at: self.recorded_at, duplicate: false }
                }
                Outcome::Duplicate { position } => match self.recall(position, batches)? {
                    Some(first) => first,
                    None => {
                        return Ok(Err(AppendError::Unavailable(format!("cannot read position {position}"))));
                    }
                },
            });
        }
        Ok(Ok(appended))
    }

    /// What was answered for the first of a duplicate.
    fn recall(&self, position: u64, batches: &[Arc<Batch>]) -> Result<Option<Appended>, StoreError> {
        let holds = |batch: &&Arc<Batch>| (batch.first()..batch.end()).contains(&position);
        let batch = match batches.iter().find(holds) {
            Some(batch) => Arc::clone(batch),
            None => match self.store.scan(position).next().transpose()?.map(|r| r.decode()) {
                Some(Ok(batch)) => Arc::new(batch),
                _ => return Ok(None),
            },
        };
        Ok(batch.events().find(|(p, _)| *p == position).map(|(_, event)| Appended {
            position,
            event_id: event.event_id.clone(),
            recorded_at: batch.recorded_at(),
            duplicate: true,
        }))
    }
}

impl Commit {
    /// Adds the events of one request. They stay in one batch, so that a crash keeps all or none.
    fn add(&mut self, entries: Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        self.events += entries.len();
        let bytes: usize = entries.iter().map(|e| e.encoded.len()).sum();
        match self.batches.last_mut() {
            Some(last)
                if last.len() + entries.len() <= BATCH_EVENTS_MAX
                    && self.batch_bytes + bytes <= BATCH_BYTES_MAX =>
            {
                self.batch_bytes += bytes;
                last.extend(entries);
            }
            _ => {
                self.batch_bytes = bytes;
                self.batches.push(entries);
            }
        }
    }
}
