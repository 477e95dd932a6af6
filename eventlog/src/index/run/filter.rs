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
    entries.saturating_mul(BITS_PER_ENTRY).div_ceil(64).next_power_of_two()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> Key {
        let mut key = Key::default();
        key.copy_from_slice(&blake3::hash(&number.to_be_bytes()).as_bytes()[..16]);
        key
    }

    /// The bits are a part of the format: `docs/log-format.md`.
    #[test]
    fn golden_bits() {
        let mut filter = Filter::for_entries(1);
        filter.add(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        assert_eq!(filter.0, [0x0010_0022_0044_0088]);
        assert_eq!([0, 1, 6, 7, 10, 64, 1_000, u64::MAX].map(bytes), [8, 8, 8, 16, 16, 128, 2_048, 1 << 61]);
    }

    // P10: most keys that a run does not hold are answered without a look at the disk.
    #[test]
    fn few_strangers_are_let_through() {
        let mut filter = Filter::for_entries(4_000);
        (0..1_000).for_each(|number| filter.add(&key(number)));
        let fitted = filter.clone().fitted(1_000);
        assert_eq!(fitted.to_bytes().len() as u64, bytes(1_000));
        assert_eq!(Filter::from_bytes(&fitted.to_bytes()), fitted);
        for filter in [filter, fitted] {
            assert!((0..1_000).all(|number| filter.may_hold(&key(number))));
            let strangers = (1_000..11_000).filter(|number| filter.may_hold(&key(*number))).count();
            assert!(strangers < 200, "{strangers} of 10000");
        }
    }
}
