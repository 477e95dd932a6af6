//! What the log must know to keep its promises when it appends: which identities it holds, and where each
//! stream ends. Derived from the log alone (P4).
//!
//! What was learned of the segment that is written is in memory. What belongs to segments that ended is in
//! immutable runs on disk, of which memory holds little (P10). Files that are missing or damaged are thrown
//! away and made anew from the log.

mod layers;
mod run;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

pub(crate) use layers::Layers;

use crate::Batch;
use crate::identity::{self, Key};
use crate::store::{Ended, Tail};

/// Identities with their first position, and streams with their last.
pub(crate) type Entries = HashMap<Key, u64, BuildHasherDefault<FromDigest>>;

/// A key is a digest already: eight bytes of it are as good a hash as any.
#[derive(Debug, Default)]
pub(crate) struct FromDigest(u64);

impl Hasher for FromDigest {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.first_chunk().map_or(self.0, |bytes| u64::from_ne_bytes(*bytes));
    }

    /// The length of the array, which is always the same.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Identities and ends of streams.
#[derive(Debug)]
pub(crate) struct Index {
    recent: Entries,
    layers: Arc<Layers>,
}

impl Index {
    /// What is known of the segments that ended, from the files in `dir`. Answers with how far that reaches:
    /// what is behind has to be learned from the log. Without a directory all stays in memory.
    pub fn open(dir: Option<PathBuf>, ended: &[Ended]) -> io::Result<(Self, Tail)> {
        let (layers, covered) = Layers::open(dir, ended)?;
        Ok((Self { recent: Entries::default(), layers: Arc::new(layers) }, covered))
    }

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
            self.recent.entry(key).or_insert(position);
        }
        for key in streams.into_iter().flatten() {
            self.recent.insert(key, position);
        }
    }

    /// Where an identity was recorded first.
    pub fn first(&self, identity: Option<&Key>) -> io::Result<Option<u64>> {
        identity.map_or(Ok(None), |key| self.get(key))
    }

    /// Position of the last event of a stream; 0 for none.
    pub fn stream_end(&self, stream: &Key) -> io::Result<u64> {
        Ok(self.get(stream)?.unwrap_or(0))
    }

    fn get(&self, key: &Key) -> io::Result<Option<u64>> {
        match self.recent.get(key) {
            Some(position) => Ok(Some(*position)),
            None => self.layers.get(key),
        }
    }

    /// What was learned since the last time belongs to the segment that ended at `tail`.
    pub fn freeze(&mut self, first: u64, tail: Tail) {
        self.layers.freeze(first, tail, std::mem::take(&mut self.recent));
    }

    /// What belongs to segments that ended; to be written to disk while appends go on.
    pub fn layers(&self) -> Arc<Layers> {
        Arc::clone(&self.layers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Head;

    const IDENTITY: Key = [2; 16];

    const STREAM: Key = [1; 16];

    fn open() -> Index {
        Index::open(None, &[]).unwrap().0
    }

    // P2: of identities the first position counts, of streams the last.
    #[test]
    fn the_first_of_an_identity_and_the_last_of_a_stream() {
        let mut index = open();
        assert_eq!((index.first(Some(&IDENTITY)).unwrap(), index.stream_end(&STREAM).unwrap()), (None, 0));
        for position in [3, 7] {
            index.insert(Some(IDENTITY), [Some(STREAM), None], position);
        }
        index.insert(None, [None, None], 9);
        assert_eq!((index.first(Some(&IDENTITY)).unwrap(), index.stream_end(&STREAM).unwrap()), (Some(3), 7));
        assert_eq!((index.first(None).unwrap(), index.stream_end(&IDENTITY).unwrap()), (None, 3));
    }

    // P10: what belongs to a segment that ended leaves the memory of the one that is written.
    #[test]
    fn what_is_frozen_is_known_and_not_recent() {
        let mut index = open();
        index.insert(Some(IDENTITY), [Some(STREAM), None], 3);
        let head = Head { position: 3, hash: [0; 32] };
        index.freeze(1, Tail { head, recorded_at: 0 });
        assert!(index.recent.is_empty());
        assert_eq!(index.layers().get(&IDENTITY).unwrap(), Some(3));
        index.insert(None, [Some(STREAM), None], 4);
        assert_eq!((index.first(Some(&IDENTITY)).unwrap(), index.stream_end(&STREAM).unwrap()), (Some(3), 4));
    }
}
