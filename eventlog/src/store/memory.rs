//! A store for tests: nothing outlives it.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use bytes::Bytes;

use super::{Records, Store, StoreError};
use crate::Head;
use crate::record::Record;

/// A store for tests: nothing outlives it.
#[derive(Debug, Default)]
pub struct MemoryStore {
    records: RwLock<BTreeMap<u64, Bytes>>,
    anchor: RwLock<Option<Head>>,
}

impl Store for MemoryStore {
    fn put(&self, record: &Record) -> Result<(), StoreError> {
        let mut map = self.records.write().unwrap_or_else(PoisonError::into_inner);
        map.insert(record.first, record.bytes.clone());
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn anchor(&self, head: &Head) -> Result<(), StoreError> {
        *self.anchor.write().unwrap_or_else(PoisonError::into_inner) = Some(*head);
        Ok(())
    }

    fn anchored(&self) -> Result<Option<Head>, StoreError> {
        Ok(*self.anchor.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn scan(&self, position: u64) -> Records<'_> {
        let map = self.records.read().unwrap_or_else(PoisonError::into_inner);
        let start = map.range(..=position).next_back().map_or(position, |(first, _)| *first);
        let records: Vec<_> = map
            .range(start..)
            .map(|(first, bytes)| Ok(Record { first: *first, bytes: bytes.clone() }))
            .collect();
        Box::new(records.into_iter())
    }
}
