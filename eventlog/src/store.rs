//! Where record batches are kept. A store knows keys and bytes, nothing of what they mean.

mod anchor;
mod memory;
mod sled;

pub use memory::MemoryStore;
pub use sled::{OpenError, SledStore};

use crate::Head;
use crate::record::Record;

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
    fn scan(&self, position: u64) -> Box<dyn Iterator<Item = Result<Record, StoreError>> + '_>;
}

/// The world failed a store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// What is stored cannot be read any more.
    #[error("{0}")]
    Damaged(String),
    /// The system refused.
    #[error("{0}")]
    Failed(String),
}
