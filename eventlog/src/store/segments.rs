//! Record batches on disk: a row of segments below `<data>/segments/`, of which only the last is written.
//!
//! A segment that ended is sealed in the background: packed, digested, never written again. Segments are
//! opened when somebody reads them, a few at a time, and a sealed one is checked first against its seal.
//! Until the log was found intact, and always where it is only read, segments that are not sealed are read
//! from a copy: sled throws away what it cannot read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, TryLockError};
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::anchor::{self, Anchor, Anchored};
use super::parts::{self, Part};
use super::pool::Pool;
use super::seal::{CLOSED, Seal};
use super::sled::Segment;
use super::{Ended, Records, Sealed, Store, StoreError, Tail, files, reading, sealing};
use crate::Head;
use crate::record::{Hash, Record};

/// When a segment is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Size of the file that is written, in bytes. It is copied and read at each start.
    pub segment_bytes: u64,
    /// Events, which are learned again at each start.
    pub segment_events: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { segment_bytes: 64 * 1024 * 1024, segment_events: 256 * 1024 }
    }
}

/// Why a directory cannot be opened as a log.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{0} is in use by another process: stop it, or ask it with --grpc")]
    InUse(PathBuf),
    /// There is no log, and none was to be created.
    #[error(
        "there is no event log in {0}: name the directory that `sos up` was given (sos-data by default), or a backup of it"
    )]
    Missing(PathBuf),
    /// The directory cannot be read or written.
    #[error("cannot use {path}")]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What says how the log is stored is not what was written.
    #[error("the event log is damaged at position {position}: {reason}")]
    Damaged {
        /// First position that cannot be trusted.
        position: u64,
        /// What is wrong there.
        reason: String,
    },
}

/// Record batches on disk.
#[derive(Debug)]
pub struct SegmentStore {
    pub(super) data: PathBuf,
    limits: Limits,
    /// Where segments are copied to.
    pub(super) scratch: PathBuf,
    row: Mutex<Row>,
    pub(super) pool: Arc<Pool<Segment>>,
    /// Sealed segments whose bytes were checked since the start.
    pub(super) checked: Mutex<BTreeSet<u64>>,
    /// Held for as long as the store is open.
    _lock: File,
}

/// The segments, and the one that is written.
#[derive(Debug)]
pub(super) struct Row {
    pub parts: BTreeMap<u64, Part>,
    /// Where there is none, sled opens copies of the others only, and changes nothing.
    pub last: Option<Last>,
}

#[derive(Debug)]
pub(super) struct Last {
    pub first: u64,
    pub segment: Arc<Segment>,
    anchor: Arc<Anchor>,
}

impl SegmentStore {
    /// Opens the log below `data` for writing, and creates the directory where there is none. Nothing is
    /// written to a segment before [`begin`](Store::begin).
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn create(data: &Path, limits: Limits) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { path: data.to_owned(), source };
        files::create_dir(data).map_err(io)?;
        let path = data.join("lock");
        let lock = File::options().append(true).create(true).open(&path);
        let lock = lock.map_err(|source| OpenError::Io { path, source })?;
        locked(lock.try_lock(), data)?;
        parts::tidy(data).map_err(io)?;
        let scratch = data.join("scratch");
        // Copies that a crash left behind.
        files::remove(&scratch).and_then(|()| files::create_dir(&scratch)).map_err(io)?;
        Self::open(data, limits, lock, scratch)
    }

    /// Opens the log below `data` for reading. Nothing below it is written.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn read_only(data: &Path) -> Result<Self, OpenError> {
        if !parts::segments(data).is_dir() {
            return Err(OpenError::Missing(data.to_owned()));
        }
        // A directory without the file was never opened by us, or is a bare copy: nobody else has it.
        let lock = match File::open(data.join("lock")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => File::open(data),
            lock => lock,
        };
        let lock = lock.map_err(|source| OpenError::Io { path: data.to_owned(), source })?;
        locked(lock.try_lock_shared(), data)?;
        Self::open(data, Limits::default(), lock, std::env::temp_dir())
    }

    fn open(data: &Path, limits: Limits, lock: File, scratch: PathBuf) -> Result<Self, OpenError> {
        let found = parts::list(data).map_err(|source| OpenError::Io { path: data.to_owned(), source })?;
        let mut parts = BTreeMap::new();
        for (first, found) in found {
            let part = Part::read(first, found).map_err(|error| match error {
                StoreError::Damaged { position, reason } => {
                    OpenError::Damaged { position: position.unwrap_or(first), reason }
                }
                StoreError::Failed(reason) => {
                    OpenError::Io { path: data.to_owned(), source: io::Error::other(reason) }
                }
            })?;
            parts.insert(first, part);
        }
        let row = Row { parts, last: None };
        Ok(Self {
            data: data.to_owned(),
            limits,
            scratch,
            row: Mutex::new(row),
            pool: Arc::default(),
            checked: Mutex::default(),
            _lock: lock,
        })
    }

    pub(super) fn row(&self) -> MutexGuard<'_, Row> {
        self.row.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The segment that is written.
    fn last(&self) -> Result<(u64, Arc<Segment>, Arc<Anchor>), StoreError> {
        let row = self.row();
        let last = row.last.as_ref().ok_or_else(|| StoreError::Failed("the log is only read".to_owned()))?;
        Ok((last.first, Arc::clone(&last.segment), Arc::clone(&last.anchor)))
    }
}

impl Store for SegmentStore {
    fn put(&self, record: &Record) -> Result<(), StoreError> {
        self.last()?.1.put(record)
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.last()?.1.sync()
    }

