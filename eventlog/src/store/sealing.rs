//! Making a segment final: each record batch is read back, checked against its chain, and packed into a new
//! database, which then takes the place of the old one.
//!
//! Invariant: until the new one is durable and in place, the old one counts.

use std::fs;
use std::io;
use std::path::Path;

use super::seal::{SEAL, Seal};
use super::sled::{Form, Segment};
use super::{Sealed, StoreError, Tail, files};
use crate::record::{Chain, Record};

/// Packs the record batches of one segment beside `dir`, and makes the result durable. The first one tells
/// what the chain had come to before.
pub(super) fn prepare(
    dir: &Path,
    records: impl Iterator<Item = Result<Record, StoreError>>,
) -> Result<Seal, StoreError> {
    let failed = |e: io::Error| StoreError::failed(format!("cannot seal {}", dir.display()), &e);
    let new = dir.with_extension("new");
    files::remove(&new).map_err(failed)?;
    files::create_dir(&new).map_err(failed)?;
    let (first, sealed) = pack(&new, records)?;
    // sled notes at the next start where it ended. Afterwards opening changes nothing any more.
    drop(Segment::open(&new, Form::Packed)?);
    let seal = Seal::of(&new, first, sealed).map_err(failed)?;
    seal.sync_files(&new).map_err(failed)?;
    files::write_whole(&new.join(SEAL), &seal.encode()).map_err(failed)?;
    Ok(seal)
}

/// Puts what was prepared in the place of the segment.
pub(super) fn replace(dir: &Path) -> Result<(), StoreError> {
    let failed = |e: io::Error| StoreError::failed(format!("cannot seal {}", dir.display()), &e);
    let old = dir.with_extension("old");
    fs::rename(dir, &old).map_err(failed)?;
    if let Err(error) = fs::rename(dir.with_extension("new"), dir) {
        fs::rename(&old, dir).map_err(failed)?;
        return Err(failed(error));
    }
    // It is in place. What is left of the old one counts no more, and is removed at the next start at the latest.
    if let Err(error) = files::sync_parent(dir).and_then(|()| files::remove(&old)) {
        tracing::warn!(%error, path = %old.display(), "what was packed cannot be removed yet");
    }
    Ok(())
}

fn pack(
    dir: &Path,
    records: impl Iterator<Item = Result<Record, StoreError>>,
) -> Result<(u64, Sealed), StoreError> {
    let segment = Segment::open(dir, Form::Packed)?;
    let mut chain = None;
    let mut recorded_at = 0;
    for record in records {
        let record = record?;
        let (_, _, chain) = match &mut chain {
            Some(chain) => chain,
            None => chain.insert((record.first, record.previous()?, Chain::before(&record)?)),
        };
        recorded_at = chain.take(&record)?.recorded_at();
        segment.put(&record)?;
    }
    segment.sync()?;
    let (first, previous, chain) = chain.ok_or_else(|| StoreError::damaged("the segment is empty"))?;
    Ok((first, Sealed { previous, tail: Tail { head: chain.head(), recorded_at } }))
}
