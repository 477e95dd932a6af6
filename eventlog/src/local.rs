//! An event log in this process, on a [`Store`].

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use prost::Message as _;
use sos_proto::event::v1::Event;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::identity::{self, Key};
use crate::record::Record;
use crate::recover::{Recovered, recover};
use crate::sealer::Sealer;
use crate::store::{Limits, MemoryStore, OpenError, SegmentStore, Store};
use crate::writer::{Condition, Entry, Outcome, Planned, Request, Writer};
use crate::{
    Append, AppendError, Appended, BATCH_BYTES_MAX, BATCH_EVENTS_MAX, Batch, EventLog, Head,
    READ_BATCHES_MAX, ReadError, follower, telemetry,
};

/// Appends that wait for the writer; further ones wait for a place (P10).
const QUEUE_APPENDS_MAX: usize = 8_192;

/// Recent batches kept for followers; one that falls further behind reads from the store (P10).
const LIVE_BATCHES_MAX: usize = 512;

/// Why a log could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store cannot be read, or holds something other than what was written.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The system gave no thread.
    #[error("failed to start the writer thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// An event log in this process. Clones share it.
#[derive(Debug)]
pub struct LocalLog<S = SegmentStore> {
    shared: Arc<Shared<S>>,
}

impl<S> Clone for LocalLog<S> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

#[derive(Debug)]
struct Shared<S> {
    store: Arc<S>,
    requests: mpsc::Sender<Request>,
    heads: watch::Receiver<Head>,
    live: broadcast::WeakSender<Arc<Batch>>,
    failed: watch::Receiver<Option<String>>,
    threads: Mutex<Option<(JoinHandle<()>, Sealer)>>,
}

impl LocalLog<SegmentStore> {
    /// Opens the log below `data`, and creates it where there is none. Reads and checks what its seals do
    /// not vouch for.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn open(data: &Path) -> Result<Self, StartError> {
        Self::open_with(data, Limits::default())
    }

    /// Opens the log below `data` with other limits for its segments.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn open_with(data: &Path, limits: Limits) -> Result<Self, StartError> {
        Self::start(SegmentStore::create(data, limits)?, Some(data.join("index")))
    }
}

impl LocalLog<MemoryStore> {
    /// A log for tests: nothing outlives it.
    ///
    /// # Panics
    /// If the system gives no thread.
    #[must_use]
    #[expect(clippy::expect_used, reason = "for tests only")]
    pub fn in_memory() -> Self {
        Self::start(MemoryStore::default(), None).expect("an empty store is intact and a thread can be had")
    }
}

impl<S: Store> LocalLog<S> {
    /// Starts the log that `store` holds. What is known of segments that ended is kept in `index`, or in
    /// memory where there is no such directory.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(store: S, index: Option<PathBuf>) -> Result<Self, StartError> {
        telemetry::describe();
        let Recovered { tail, index, unsealed } = recover(&store, index)?;
        store.begin(&tail).map_err(|e| StartError::Read(e.read_at(tail.head.position)))?;
        let store = Arc::new(store);
        let (requests, inbox) = mpsc::channel(QUEUE_APPENDS_MAX);
        let (heads, heads_rx) = watch::channel(tail.head);
        let (failed, failed_rx) = watch::channel(None);
        let (live, _) = broadcast::channel(LIVE_BATCHES_MAX);
        let weak = live.downgrade();
        let (sealer, segments) = Sealer::start(Arc::clone(&store), index.layers(), unsealed)?;
        let writer = Writer { store: Arc::clone(&store), index, tail, heads, live, segments };
        let nudge = requests.downgrade();
        let run = move || writer.run(inbox, nudge, &failed);
        let writer = std::thread::Builder::new().name("log-writer".to_owned()).spawn(run)?;
        let shared = Shared {
            store,
            requests,
            heads: heads_rx,
            live: weak,
            failed: failed_rx,
            threads: Mutex::new(Some((writer, sealer))),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The newest durable end of the log, and each one after it.
    #[must_use]
    pub fn heads(&self) -> watch::Receiver<Head> {
        self.shared.heads.clone()
    }

    /// Waits until the log has failed, and says why; for ever if it does not fail. After a failure nothing
    /// is answered any more: end the process, and recover from the disk by starting again.
    pub async fn failed(&self) -> String {
        let mut failed = self.shared.failed.clone();
        match failed.wait_for(Option::is_some).await.map(|reason| reason.clone()) {
            Ok(Some(reason)) => reason,
            _ => std::future::pending().await,
        }
    }

    /// Commits what was asked before, then takes nothing any more and ends all followers.
    pub async fn close(&self) {
        let _ = self.shared.requests.send(Request::Close).await;
        let threads = self.shared.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((writer, sealer)) = threads {
            let end = || {
                let _ = writer.join();
                sealer.stop();
            };
            let _ = tokio::task::spawn_blocking(end).await;
        }
    }

    /// Where followers get recent batches from; nothing once the log has ended.
    pub(crate) fn live(&self) -> Option<broadcast::Sender<Arc<Batch>>> {
        self.shared.live.upgrade()
    }

    fn unavailable(&self) -> AppendError {
        let failed = self.shared.failed.borrow().clone();
        AppendError::Unavailable(failed.unwrap_or_else(|| "it is closed".to_owned()))
    }

    async fn append_events(&self, append: Append) -> Result<Vec<Appended>, AppendError> {
        let entries = prepare(append.events)?;
        let conditions = append.expected.into_iter();
        let conditions = conditions
            .map(|expected| Condition { stream: identity::stream(&expected.stream), expected })
            .collect();
        let (answer, answered) = oneshot::channel();
        let request = Request::Append(Planned { entries, conditions, answer });
        self.shared.requests.send(request).await.map_err(|_| self.unavailable())?;
        let outcomes = answered.await.map_err(|_| self.unavailable())??;
        let mut appended = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            appended.push(match outcome {
                Outcome::Recorded(appended) => appended,
                Outcome::Duplicate { identity, position } => self.recall(identity, position).await?,
            });
        }
        Ok(appended)
    }

