//! A log whose followers wait at a gate, for what happens while live state is behind.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use sos_eventlog::{Append, AppendError, Appended, Batch, EventLog, Head, ReadError, Record};
use tokio::sync::watch;

/// Everything but following and forgetting goes straight to the log behind it.
pub struct Gated {
    log: Arc<dyn EventLog>,
    gate: watch::Sender<bool>,
    opens_when_asked: AtomicBool,
    batches_read: AtomicUsize,
    followed_from: Mutex<Vec<u64>>,
}

impl Gated {
    pub fn new(log: Arc<dyn EventLog>, open: bool) -> Arc<Self> {
        Arc::new(Self {
            log,
            gate: watch::Sender::new(open),
            opens_when_asked: AtomicBool::new(false),
            batches_read: AtomicUsize::new(0),
            followed_from: Mutex::default(),
        })
    }

    /// How many stored batches were read, followers aside.
    pub fn batches_read(&self) -> usize {
        self.batches_read.load(Ordering::SeqCst)
    }

    /// Where followers began.
    pub fn followed_from(&self) -> Vec<u64> {
        self.followed_from.lock().unwrap().clone()
    }

    /// The log as it is behind the gate.
    pub fn unheld(&self, from: u64) -> BoxStream<'static, Result<Arc<Batch>, ReadError>> {
        self.log.follow(from)
    }

    pub fn close(&self) {
        self.gate.send_replace(false);
    }

    pub fn open(&self) {
        self.gate.send_replace(true);
    }

    /// Closes the gate until somebody asks for the head, or has appended or tried to.
    pub fn close_until_asked(&self) {
        self.close();
        self.opens_when_asked.store(true, Ordering::SeqCst);
    }

    fn asked(&self) {
        if self.opens_when_asked.load(Ordering::SeqCst) {
            self.open();
        }
    }
}

impl EventLog for Gated {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Vec<Appended>, AppendError>> {
        Box::pin(async {
            let appended = self.log.append(append).await;
            self.asked();
            appended
        })
    }

    fn read_records(&self, from: u64, batches_max: usize) -> BoxFuture<'_, Result<Vec<Record>, ReadError>> {
        Box::pin(async move {
            let records = self.log.read_records(from, batches_max).await?;
            self.batches_read.fetch_add(records.len(), Ordering::SeqCst);
            Ok(records)
        })
    }

    fn follow(&self, from: u64) -> BoxStream<'static, Result<Arc<Batch>, ReadError>> {
        self.followed_from.lock().unwrap().push(from);
        let gate = self.gate.subscribe();
        let passes = move |batch| {
            let mut gate = gate.clone();
            async move {
                gate.wait_for(|open| *open).await.unwrap();
                batch
            }
        };
        self.log.follow(from).then(passes).boxed()
    }

    fn can_forget(&self) -> bool {
        true
    }

    /// Is never done with it.
    fn forget(&self, _positions: Vec<u64>) -> BoxFuture<'_, Result<(), AppendError>> {
        Box::pin(std::future::pending())
    }

    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
        self.asked();
        self.log.head()
    }
}
