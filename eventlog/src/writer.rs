//! The one writer: plans what is waiting while the disk is busy with what came before, and hands it over as
//! one commit as soon as the disk is free.
//!
//! It runs on a thread of its own, and its [`Committer`](crate::commit::Committer) on another, so that neither
//! waits for the other's work. A failed write or sync ends both for good: no further answer is given, since
//! nobody knows what reached the disk.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::Instant;

use sos_proto::event::v1::Event;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::commit::{Commit, Committer, Done};
use crate::identity::Key;
use crate::index::Index;
use crate::sealer::Segments;
use crate::store::{Store, StoreError, Tail};
use crate::{AppendError, Appended, Batch, Head, telemetry};

/// A commit waits for others at most the time of the last one divided by this, and only if that one had more:
/// an append that is alone never waits. PostgreSQL's `commit_delay` is the same idea.
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

/// Events to append, all or none.
#[derive(Debug)]
pub(crate) struct Planned {
    pub entries: Vec<Entry>,
    pub conditions: Vec<Condition>,
    pub answer: Answer,
}

/// What the writer is asked to do.
#[derive(Debug)]
pub(crate) enum Request {
    /// Append these events.
    Append(Planned),
    /// Look whether the disk is free.
    Idle,
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

/// What the writer thread needs.
pub(crate) struct Writer<S> {
    pub store: Arc<S>,
    pub index: Index,
    /// The end of what is durable.
    pub tail: Tail,
    pub heads: watch::Sender<Head>,
    pub live: broadcast::Sender<Arc<Batch>>,
    pub segments: Segments,
}

impl<S: Store> Writer<S> {
    /// Serves requests until it is closed or fails; why it failed is told through `failed`. `nudge` leads back
    /// to itself, for the committer.
    pub fn run(
        self,
        requests: mpsc::Receiver<Request>,
        nudge: mpsc::WeakSender<Request>,
        failed: &watch::Sender<Option<String>>,
    ) {
        let Self { store, index, tail, heads, live, segments } = self;
        let (jobs, inbox) = sync_channel(1);
        let (outbox, done) = sync_channel(1);
        let committer = Committer { store: Arc::clone(&store), tail, heads, live, nudge };
        let planner = Planner {
            store,
            index,
            position: tail.head.position,
            commit: Commit::default(),
            full: false,
            disk: Disk { jobs, done, busy: false, last: Done::nothing(tail) },
            segments,
        };
        let served = std::thread::scope(|scope| {
            let committing = std::thread::Builder::new().name("log-committer".to_owned());
            let committing = committing.spawn_scoped(scope, move || committer.run(&inbox, &outbox));
            let served = committing.map_err(|e| StoreError::failed("failed to start a thread", &e)).map(drop);
            served.and_then(|()| {
                catch_unwind(AssertUnwindSafe(|| planner.serve(requests)))
                    .unwrap_or_else(|_| Err(StoreError::Failed("the writer panicked".to_owned())))
            })
        });
        if let Err(error) = served {
            failed.send_replace(Some(error.to_string()));
        }
    }
}

/// Decides what goes where.
struct Planner<S> {
    store: Arc<S>,
    index: Index,
    /// The last position that is given away.
    position: u64,
    /// What goes next.
    commit: Commit,
    /// The segment has enough with what is under way.
    full: bool,
    disk: Disk,
    segments: Segments,
}

/// The committer, as the planner sees it.
struct Disk {
    jobs: SyncSender<Commit>,
    done: Receiver<Result<Done, StoreError>>,
    busy: bool,
    last: Done,
}

impl<S: Store> Planner<S> {
    fn serve(mut self, mut requests: mpsc::Receiver<Request>) -> Result<(), StoreError> {
        let mut open = true;
        while open || self.disk.busy || !self.commit.is_empty() {
            // P10: a commit that is full waits for the disk, and so do those who ask behind it.
            self.disk.look(!open || self.full || self.commit.is_full())?;
            if !self.disk.busy {
                if self.full {
                    self.roll()?;
                }
                if !self.commit.is_empty() {
                    open = open && self.gather(&mut requests)?;
                    // Nothing more is planned for a segment that has enough with this.
                    self.full = self.store.is_full(self.position)?;
                    self.disk.start(std::mem::take(&mut self.commit))?;
                    continue;
                }
            }
            if open {
                open = match requests.blocking_recv() {
                    Some(request) => self.take(request)?,
                    None => false,
                };
            }
        }
        if let Err(error) = self.store.close(&self.disk.last.tail) {
            tracing::warn!(%error, "the log was not closed cleanly; nothing is lost");
        }
        Ok(())
    }