    fn anchor(&self, head: &Head) -> Result<(), StoreError> {
        let anchor = self.last()?.2;
        anchor.write(head).map_err(|e| StoreError::failed("the head cannot be written", &e))
    }

    fn anchored(&self) -> Result<Option<Head>, StoreError> {
        let path = self.data.join("head");
        match anchor::read(&path) {
            Ok(Anchored::Nothing) => Ok(None),
            Ok(Anchored::Reached(head)) => Ok(Some(head)),
            Ok(Anchored::Damaged) => {
                Err(StoreError::damaged(format!("{} is not what was written", path.display())))
            }
            Err(error) => Err(StoreError::failed(format!("cannot read {}", path.display()), &error)),
        }
    }

    fn scan(&self, position: u64) -> Records<'_> {
        self.scan_from(position)
    }

    fn ended(&self) -> Vec<Ended> {
        let row = self.row();
        let behind = row.parts.keys().skip(1).map(|next| Some(next - 1)).chain([None]);
        let ended = row.parts.iter().zip(behind).filter_map(|((first, part), behind)| {
            let seal = part.seal();
            let last = seal.map(|seal| seal.tail.head.position).or(behind)?;
            Some(Ended { first: *first, last, seal })
        });
        ended.collect()
    }

    fn begin(&self, tail: &Tail) -> Result<(), StoreError> {
        self.pool.clear();
        let path = self.data.join("head");
        let anchor = Anchor::open(&path).and_then(|anchor| {
            files::sync_parent(&path)?;
            anchor.write(&tail.head)?;
            Ok(anchor)
        });
        let anchor = anchor.map_err(|e| StoreError::failed(format!("cannot use {}", path.display()), &e))?;
        let mut row = self.row();
        let open = row.parts.iter().next_back().filter(|(_, part)| part.seal().is_none());
        let first = open.map_or(tail.head.position + 1, |(first, _)| *first);
        let dir = parts::dir(&self.data, first);
        let segment = if dir.is_dir() { reopen(&dir)? } else { Segment::create(&dir)? };
        row.parts.insert(first, Part::Open(dir));
        row.last = Some(Last { first, segment: Arc::new(segment), anchor: Arc::new(anchor) });
        Ok(())
    }

    fn is_full(&self, position: u64) -> Result<bool, StoreError> {
        let (first, segment, _) = self.last()?;
        let bytes = segment.bytes().map_err(|e| StoreError::failed("the segment cannot be measured", &e))?;
        let events = (position + 1).saturating_sub(first);
        Ok(events > 0 && (bytes >= self.limits.segment_bytes || events >= self.limits.segment_events))
    }

    fn roll(&self, tail: &Tail) -> Result<u64, StoreError> {
        let (first, segment, anchor) = self.last()?;
        anchor.sync().map_err(|e| StoreError::failed("the head cannot be synced", &e))?;
        let next = tail.head.position + 1;
        let dir = parts::dir(&self.data, next);
        let new = Arc::new(Segment::create(&dir)?);
        // The old one stays open in the pool, where its readers and its sealing find it.
        self.pool.add(first, segment);
        let mut row = self.row();
        row.parts.insert(next, Part::Open(dir));
        row.last = Some(Last { first: next, segment: new, anchor });
        Ok(first)
    }

    fn seal(&self, first: u64) -> Result<(), StoreError> {
        let row = self.row();
        let end =
            row.parts.range((Bound::Excluded(first), Bound::Unbounded)).next().map(|(next, _)| next - 1);
        let (Some(Part::Open(dir)), Some(end)) = (row.parts.get(&first).cloned(), end) else { return Ok(()) };
        drop(row);
        let seal = Arc::new(sealing::prepare(&dir, reading::until(self.scan(first), end))?);
        self.pool.replace(first, || {
            sealing::replace(&dir)?;
            self.checked.lock().unwrap_or_else(PoisonError::into_inner).insert(first);
            self.row().parts.insert(first, Part::Sealed(dir, seal));
            Ok(())
        })
    }

    fn close(&self, tail: &Tail) -> Result<(), StoreError> {
        let mut row = self.row();
        // From here on who still reads gets copies, and does not change what is noted below.
        let Some(last) = row.last.take() else { return Ok(()) };
        drop(row);
        self.pool.clear();
        let Last { first, segment, anchor } = last;
        let dir = parts::dir(&self.data, first);
        segment.sync()?;
        drop(segment);
        let note = || {
            anchor.sync()?;
            let seal = Seal::of(&dir, first, Sealed { previous: Hash::default(), tail: *tail })?;
            seal.sync_files(&dir)?;
            files::write_whole(&dir.join(CLOSED), &seal.encode())
        };
        note().map_err(|e| StoreError::failed(format!("cannot close {}", dir.display()), &e))
    }
}

/// Opens a segment that will be written again, so that what was said of it when it was closed is not true
/// any more. Its record batches are intact: that was seen before.
fn reopen(dir: &Path) -> Result<Segment, StoreError> {
    let path = dir.join(CLOSED);
    if let Err(error) = Seal::read(&path).and_then(|closed| closed.map_or(Ok(()), |closed| closed.check(dir)))
    {
        tracing::error!(%error, "the files were changed while the log was closed; its record batches are intact");
    }
    files::remove(&path)
        .and_then(|()| files::sync_dir(dir))
        .map_err(|e| StoreError::failed(format!("cannot use {}", dir.display()), &e))?;
    Segment::open_to_write(dir)
}

fn locked(lock: Result<(), TryLockError>, data: &Path) -> Result<(), OpenError> {
    match lock {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(data.to_owned())),
        Err(TryLockError::Error(source)) => Err(OpenError::Io { path: data.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests;
