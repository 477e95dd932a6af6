//! A log directory that is filled with the record batches of another log, byte by byte: backups, restored
//! and imported logs.
//!
//! Invariant: every record batch continues the chain, or it is not taken.

use std::path::Path;

use crate::record::{Chain, Record};
use crate::store::{Limits, SegmentStore, Store as _, StoreError, Tail};
use crate::{Head, StartError, recover};

/// Record batches made durable at a time.
const SYNC_RECORDS: usize = 1_024;

/// A log directory that is filled with another log's record batches.
#[derive(Debug)]
pub struct Replica {
    store: SegmentStore,
    chain: Chain,
    tail: Tail,
    unsynced: usize,
}

impl Replica {
    /// Opens `data` to go on where it ends, and creates it where it is not there.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn open(data: &Path, limits: Limits) -> Result<Self, StartError> {
        let store = SegmentStore::create(data, limits)?;
        let tail = recover::end(&store)?;
        store.begin(&tail).map_err(|e| e.read_at(tail.head.position))?;
        Ok(Self { store, chain: Chain::from(tail.head), tail, unsynced: 0 })
    }

    /// How far it has come.
    #[must_use]
    pub fn head(&self) -> Head {
        self.tail.head
    }

    /// Takes the next record batch.
    ///
    /// # Errors
    /// If it does not continue the chain, or cannot be written.
    pub fn take(&mut self, record: &Record) -> Result<(), StartError> {
        let batch = self.chain.take(record)?;
        self.tail = Tail { head: self.chain.head(), recorded_at: batch.recorded_at() };
        let put = self.store.put(record).and_then(|()| {
            self.unsynced += 1;
            if self.unsynced >= SYNC_RECORDS { self.sync() } else { Ok(()) }
        });
        put.map_err(|e| e.read_at(record.first).into())
    }

    /// Makes durable what was taken.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self) -> Result<Head, StartError> {
        let finished = self.sync().and_then(|()| self.store.close(&self.tail));
        finished.map_err(|e| e.read_at(self.tail.head.position))?;
        Ok(self.tail.head)
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.store.sync()?;
        self.store.anchor(&self.tail.head)?;
        self.unsynced = 0;
        if self.store.is_full(self.tail.head.position)? {
            self.store.seal(self.store.roll(&self.tail)?)
        } else {
            Ok(())
        }
    }
}
