//! Moving sealed segments to compressed files outside the directory of the log, and finding them again.
//!
//! What was moved stays a part of the log: it is read from where it went. The note that says where is a seal
//! whose one file is the archive. Invariant: the segment is removed only after archive and note are durable.

use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::archive::{self, Archive};
use super::parts::Part;
use super::seal::Seal;
use super::segments::SegmentStore;
use super::{Store as _, StoreError, Tail, files, reading};
use crate::Head;
use crate::record::{Chain, Record};

impl SegmentStore {
    /// Moves sealed segments, oldest first, to compressed files in `dest` for as long as `goes` says so of
    /// their end. Tells `moved` of each. Answers with the positions that were moved.
    ///
    /// # Errors
    /// If one cannot be moved; what was moved before stays moved, and nothing is lost.
    pub fn archive(
        &self,
        dest: &Path,
        goes: impl Fn(&Tail) -> bool,
        mut moved: impl FnMut(u64),
    ) -> Result<Option<RangeInclusive<u64>>, StoreError> {
        let parts: Vec<_> = self.row().parts.iter().map(|(first, part)| (*first, part.clone())).collect();
        let mut all: Option<RangeInclusive<u64>> = None;
        for (first, part) in parts {
            match part {
                Part::Archived(..) => {}
                Part::Sealed(dir, seal) if goes(&seal.sealed.tail) => {
                    let records = reading::until(self.scan(first), seal.sealed.tail.head.position);
                    let (path, note) = archive_segment(&dir, &seal, records, dest)?;
                    self.pool.replace(first, || {
                        self.row().parts.insert(first, Part::Archived(path, Arc::new(note)));
                        files::remove(&dir)
                            .map_err(|e| StoreError::failed(format!("cannot remove {}", dir.display()), &e))
                    })?;
                    let end = seal.sealed.tail.head.position;
                    moved(end);
                    all = Some(all.map_or(first, |all| *all.start())..=end);
                }
                _ => break,
            }
        }
        Ok(all)
    }
}

/// Copies one segment, and notes that the copy counts now. Answers with where it is, and the seal of it there.
fn archive_segment(
    dir: &Path,
    seal: &Seal,
    records: impl Iterator<Item = Result<Record, StoreError>>,
    dest: &Path,
) -> Result<(PathBuf, Seal), StoreError> {
    let failed = |e: io::Error| StoreError::failed(format!("cannot archive to {}", dest.display()), &e);
    files::create_dir(dest).map_err(failed)?;
    let path = dest.canonicalize().map_err(failed)?.join(format!("{:020}.sosarchive", seal.first));
    // It is there already where an archiving was cut short, or another log was archived.
    if !path.exists() {
        archive::write(&path, records)?;
    }
    if end(&path, seal.first)? != seal.sealed.tail.head {
        let reason = format!("{} is not of this log: archive to another directory", path.display());
        return Err(StoreError::Failed(reason));
    }
    let note = Seal::of_file(&path, seal.first, seal.sealed).map_err(failed)?;
    files::write_whole(&dir.with_extension("archived"), &note.encode()).map_err(failed)?;
    Ok((path, note))
}

/// Where the chain of an archive ends.
fn end(path: &Path, first: u64) -> Result<Head, StoreError> {
    let mut chain = Chain::default();
    for record in Archive::open(path)?.scan(first) {
        let record = record?;
        if chain.head().position == 0 {
            chain = Chain::before(&record)?;
        }
        chain.take(&record)?;
    }
    Ok(chain.head())
}

/// Where a note says that a segment went, and the seal of it there.
pub(super) fn read_note(note: &Path) -> Result<(PathBuf, Seal), StoreError> {
    let unreadable = || StoreError::damaged(format!("{} is not what was written", note.display()));
    let seal = Seal::read(note)?.ok_or_else(unreadable)?;
    let path = seal.only_file().ok_or_else(unreadable)?;
    Ok((path, seal))
}
