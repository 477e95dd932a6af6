//! The one writer: takes what is waiting, commits it together, then answers all of it.
//!
//! It runs on a thread of its own, because the disk blocks. A failed write or sync ends it for good: no
//! further answer is given, since nobody knows what reached the disk.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sos_proto::event::v1::Event;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::identity::Key;
use crate::index::Index;
use crate::record::{self, Record};
use crate::sealer::Segments;
use crate::store::{Store, StoreError, Tail};
use crate::{AppendError, Appended, BATCH_BYTES_MAX, BATCH_EVENTS_MAX, Batch, Head, clock, telemetry};

/// Most events committed by one sync.
const COMMIT_EVENTS_MAX: usize = 128 * BATCH_EVENTS_MAX;

/// Most appends answered by one sync; repeats add no event but wait for an answer all the same.
const COMMIT_APPENDS_MAX: usize = COMMIT_EVENTS_MAX;

/// An append waits for others at most the time of a commit divided by this, and only if the last commit had
/// more: alone it never waits. PostgreSQL's `commit_delay` is the same idea.
const PATIENCE: u32 = 4;

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
pub(crate) type Answer = oneshot::Sender<Result<Vec<Outcome>, AppendError>>;

/// What the writer is asked to do.
#[derive(Debug)]
pub(crate) enum Request {
    /// Append these events, all or none.
    Append { entries: Vec<Entry>, conditions: Vec<Condition>, answer: Answer },
    /// Commit what came before, then end.
    Close,
}

/// What became of one event.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It was appended.
    Recorded(Appended),
    /// The log holds it already, at this position.
    Duplicate { identity: Key, position: u64 },
}

/// The state of the writer thread.
pub(crate) struct Writer<S> {
    pub store: Arc<S>,
    pub index: Index,
    /// The end of what is written. The next `recorded_at` is never earlier, whatever the clock does.
    pub tail: Tail,
    pub heads: watch::Sender<Head>,
    pub live: broadcast::Sender<Arc<Batch>>,
    pub segments: Segments,
    pub last: Last,
}

/// The commit before.
#[derive(Debug, Default)]
pub(crate) struct Last {
    appends: usize,
    took: Duration,
}

/// A commit in the making.
#[derive(Default)]
struct Commit {
    batches: Vec<Vec<Entry>>,
    batch_bytes: usize,
    events: usize,
    answers: Vec<(Answer, Vec<Outcome>)>,
}

impl<S: Store> Writer<S> {
    /// Serves requests until it is closed or fails; why it failed is told through `failed`.
    pub fn run(mut self, mut requests: mpsc::Receiver<Request>, failed: &watch::Sender<Option<String>>) {
        let served = catch_unwind(AssertUnwindSafe(|| self.serve(&mut requests)));
        let reason = match served {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the writer panicked".to_owned(),
        };
        failed.send_replace(Some(reason));
    }

    fn serve(&mut self, requests: &mut mpsc::Receiver<Request>) -> Result<(), StoreError> {
        let mut open = true;
        while open {
            let Some(first) = requests.blocking_recv() else { break };
            let mut commit = Commit::default();
            open = self.take(first, &mut commit)?;
            let patience = Instant::now() + self.last.took / PATIENCE;
            while open && commit.events < COMMIT_EVENTS_MAX && commit.answers.len() < COMMIT_APPENDS_MAX {
                match requests.try_recv() {
                    Ok(next) => open = self.take(next, &mut commit)?,
                    // Who was answered together comes back together, a moment later.
                    Err(_) if commit.answers.len() < self.last.appends && Instant::now() < patience => {
                        std::thread::yield_now();
                    }
                    Err(_) => break,
                }
            }
            let (appends, started) = (commit.answers.len(), Instant::now());
            self.commit(commit)?;
            self.last = Last { appends, took: started.elapsed() };
            self.roll()?;
        }
        if let Err(error) = self.store.close(&self.tail) {
            tracing::warn!(%error, "the log was not closed cleanly; nothing is lost");
        }
        Ok(())
    }

    /// Plans one request. False: close.
    fn take(&mut self, request: Request, commit: &mut Commit) -> Result<bool, StoreError> {
        let Request::Append { entries, conditions, answer } = request else { return Ok(false) };
        if let Some(conflict) = self.lost(&entries, conditions).map_err(index_error)? {
            let _ = answer.send(Err(conflict));
            return Ok(true);
        }
        let mut outcomes = Vec::with_capacity(entries.len());
        let mut fresh = Vec::with_capacity(entries.len());
        for entry in entries {
            // P2: the log holds one event for an identity, however often it is appended.
            let known = self.index.first(entry.identity.as_ref()).map_err(index_error)?;
            if let (Some(position), Some(identity)) = (known, entry.identity) {
                outcomes.push(Outcome::Duplicate { identity, position });
                continue;
            }
            self.tail.head.position += 1;
            let position = self.tail.head.position;
            self.index.insert(entry.identity, entry.streams, position);
            let event_id = entry.event.event_id.clone();
            outcomes.push(Outcome::Recorded(Appended {
                position,
                event_id,
                recorded_at: 0,
                duplicate: false,
            }));
            fresh.push(entry);
        }
        commit.add(fresh);
        commit.answers.push((answer, outcomes));
        Ok(true)
    }

    /// The first condition that does not hold. A repeat gets its first answer, so none matters to it.
    fn lost(&self, entries: &[Entry], conditions: Vec<Condition>) -> io::Result<Option<AppendError>> {
        if conditions.is_empty() {
            return Ok(None);
        }
        let mut all_known = true;
        for entry in entries {
            all_known &= self.index.first(entry.identity.as_ref())?.is_some();
        }
        if all_known {
            return Ok(None);
        }
        for Condition { stream, expected } in conditions {
            let actual = self.index.stream_end(&stream)?;
            if actual != expected.position {
                return Ok(Some(AppendError::Conflict { stream: expected.stream, actual }));
            }
        }
        Ok(None)
    }

    /// Makes a commit durable, shows it to followers, then answers (P1).
    fn commit(&mut self, commit: Commit) -> Result<(), StoreError> {
        let started = Instant::now();
        if commit.events > 0 {
            self.tail.recorded_at = self.tail.recorded_at.max(clock::now());
        }
        let Tail { head, recorded_at } = &mut self.tail;
        let mut first = head.position + 1 - commit.events as u64;
        let mut batches = Vec::with_capacity(commit.batches.len());
        for entries in commit.batches {
            let encoded = entries.iter().map(|e| e.encoded.as_slice());
            let bytes = record::encode(first, *recorded_at, &head.hash, encoded);
            let record = Record { first, bytes: bytes.into() };
            head.hash = record.hash();
            self.store.put(&record)?;
            let events = entries.into_iter().map(|e| e.event).collect();
            let batch = Batch::new(first, *recorded_at, events);
            first = batch.end();
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

    /// Goes on in a new segment where the last is full.
    fn roll(&mut self) -> Result<(), StoreError> {
        let Some(first) = self.store.roll(&self.tail)? else { return Ok(()) };
        self.index.freeze(first, self.tail);
        telemetry::rolled();
        // Waits while the sealer is several segments behind (P10).
        self.segments.send(first).map_err(|_| StoreError::Failed("the sealer has ended".to_owned()))
    }
}

fn index_error(error: io::Error) -> StoreError {
    StoreError::failed("the index cannot be read; it is made anew at the next start", &error)
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