    /// Takes what is waiting, and waits a moment for those who were answered together: they come back
    /// together. False: close.
    fn gather(&mut self, requests: &mut mpsc::Receiver<Request>) -> Result<bool, StoreError> {
        let patience = Instant::now() + self.disk.last.took / PATIENCE;
        while !self.commit.is_full() {
            match requests.try_recv() {
                Ok(request) => {
                    if !self.take(request)? {
                        return Ok(false);
                    }
                }
                Err(_) if self.commit.appends() < self.disk.last.appends && Instant::now() < patience => {
                    std::thread::yield_now();
                }
                Err(_) => break,
            }
        }
        Ok(true)
    }

    /// Takes one request. False: close.
    fn take(&mut self, request: Request) -> Result<bool, StoreError> {
        match request {
            Request::Append(append) => self.plan(append).map_err(index_error)?,
            Request::Idle => {}
            Request::Close => return Ok(false),
        }
        Ok(true)
    }

    /// Plans an append: which of its events are new, and where they go.
    fn plan(&mut self, append: Planned) -> io::Result<()> {
        let Planned { entries, conditions, answer } = append;
        if let Some(conflict) = self.lost(&entries, conditions)? {
            let _ = answer.send(Err(conflict));
            return Ok(());
        }
        let mut outcomes = Vec::with_capacity(entries.len());
        let mut fresh = Vec::with_capacity(entries.len());
        for entry in entries {
            // P2: the log holds one event for an identity, however often it is appended.
            let known = self.index.first(entry.identity.as_ref())?;
            if let (Some(position), Some(identity)) = (known, entry.identity) {
                outcomes.push(Outcome::Duplicate { identity, position });
                continue;
            }
            self.position += 1;
            let position = self.position;
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
        self.commit.add(fresh, answer, outcomes);
        Ok(())
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

    /// Goes on in a new segment. Nothing is planned and nothing under way, so that what the index learned
    /// since the last time is what the segment holds.
    fn roll(&mut self) -> Result<(), StoreError> {
        let tail = self.disk.last.tail;
        let first = self.store.roll(&tail)?;
        self.index.freeze(first, tail);
        self.full = false;
        telemetry::rolled();
        // Waits while the sealer is several segments behind (P10).
        self.segments.send(first).map_err(|_| StoreError::Failed("the sealer has ended".to_owned()))
    }
}

impl Disk {
    /// Gives the committer something to do. It is not busy.
    fn start(&mut self, commit: Commit) -> Result<(), StoreError> {
        self.busy = true;
        self.jobs.send(commit).map_err(|_| ended())
    }

    /// Looks whether it is done, or waits until it is.
    fn look(&mut self, wait: bool) -> Result<(), StoreError> {
        if !self.busy {
            return Ok(());
        }
        let done = match wait {
            true => self.done.recv().map_err(|_| ended())?,
            false => match self.done.try_recv() {
                Ok(done) => done,
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => return Err(ended()),
            },
        };
        self.last = done?;
        self.busy = false;
        Ok(())
    }
}

fn ended() -> StoreError {
    StoreError::Failed("the committer panicked".to_owned())
}

fn index_error(error: io::Error) -> StoreError {
    StoreError::failed("the index cannot be read; it is made anew at the next start", &error)
}