    /// What was answered for the first of a duplicate. It is read here and not by the writer, which others
    /// wait for.
    async fn recall(&self, identity: Key, position: u64) -> Result<Appended, AppendError> {
        let unreadable = |reason: &str| AppendError::Unavailable(format!("position {position}: {reason}"));
        let read = self.read(position, 1).await.map_err(|e| unreadable(&e.to_string()))?;
        let first =
            read.first().and_then(|batch| batch.events().find(|(p, _)| *p == position).zip(Some(batch)));
        // P2, P3: an event is a duplicate only of one that is really there.
        match first {
            Some(((_, event), batch)) if identity::key(event) == Some(identity) => Ok(Appended {
                position,
                event_id: event.event_id.clone(),
                recorded_at: batch.recorded_at(),
                duplicate: true,
            }),
            _ => Err(unreadable("the index names an event that is not there")),
        }
    }
}

/// Encodes events outside the writer, and checks the limits.
fn prepare(events: Vec<Event>) -> Result<Vec<Entry>, AppendError> {
    if events.is_empty() || events.len() > BATCH_EVENTS_MAX {
        let reason = format!("events: {} given, 1 to {BATCH_EVENTS_MAX} allowed", events.len());
        return Err(AppendError::Invalid(reason));
    }
    let entries: Vec<_> = events
        .into_iter()
        .map(|event| Entry {
            encoded: event.encode_to_vec(),
            identity: identity::key(&event),
            streams: identity::streams(&event),
            event,
        })
        .collect();
    let bytes: usize = entries.iter().map(|e| e.encoded.len()).sum();
    if bytes > BATCH_BYTES_MAX {
        return Err(AppendError::Invalid(format!("events: {bytes} bytes given, {BATCH_BYTES_MAX} allowed")));
    }
    Ok(entries)
}

/// Reads what is stored from `from` on, up to `head`.
pub(crate) async fn read_store<S: Store>(
    store: Arc<S>,
    from: u64,
    batches_max: usize,
    head: u64,
) -> Result<Vec<Record>, ReadError> {
    if from > head {
        return Ok(Vec::new());
    }
    let read = move || {
        let records = store.scan(from.max(1)).take(batches_max.min(READ_BATCHES_MAX));
        let durable = records.take_while(|r| r.as_ref().map_or(true, |r| r.first <= head));
        durable.collect::<Result<Vec<_>, _>>()
    };
    let read = tokio::task::spawn_blocking(read).await;
    read.map_err(|e| ReadError::Unavailable(e.to_string()))?.map_err(|e| e.read_at(from))
}

impl<S: Store> EventLog for LocalLog<S> {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Vec<Appended>, AppendError>> {
        self.append_events(append).boxed()
    }

    fn read_records(&self, from: u64, batches_max: usize) -> BoxFuture<'_, Result<Vec<Record>, ReadError>> {
        // P5: what is not durable yet is not shown.
        let head = self.shared.heads.borrow().position;
        read_store(Arc::clone(&self.shared.store), from, batches_max, head).boxed()
    }

    fn follow(&self, from: u64) -> BoxStream<'static, Result<Arc<Batch>, ReadError>> {
        follower::follow(self.clone(), from)
    }

    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
        let head = *self.shared.heads.borrow();
        async move { Ok(head) }.boxed()
    }
}
