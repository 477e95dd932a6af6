//! The durable event log: the only bridge between gateway and processor.
//!
//! [`EventLog`] is the contract. [`LocalLog`] keeps it on a [`Store`](store::Store): segments on disk, or
//! memory for tests. [`RemoteLog`] keeps it over the network, and [`StoppedLog`] reads what a stopped server
//! left. The log knows an event's envelope, never its meaning.
//!
//! Invariant: what [`EventLog::append`] has answered is on stable storage, once, at a position that never
//! changes (P1, P2).

mod batch;
pub mod clock;
mod commit;
pub mod export;
mod follower;
mod identity;
mod index;
mod known_heads;
mod local;
mod record;
mod recover;
mod remote;
mod replica;
mod sealer;
mod service;
mod snapshot;
mod stopped;
pub mod store;
mod telemetry;
mod verify;
pub mod witness;
mod writer;

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use sos_proto::event::v1::Event;

pub use batch::Batch;
pub use known_heads::KnownHeads;
pub use local::{LocalLog, StartError};
pub use record::{Chain, FORMAT_VERSION, Hash, Record};
pub use remote::RemoteLog;
pub use replica::Replica;
pub use service::{Access, LogService, serve};
pub use snapshot::{Snapshot, Snapshots};
pub use stopped::StoppedLog;
pub use verify::{Scope, verify};

/// The last position there can be. Positions fit into signed numbers, too.
pub const POSITION_MAX: u64 = i64::MAX as u64;

/// Most events of one append, and of one stored batch.
pub const BATCH_EVENTS_MAX: usize = 64;

/// Most bytes of the encoded events of one append, and of one stored batch. The store counts on it.
pub const BATCH_BYTES_MAX: usize = 15 * 1024;

/// Most record batches of one read (P10).
pub const READ_BATCHES_MAX: usize = 64;

/// An append-only sequence of events, at positions 1, 2, 3 … without gaps.
pub trait EventLog: Send + Sync + 'static {
    /// Appends events, all or none, and answers when they are on stable storage.
    ///
    /// An event whose identity the log holds already (see `identity`) is not appended again: its result is
    /// the first one's, marked as a duplicate (P2). Duplicates are looked for before `expected` is checked,
    /// so that a repeated command gets its first answer.
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Vec<Appended>, AppendError>>;

    /// Reads the stored record batch that holds `from` and what follows, up to the head, `batches_max` or
    /// [`READ_BATCHES_MAX`]. An empty answer means that `from` is beyond the head.
    fn read_records(&self, from: u64, batches_max: usize) -> BoxFuture<'_, Result<Vec<Record>, ReadError>>;

    /// Reads as [`read_records`](EventLog::read_records) does, and decodes. The first batch may start
    /// before `from`.
    fn read(&self, from: u64, batches_max: usize) -> BoxFuture<'_, Result<Vec<Arc<Batch>>, ReadError>> {
        let records = self.read_records(from, batches_max);
        Box::pin(async move { records.await?.iter().map(|r| Ok(Arc::new(r.decode()?))).collect() })
    }

    /// Whether [`forget`](EventLog::forget) does anything here.
    fn can_forget(&self) -> bool {
        false
    }

    /// Makes what is sealed in the events at these positions unreadable for ever, where the log seals anything.
    /// Repeating it is safe.
    fn forget(&self, _positions: Vec<u64>) -> BoxFuture<'_, Result<(), AppendError>> {
        let reason = "nothing is sealed by this log: ask the server that keeps it".to_owned();
        Box::pin(async { Err(AppendError::Unavailable(reason)) })
    }

    /// Everything from position `from` on, in order, without gaps or repeats, and then what comes, as soon
    /// as it is durable. Ends only with an error or when the log is closed.
    fn follow(&self, from: u64) -> BoxStream<'static, Result<Arc<Batch>, ReadError>>;

    /// How far the log has come.
    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>>;
}

/// What to append.
#[derive(Debug, Clone, Default)]
pub struct Append {
    /// 1 to [`BATCH_EVENTS_MAX`] events, of [`BATCH_BYTES_MAX`] bytes in all.
    pub events: Vec<Event>,
    /// Append only if each of these streams ends where it is expected to.
    pub expected: Vec<Expected>,
}

impl Append {
    /// One event, unconditionally.
    #[must_use]
    pub fn one(event: Event) -> Self {
        Self { events: vec![event], expected: Vec::new() }
    }
}

/// A condition on a stream. Every event belongs to the stream of its alert and to that of its call point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// An `alert_id`, or `{site_id}/{device_id}`.
    pub stream: String,
    /// Position of its last event; 0 for none.
    pub position: u64,
}

impl Expected {
    /// The events with one `alert_id` end at `position`.
    #[must_use]
    pub fn alert(alert_id: &str, position: u64) -> Self {
        Self { stream: alert_id.to_owned(), position }
    }

    /// The events about one call point end at `position`.
    #[must_use]
    pub fn call_point(site_id: &str, device_id: &str, position: u64) -> Self {
        Self { stream: format!("{site_id}/{device_id}"), position }
    }
}

/// What became of one event; of a duplicate, what became of the first one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Where it is.
    pub position: u64,
    /// Its id.
    pub event_id: String,
    /// When it reached stable storage, in microseconds since 1970.
    pub recorded_at: i64,
    /// The log held it already.
    pub duplicate: bool,
}

/// The end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// The newest durable position; 0 for an empty log.
    pub position: u64,
    /// BLAKE3 digest of the newest stored batch; zero for an empty log.
    pub hash: [u8; 32],
}

/// Why nothing was appended.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The caller's fault: the events break a limit.
    #[error("{0}")]
    Invalid(String),
    /// Somebody else appended to the stream first.
    #[error("stream {stream} ends at position {actual}, not where it was expected to")]
    Conflict {
        /// The stream.
        stream: String,
        /// Where it ends.
        actual: u64,
    },
    /// The log can take nothing now: it is closing, has failed, or cannot be reached. Whether the events
    /// were appended is unknown; repeating them is safe.
    #[error("the event log is unavailable: {0}")]
    Unavailable(String),
}

/// Why nothing could be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// What is stored is not what was written.
    #[error("the event log is damaged at position {position}: {reason}")]
    Damaged {
        /// First position that cannot be trusted.
        position: u64,
        /// What is wrong there.
        reason: String,
    },
    /// The log is closing or cannot be reached.
    #[error("the event log is unavailable: {0}")]
    Unavailable(String),
}
