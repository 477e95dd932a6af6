//! An event log in this process, on a [`Store`].

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _};
use prost::Message as _;
use sos_proto::event::v1::Event;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::index::Index;
use crate::record::{Chain, Record};
use crate::store::{MemoryStore, OpenError, SledStore, Store, StoreError};
use crate::writer::{Condition, Entry, Request, Writer};
use crate::{
    Append, AppendError, Appended, BATCH_BYTES_MAX, BATCH_EVENTS_MAX, Batch, EventLog, Head,
    READ_BATCHES_MAX, ReadError, identity, telemetry,
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
pub struct LocalLog<S = SledStore> {
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
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl LocalLog<SledStore> {
    /// Opens the log below `data`, and creates it where there is none. Reads and checks all of it.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn open(data: &Path) -> Result<Self, StartError> {
        Self::start(SledStore::create(data)?)
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
        Self::start(MemoryStore::default()).expect("an empty store is intact and a thread can be had")
    }
}

impl<S: Store> LocalLog<S> {
    /// Starts the log that `store` holds.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(store: S) -> Result<Self, StartError> {
        telemetry::describe();
        let Recovered { chain, index, recorded_at } = recover(&store)?;
        let store = Arc::new(store);
        let (requests, inbox) = mpsc::channel(QUEUE_APPENDS_MAX);
        let (heads, heads_rx) = watch::channel(chain.head());
        let (failed, failed_rx) = watch::channel(None);
        let (live, _) = broadcast::channel(LIVE_BATCHES_MAX);
        let weak = live.downgrade();
        let writer =
            Writer { store: Arc::clone(&store), index, head: chain.head(), recorded_at, heads, live, failed };
        let writer = std::thread::Builder::new().name("log-writer".to_owned()).spawn(|| writer.run(inbox))?;
        let shared = Shared {
            store,
            requests,
            heads: heads_rx,
            live: weak,
            failed: failed_rx,
            writer: Mutex::new(Some(writer)),
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
        let writer = self.shared.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            let _ = tokio::task::spawn_blocking(|| writer.join()).await;
        }
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
        let request = Request::Append { entries, conditions, answer };
        self.shared.requests.send(request).await.map_err(|_| self.unavailable())?;
        answered.await.map_err(|_| self.unavailable())?
    }
}

/// What a store tells at the start.
#[derive(Default)]
struct Recovered {
    chain: Chain,
    index: Index,
    recorded_at: i64,
}

/// Reads and checks everything that is stored (P4, P11).
fn recover(store: &impl Store) -> Result<Recovered, ReadError> {
    let anchored = store.anchored().map_err(|e| read_error(e, 1))?.unwrap_or_default();
    let mut recovered = Recovered::default();
    for record in store.scan(0) {
        let next = recovered.chain.head().position + 1;
        let batch = recovered.chain.take(&record.map_err(|e| read_error(e, next))?)?;
        recovered.index.learn(&batch);
        recovered.recorded_at = batch.recorded_at();
        let head = recovered.chain.head();
        if head.position == anchored.position && head.hash != anchored.hash {
            let reason = "it is not the batch that was acknowledged".to_owned();
            return Err(ReadError::Damaged { position: batch.first(), reason });
        }
    }
    let end = recovered.chain.head().position;
    if end < anchored.position {
        let reason = format!("the log ends here, but had reached position {}", anchored.position);
        return Err(ReadError::Damaged { position: end + 1, reason });
    }
    Ok(recovered)
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

impl<S: Store> EventLog for LocalLog<S> {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Vec<Appended>, AppendError>> {
        self.append_events(append).boxed()
    }

    fn read_records(&self, from: u64, batches_max: usize) -> BoxFuture<'_, Result<Vec<Record>, ReadError>> {
        let store = Arc::clone(&self.shared.store);
        // P5: what is not durable yet is not shown.
        let head = self.shared.heads.borrow().position;
        async move {
            let read = move || {
                let records = store.scan(from.max(1)).take(batches_max.min(READ_BATCHES_MAX));
                let durable = records.take_while(|r| r.as_ref().map_or(true, |r| r.first <= head));
                durable.collect::<Result<Vec<_>, _>>()
            };
            if from > head {
                return Ok(Vec::new());
            }
            let read = tokio::task::spawn_blocking(read).await;
            let read = read.map_err(|e| ReadError::Unavailable(e.to_string()))?;
            read.map_err(|e| read_error(e, from))
        }
        .boxed()
    }

    fn follow(&self, from: u64) -> BoxStream<'static, Result<Arc<Batch>, ReadError>> {
        let follower = Follower {
            log: self.clone(),
            next: from.max(1),
            behind: VecDeque::new(),
            live: None,
            caught_up: false,
        };
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

    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
        let head = *self.shared.heads.borrow();
        async move { Ok(head) }.boxed()
    }
}

/// Reads the store until it has caught up, then the recent batches in memory; back to the store whenever
/// it falls behind. It never holds up the writer.
struct Follower<S> {
    log: LocalLog<S>,
    next: u64,
    behind: VecDeque<Arc<Batch>>,
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
                let Some(sender) = self.log.shared.live.upgrade() else { return self.rest().await };
                self.live = Some(sender.subscribe());
                self.caught_up = false;
                continue;
            };
            if !self.caught_up {
                self.behind = self.log.read(self.next, READ_BATCHES_MAX).await?.into();
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

    /// What is left in the store after the writer has ended.
    async fn rest(&mut self) -> Result<Option<Arc<Batch>>, ReadError> {
        self.behind = self.log.read(self.next, READ_BATCHES_MAX).await?.into();
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
        let new = if batch.first() == self.next { batch } else { Arc::new(batch.starting_at(self.next)) };
        self.next = new.end();
        Ok(Some(new))
    }
}

/// What a store's error means to a reader of `position`.
fn read_error(error: StoreError, position: u64) -> ReadError {
    match error {
        StoreError::Damaged(reason) => ReadError::Damaged { position, reason },
        StoreError::Failed(reason) => ReadError::Unavailable(reason),
    }
}
