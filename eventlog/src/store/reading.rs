//! Reading record batches from the row of segments, one segment at a time.

use std::ops::Bound;
use std::sync::{Arc, PoisonError};

use super::archive::Archive;
use super::parts::Part;
use super::pool::Lease;
use super::seal::{CLOSED, Seal};
use super::segments::SegmentStore;
use super::sled::{Form, Segment};
use super::{Records, StoreError};
use crate::ReadError;
use crate::record::{Chain, Record};

/// What keeps a scanned segment open.
enum Source {
    Leased { _lease: Lease<Segment> },
    Last { _segment: Arc<Segment> },
    Archived,
}

impl SegmentStore {
    /// The record batch that holds `position`, and all behind it.
    pub(super) fn scan_from(&self, position: u64) -> Records<'_> {
        let mut at = (position, false);
        let mut current: Option<(Records<'static>, Source)> = None;
        let mut failed = false;
        Box::new(std::iter::from_fn(move || {
            while !failed {
                if let Some((records, _)) = &mut current {
                    if let Some(record) = records.next() {
                        failed = record.is_err();
                        return Some(record);
                    }
                    // Let go before the next is opened: a reader never holds two.
                    current = None;
                }
                match self.source(at.0, at.1)? {
                    Ok((first, source, records)) => {
                        at = (first, true);
                        current = Some((records, source));
                    }
                    Err(error) => {
                        failed = true;
                        return Some(Err(error));
                    }
                }
            }
            None
        }))
    }

    /// Opens what holds `position`, or, with `behind`, the segment behind the one that begins there.
    fn source(
        &self,
        position: u64,
        behind: bool,
    ) -> Option<Result<(u64, Source, Records<'static>), StoreError>> {
        let row = self.row();
        let at = if behind {
            row.parts.range((Bound::Excluded(position), Bound::Unbounded)).next()
        } else {
            row.parts.range(..=position).next_back().or_else(|| row.parts.iter().next())
        };
        let (first, part) = at.map(|(first, part)| (*first, part.clone()))?;
        let from = if behind { first } else { position };
        if let Some(last) = row.last.as_ref().filter(|last| last.first == first) {
            let segment = Arc::clone(&last.segment);
            drop(row);
            let records = segment.scan(from);
            return Some(Ok((first, Source::Last { _segment: segment }, records)));
        }
        drop(row);
        Some(self.open_part(first, &part, from))
    }

    fn open_part(
        &self,
        first: u64,
        part: &Part,
        from: u64,
    ) -> Result<(u64, Source, Records<'static>), StoreError> {
        if let Part::Archived(path, seal) = part {
            self.once(first, || seal.check_file(path)).map_err(|e| self.locate(e, first, part))?;
            return Ok((first, Source::Archived, Archive::open(path)?.scan(from)));
        }
        let lease = self.pool.lease(first, || self.open_segment(first))?;
        let records = lease.get().map(|segment| segment.scan(from)).unwrap_or(Box::new(std::iter::empty()));
        Ok((first, Source::Leased { _lease: lease }, records))
    }

    /// Opens a segment as it is now: it may have been sealed a moment ago.
    fn open_segment(&self, first: u64) -> Result<Segment, StoreError> {
        let row = self.row();
        let (part, is_written) = (row.parts.get(&first).cloned(), row.last.is_some());
        drop(row);
        let (dir, form) = match &part {
            Some(Part::Open(dir)) => (dir, Form::Open),
            Some(part @ Part::Sealed(dir, seal)) => {
                self.once(first, || seal.check(dir)).map_err(|e| self.locate(e, first, part))?;
                (dir, Form::Packed)
            }
            _ => return Err(StoreError::Failed("the segment was archived meanwhile".to_owned())),
        };
        // P11: sled tidies up where it reads, now and then, and a sealed byte must stay what it is.
        if is_written && form == Form::Open {
            Segment::open(dir, form)
        } else {
            Segment::open_copy(dir, form, &self.scratch)
        }
    }

    /// Checks every byte of every file of the segment that holds `position`, where a seal tells them. Answers
    /// with the last position that the segment may hold.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the first position that cannot be trusted.
    pub(crate) fn check_segment(&self, position: u64) -> Result<u64, StoreError> {
        let row = self.row();
        let Some((first, part)) = row.parts.range(..=position).next_back() else { return Ok(u64::MAX) };
        let (first, part) = (*first, part.clone());
        let next = row.parts.range((Bound::Excluded(first), Bound::Unbounded)).next();
        let end = next.map_or(u64::MAX, |(next, _)| next - 1);
        drop(row);
        let checked = match &part {
            Part::Open(dir) => match Seal::read(&dir.join(CLOSED))? {
                Some(closed) => closed.check(dir),
                None => Ok(()),
            },
            Part::Sealed(dir, seal) => self.once(first, || seal.check(dir)),
            Part::Archived(path, seal) => self.once(first, || seal.check_file(path)),
        };
        checked.map_err(|error| self.locate(error, first, &part))?;
        Ok(end)
    }

    /// Checks the last segment also where nothing is in it.
    pub(crate) fn check_rest(&self, position: u64) -> Result<(), StoreError> {
        let empty = self.row().parts.contains_key(&position);
        if empty { self.check_segment(position).map(drop) } else { Ok(()) }
    }

    /// Runs a check that passes once in the life of this store; what is checked is never written again.
    fn once(&self, first: u64, check: impl FnOnce() -> Result<(), StoreError>) -> Result<(), StoreError> {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if !checked.contains(&first) {
            check()?;
            checked.insert(first);
        }
        Ok(())
    }

    /// The first position that is not what was written, in a segment whose files are not.
    fn locate(&self, error: StoreError, first: u64, part: &Part) -> StoreError {
        let StoreError::Damaged { position: None, reason } = error else { return error };
        let copy = match part {
            Part::Open(dir) => Segment::open_copy(dir, Form::Open, &self.scratch).ok(),
            Part::Sealed(dir, _) => Segment::open_copy(dir, Form::Packed, &self.scratch).ok(),
            Part::Archived(..) => None,
        };
        let position = copy.map_or(first, |segment| first_bad(&segment, first));
        StoreError::Damaged { position: Some(position), reason }
    }
}

/// The part of a scan that ends at `end`.
pub(super) fn until(records: Records<'_>, end: u64) -> impl Iterator<Item = Result<Record, StoreError>> {
    records.take_while(move |record| record.as_ref().map_or(true, |record| record.first <= end))
}

/// The first position of a segment that is not what was written, as far as its record batches tell.
fn first_bad(segment: &Segment, first: u64) -> u64 {
    let mut chain: Option<Chain> = None;
    for record in segment.scan(first) {
        let next = chain.as_ref().map_or(first, |chain| chain.head().position + 1);
        let Ok(record) = record else { return next };
        let taken = match &mut chain {
            Some(chain) => chain.take(&record),
            None => Chain::before(&record).and_then(|before| chain.insert(before).take(&record)),
        };
        if let Err(ReadError::Damaged { position, .. }) = taken {
            return position;
        }
    }
    first
}
