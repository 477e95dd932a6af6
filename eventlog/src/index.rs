//! What the log must know to keep its promises when it appends: which identities it holds, and where each
//! stream ends. Derived from the log alone (P4).

use std::collections::HashMap;

use crate::Batch;
use crate::identity::{self, Key};

/// Identities and ends of streams.
#[derive(Debug, Default)]
pub(crate) struct Index {
    identities: HashMap<Key, u64>,
    streams: HashMap<Key, u64>,
}

impl Index {
    /// Learns a batch.
    pub fn learn(&mut self, batch: &Batch) {
        for (position, event) in batch.events() {
            self.insert(identity::key(event), identity::streams(event), position);
        }
    }

    /// Learns one event.
    pub fn insert(&mut self, identity: Option<Key>, streams: [Option<Key>; 2], position: u64) {
        if let Some(key) = identity {
            // The first one stays the first one.
            self.identities.entry(key).or_insert(position);
        }
        for key in streams.into_iter().flatten() {
            self.streams.insert(key, position);
        }
    }

    /// Where an identity was recorded first.
    pub fn first(&self, identity: Option<&Key>) -> Option<u64> {
        self.identities.get(identity?).copied()
    }

    /// Position of the last event of a stream; 0 for none.
    pub fn stream_end(&self, stream: &Key) -> u64 {
        self.streams.get(stream).copied().unwrap_or(0)
    }
}
