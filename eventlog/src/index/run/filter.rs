//! A Bloom filter: tells of most keys that a run does not hold them, without a look at the disk. Ten bits an
//! entry and seven probes let about one in a hundred through (Bloom, 1970).

use crate::identity::Key;

const BITS_PER_ENTRY: u64 = 10;

const PROBES: u64 = 7;

/// A set of bits, a power of two of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter(Vec<u64>);

/// Size of the filter of so many entries, in bytes.
pub(super) fn bytes(entries: u64) -> u64 {
    words(entries) * 8
}

fn words(entries: u64) -> u64 {
    // A power of two, so that a filter made for too many entries folds into one for fewer.
    entries.saturating_mul(BITS_PER_ENTRY).div_ceil(64).max(1).checked_next_power_of_two().unwrap_or(1 << 63)
}

impl Filter {
    /// Empty, of the size for so many entries.
    pub fn for_entries(entries: u64) -> Self {
        Self(vec![0; usize::try_from(words(entries)).unwrap_or(usize::MAX)])
    }

    /// The same keys in the size for fewer entries.
    pub fn fitted(mut self, entries: u64) -> Self {
        let target = usize::try_from(words(entries)).unwrap_or(usize::MAX);
        while self.0.len() > target {
            let upper = self.0.split_off(self.0.len() / 2);
            for (low, high) in self.0.iter_mut().zip(upper) {
                *low |= high;
            }
        }
        self
    }

    /// Adds a key.
    pub fn add(&mut self, key: &Key) {
        let len = self.0.len();
        for (word, bit) in probes(key, len) {
            if let Some(word) = self.0.get_mut(word) {
                *word |= bit;
            }
        }
    }

    /// False: the key was not added.
    pub fn may_hold(&self, key: &Key) -> bool {
        probes(key, self.0.len()).all(|(word, bit)| self.0.get(word).is_some_and(|word| word & bit != 0))
    }

    /// Its words, big-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    /// Reads its words.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.as_chunks().0.iter().map(|word| u64::from_be_bytes(*word)).collect())
    }
}

/// The words and bits of a key. A key is a digest, so its halves are two independent hashes of it.
fn probes(key: &Key, words: usize) -> impl Iterator<Item = (usize, u64)> {
    let halves = u128::from_be_bytes(*key);
    let (one, two) = ((halves >> 64) as u64, halves as u64 | 1);
    let mask = (words as u64).saturating_mul(64).wrapping_sub(1);
    (0..PROBES).map(move |probe| {
        let bit = one.wrapping_add(probe.wrapping_mul(two)) & mask;
        (usize::try_from(bit / 64).unwrap_or(usize::MAX), 1 << (bit % 64))
    })
}
