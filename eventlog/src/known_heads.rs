//! Ends that the log is known to have had, from its anchor, its seals and its witnesses.
//!
//! A chain of digests does not see that its end was cut off; whoever saw a later end does (P11).

use std::collections::BTreeMap;

use crate::{Head, ReadError};

/// Ends that a log must pass through, and reach.
#[derive(Debug)]
pub struct KnownHeads {
    /// By position. Two that do not agree are both looked for, and one of them is not found.
    heads: BTreeMap<u64, Vec<Head>>,
}

impl KnownHeads {
    /// Looks for those of `heads` that are at or behind position `from`.
    #[must_use]
    pub fn new(heads: Vec<Head>, from: u64) -> Self {
        let mut by_position = BTreeMap::<u64, Vec<Head>>::new();
        for head in heads.into_iter().filter(|head| head.position >= from) {
            by_position.entry(head.position).or_default().push(head);
        }
        Self { heads: by_position }
    }

    /// The log has a record batch from position `first` to `end`.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] if it is not the one that was there.
    pub fn pass(&mut self, first: u64, end: Head) -> Result<(), ReadError> {
        while let Some(known) = self.heads.first_entry().filter(|known| *known.key() <= end.position) {
            if known.remove().iter().any(|known| *known != end) {
                let reason = "it is not the batch that was acknowledged".to_owned();
                return Err(ReadError::Damaged { position: first, reason });
            }
        }
        Ok(())
    }

    /// The log ends at `end`.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] if it came further once.
    pub fn finish(&self, end: Head) -> Result<(), ReadError> {
        match self.heads.last_key_value() {
            Some((position, _)) if *position > end.position => Err(ReadError::Damaged {
                position: end.position + 1,
                reason: format!("the log ends here, but had reached position {position}"),
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(position: u64, hash: u8) -> Head {
        Head { position, hash: [hash; 32] }
    }

    /// A log of two batches, of positions 1 to 5 and 6 to 9.
    fn check(heads: &[Head], from: u64) -> Option<u64> {
        let mut known = KnownHeads::new(heads.to_vec(), from);
        let log = [(1, head(5, 1)), (6, head(9, 2))];
        let passed =
            log.iter().filter(|(first, _)| *first >= from).try_for_each(|(f, end)| known.pass(*f, *end));
        match passed.and_then(|()| known.finish(head(9, 2))) {
            Ok(()) => None,
            Err(ReadError::Damaged { position, .. }) => Some(position),
            Err(other) => panic!("{other:?}"),
        }
    }

    // P11: every end that somebody saw is looked for.
    #[test]
    fn every_known_end_must_be_there() {
        assert_eq!(check(&[], 1), None);
        assert_eq!(check(&[head(5, 1), head(9, 2), head(9, 2)], 1), None);
        assert_eq!(check(&[head(5, 3)], 1), Some(1));
        assert_eq!(check(&[head(4, 1)], 1), Some(1));
        assert_eq!(check(&[head(9, 2), head(9, 3)], 1), Some(6));
        assert_eq!(check(&[head(10, 2)], 1), Some(10));
        assert_eq!(check(&[head(4, 1)], 6), None);
    }

    // P11: also where nothing of the log was read yet.
    #[test]
    fn a_log_reaches_what_was_known_of_it() {
        let known = KnownHeads::new(vec![head(5, 1)], 1);
        assert!(known.finish(head(4, 1)).is_err());
        assert!(known.finish(head(5, 1)).is_ok() && known.finish(head(9, 2)).is_ok());
    }
}
