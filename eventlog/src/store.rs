//! Where record batches are kept. A store knows keys and bytes, nothing of what they mean.
//!
//! [`SegmentStore`] keeps them on disk as a row of segments, [`MemoryStore`] in memory, and [`FaultyStore`]
//! in memory that fails as a test tells it to. Invariant: what was synced is there after a crash, and what
//! is in a sealed segment is never written again.

mod anchor;
mod archive;
mod archiving;
mod faulty;
mod files;
mod memory;
mod parts;
mod pool;
mod reading;
mod seal;
mod sealing;
mod segments;
mod sled;

pub use faulty::{Crash, Fault, FaultyStore};
pub(crate) use files::{create_dir, sync_parent, write_whole};
pub use memory::MemoryStore;
pub use segments::{Limits, OpenError, SegmentStore};

use crate::record::{Hash, Record};
use crate::{Head, ReadError};

/// Keeps record batches in order of their first position.
pub trait Store: Send + Sync + 'static {
    /// Writes one record batch. It is durable only after [`sync`](Store::sync).
    ///
    /// # Errors
    /// If the world is at fault; the store must not be written to afterwards.
    fn put(&self, record: &Record) -> Result<(), StoreError>;

    /// Makes everything durable that was put before.
    ///
    /// # Errors
    /// If it is not known to be durable; the store must not be written to afterwards.
    fn sync(&self) -> Result<(), StoreError>;

    /// Remembers how far the durable log came, apart from the record batches.
    ///
    /// # Errors
    /// If the world is at fault; the store must not be written to afterwards.
    fn anchor(&self, head: &Head) -> Result<(), StoreError>;

    /// What was remembered last. The log must reach at least that far.
    ///
    /// # Errors
    /// If it cannot be read.
    fn anchored(&self) -> Result<Option<Head>, StoreError>;

    /// The record batch with the greatest key that is not above `position`, and all behind it, in order.
    fn scan(&self, position: u64) -> Records<'_>;

    /// Whether the segment that is written has enough once the log ends at `position`.
    ///
    /// # Errors
    /// If that cannot be told.
    fn is_full(&self, _position: u64) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Ends the segment that is written, and begins the next behind `tail`, which is durable. Answers with the
    /// first position of the one that ended.
    ///
    /// # Errors
    /// If the next one cannot be made; the store must not be written to afterwards.
    fn roll(&self, _tail: &Tail) -> Result<u64, StoreError> {
        Err(StoreError::Failed("there is only one segment".to_owned()))
    }

    /// Seals the ended segment that begins at `first`: checked once more, packed, never written again.
    /// Takes long, and holds up neither writing nor reading.
    ///
    /// # Errors
    /// If it cannot be done now. The segment stays as it is, and nothing is lost.
    fn seal(&self, _first: u64) -> Result<(), StoreError> {
        Ok(())
    }

    /// Makes the store ready for writing behind `tail`, which was found to be intact. Called once, first.
    ///
    /// # Errors
    /// If it cannot be written.
    fn begin(&self, _tail: &Tail) -> Result<(), StoreError> {
        Ok(())
    }

    /// The segments that ended, oldest first.
    fn ended(&self) -> Vec<Ended> {
        Vec::new()
    }

    /// Notes, as the last thing, that all is written and nothing was cut short.
    ///
    /// # Errors
    /// If it cannot be noted; nothing is lost.
    fn close(&self, _tail: &Tail) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Record batches in order.
pub type Records<'a> = Box<dyn Iterator<Item = Result<Record, StoreError>> + Send + 'a>;

/// The durable end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tail {
    /// Position and digest of the newest record batch.
    pub head: Head,
    /// When it was recorded, in microseconds since 1970.
    pub recorded_at: i64,
}

/// A segment that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Its first position.
    pub first: u64,
    /// Its last position.
    pub last: u64,
    /// What its seal says of it; nothing where it is not sealed yet.
    pub seal: Option<Sealed>,
}

/// What the seal of a segment says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// Digest of the record batch before its first.
    pub previous: Hash,
    /// Its end.
    pub tail: Tail,
}

/// The world failed a store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// What is stored cannot be read any more, or is not what was written.
    #[error("{reason}")]
    Damaged {
        /// First position that cannot be trusted, where that is known.
        position: Option<u64>,
        /// What is wrong there.
        reason: String,
    },
    /// The system refused.
    #[error("{0}")]
    Failed(String),
}

impl StoreError {
    /// Damage at a place that only the reader can tell.
    pub(crate) fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged { position: None, reason: reason.into() }
    }

    /// The system refused: what was tried, and what it said.
    pub(crate) fn failed(what: impl std::fmt::Display, error: &std::io::Error) -> Self {
        Self::Failed(format!("{what}: {error}"))
    }

    /// What this means to a reader of `position`.
    pub(crate) fn read_at(self, position: u64) -> ReadError {
        match self {
            Self::Damaged { position: known, reason } => {
                ReadError::Damaged { position: known.unwrap_or(position), reason }
            }
            Self::Failed(reason) => ReadError::Unavailable(reason),
        }
    }
}

impl From<ReadError> for StoreError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Damaged { position, reason } => Self::Damaged { position: Some(position), reason },
            ReadError::Unavailable(reason) => Self::Failed(reason),
        }
    }
}
