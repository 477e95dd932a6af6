//! Checking a stopped log, every byte of it, without writing to it (P11).

use std::path::Path;

use crate::record::Chain;
use crate::store::{SegmentStore, Store as _, StoreError};
use crate::{Head, KnownHeads, ReadError, StartError};

/// What to check.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The first position; 0 means 1.
    pub from: u64,
    /// The last position; absent: the end, which then must be where it is known to be.
    pub to: Option<u64>,
    /// What witnesses outside the log have seen of it.
    pub witnessed: Vec<Head>,
}

/// Checks the log below `data`: the files of each segment against its seal, the chain of record batches, and
/// that the log comes as far as its anchor and its witnesses say. Tells `progress` of each position reached,
/// and of the last one to come. Answers with the end of what was checked.
///
/// # Errors
/// [`StartError`] with the first position that is not what was written, or if the log cannot be read.
pub fn verify(data: &Path, scope: &Scope, mut progress: impl FnMut(u64, u64)) -> Result<Head, StartError> {
    let store = SegmentStore::read_only(data)?;
    let anchored = store.anchored();
    let mut heads = scope.witnessed.clone();
    heads.extend(store.ended().iter().filter_map(|ended| ended.seal).map(|seal| seal.tail.head));
    heads.extend(anchored.iter().flatten());
    let last = heads.iter().map(|head| head.position).max().unwrap_or(0);
    let from = scope.from.max(1);
    let mut known = KnownHeads::new(heads, from);
    let mut chain = Chain::default();
    let mut segment_end = 0;
    for record in store.scan(from) {
        let next = chain.head().position + 1;
        let record = record.map_err(|e| e.read_at(next.max(from)))?;
        if record.first > segment_end {
            segment_end = store.check_segment(record.first).map_err(|e| e.read_at(record.first))?;
        }
        if chain.head().position == 0 && from > 1 {
            chain = begin(&record, from)?;
        }
        chain.take(&record)?;
        known.pass(record.first, chain.head())?;
        progress(chain.head().position, scope.to.unwrap_or(last));
        if scope.to.is_some_and(|to| chain.head().position >= to) {
            return Ok(chain.head());
        }
    }
    let end = chain.head();
    known.finish(end)?;
    store.check_rest(end.position + 1).map_err(|e| e.read_at(end.position + 1))?;
    known_end(anchored, end)?;
    if let Some(to) = scope.to.filter(|to| *to > end.position) {
        return Err(
            ReadError::Damaged { position: to, reason: "the log does not come so far".to_owned() }.into()
        );
    }
    Ok(end)
}

/// The chain as the record batch that holds `from` continues it.
fn begin(record: &crate::Record, from: u64) -> Result<Chain, ReadError> {
    if record.first > from {
        let reason = format!("the next stored position is {}", record.first);
        return Err(ReadError::Damaged { position: from, reason });
    }
    Chain::before(record)
}

/// Something must tell how far the log came, or nobody would see that its end was cut off.
fn known_end(anchored: Result<Option<Head>, StoreError>, end: Head) -> Result<(), ReadError> {
    match anchored {
        Ok(Some(_)) => Ok(()),
        Ok(None) if end.position == 0 => Ok(()),
        Ok(None) => {
            let reason = "the anchor is missing: nothing here tells whether more was there".to_owned();
            Err(ReadError::Damaged { position: end.position + 1, reason })
        }
        Err(error) => Err(error.read_at(end.position + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::OpenError;

    /// 25 batches of two events each, in two sealed segments and a closed one.
    const LOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/v1");

    /// Where the check ended, or the first position that it does not trust; and how far it said that it was.
    fn check(from: u64, to: Option<u64>, witnessed: &[Head]) -> (Result<u64, u64>, Vec<(u64, u64)>) {
        let mut told = Vec::new();
        let scope = Scope { from, to, witnessed: witnessed.to_vec() };
        let end = match verify(Path::new(LOG), &scope, |at, last| told.push((at, last))) {
            Ok(head) => Ok(head.position),
            Err(StartError::Read(ReadError::Damaged { position, .. })) => Err(position),
            Err(StartError::Open(OpenError::Damaged { position, .. })) => Err(position),
            Err(other) => panic!("{other:?}"),
        };
        (end, told)
    }

    #[test]
    fn a_part_is_checked_from_the_batch_that_holds_it_to_the_one_that_ends_it() {
        for (from, to, end, first, last) in [
            (0, None, Ok(50), (2, 50), (50, 50)),
            (1, None, Ok(50), (2, 50), (50, 50)),
            (7, None, Ok(50), (8, 50), (50, 50)),
            (8, None, Ok(50), (8, 50), (50, 50)),
            (49, None, Ok(50), (50, 50), (50, 50)),
            (1, Some(8), Ok(8), (2, 8), (8, 8)),
            (5, Some(7), Ok(8), (6, 7), (8, 7)),
            (1, Some(50), Ok(50), (2, 50), (50, 50)),
            (1, Some(51), Err(51), (2, 51), (50, 51)),
        ] {
            let (found, told) = check(from, to, &[]);
            assert_eq!(found, end, "from {from} to {to:?}");
            assert_eq!((told[0], told[told.len() - 1]), (first, last), "from {from} to {to:?}");
        }
    }

    // P11: what a witness saw has to be there.
    #[test]
    fn witnesses_are_heard() {
        let end = verify(Path::new(LOG), &Scope::default(), |_, _| {}).unwrap();
        assert_eq!(check(1, None, &[end]).0, Ok(50));
        assert_eq!(
            check(1, None, &[Head { position: 60, ..end }]),
            (Err(51), (1..=25).map(|n| (2 * n, 60)).collect())
        );
        assert_eq!(check(1, None, &[Head { hash: [9; 32], ..end }]).0, Err(49));
        assert_eq!(check(49, None, &[Head { position: 8, hash: [9; 32] }]).0, Ok(50));
    }
}
