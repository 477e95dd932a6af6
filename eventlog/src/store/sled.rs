//! One segment: record batches in a sled database, one value each.
//!
//! sled's own flush ends in `sync_file_range`, which promises nothing across a power cut; so each flush is
//! followed by `fdatasync` on a handle of ours to the same file (P1). sled panics on some damaged files:
//! every call into it is guarded, and a panic becomes damage.

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tempfile::TempDir;

use super::{Records, StoreError, files};
use crate::record::Record;

/// How a segment is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Being written. sled's unit of allocation is 2 MiB: a page above a quarter of it goes to a file of
    /// its own, which sled does not sync; a page holds up to 16 of our values, and a quarter holds 16 full
    /// batches.
    Open,
    /// Never written again: compressed, in smaller units, and every file of it is synced when it is sealed.
    Packed,
}

impl Form {
    fn config(self, cache: u64) -> sled::Config {
        let config = sled::Config::new().mode(sled::Mode::HighThroughput).flush_every_ms(None);
        let config = config.cache_capacity(cache);
        match self {
            Self::Open => config.segment_size(2 * 1024 * 1024),
            Self::Packed => config.segment_size(512 * 1024).use_compression(true).compression_factor(1),
        }
    }
}

/// Pages that sled keeps in memory of the segment that is written, where those who are a little behind read.
const CACHE_BYTES_WRITTEN: u64 = 32 * 1024 * 1024;

/// Pages that sled keeps in memory of a segment that is only read, once, from its beginning to its end.
const CACHE_BYTES_READ: u64 = 1024 * 1024;

/// A database whose end is guarded too: sled panics when it cannot sync at the last moment.
#[derive(Debug)]
struct Guarded(Option<sled::Db>);

impl Guarded {
    /// Calls sled. A panic becomes damage.
    fn call<T>(&self, call: impl FnOnce(&sled::Db) -> sled::Result<T>) -> Result<T, StoreError> {
        let db = self.0.as_ref().ok_or_else(|| StoreError::Failed("the segment is closed".to_owned()))?;
        guarded(|| call(db))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let db = self.0.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(db)));
    }
}

/// Time that sled's threads get to let go of a database that this process had open a moment ago.
const RELEASE_TIME_MAX: Duration = Duration::from_secs(5);

/// A segment that is open.
#[derive(Debug)]
pub(super) struct Segment {
    // Dropped before the copy that it may be in.
    db: Guarded,
    /// The file that sled writes, for `fdatasync`.
    file: File,
    _copy: Option<TempDir>,
}

impl Segment {
    /// Opens the segment in `dir` to write to it.
    pub fn open_to_write(dir: &Path) -> Result<Self, StoreError> {
        Self::open_in(dir, Form::Open, CACHE_BYTES_WRITTEN, None)
    }

    /// Opens the segment in `dir`, and makes it where there is none. sled may write to it.
    pub fn open(dir: &Path, form: Form) -> Result<Self, StoreError> {
        Self::open_in(dir, form, CACHE_BYTES_READ, None)
    }

    /// Opens a copy of the segment in `dir`, below `scratch`, so that sled cannot change what it fails to
    /// read.
    pub fn open_copy(dir: &Path, form: Form, scratch: &Path) -> Result<Self, StoreError> {
        let copy = tempfile::Builder::new().prefix("sos-log-").tempdir_in(scratch);
        let copy = copy.map_err(|e| StoreError::failed(format!("cannot use {}", scratch.display()), &e))?;
        files::copy_all(dir, copy.path())
            .map_err(|e| StoreError::failed(format!("cannot copy {}", dir.display()), &e))?;
        let path = copy.path().to_owned();
        Self::open_in(&path, form, CACHE_BYTES_READ, Some((copy, dir)))
    }

    fn open_in(
        dir: &Path,
        form: Form,
        cache: u64,
        copy: Option<(TempDir, &Path)>,
    ) -> Result<Self, StoreError> {
        let mut opened = open_db(dir, form, cache);
        // What sled noted of a segment is derived from it; the anchor tells whether all is there without it.
        if form == Form::Open && matches!(opened, Err(StoreError::Damaged { .. })) && remove_notes(dir) {
            tracing::warn!(segment = %dir.display(), "sled's snapshot file was damaged or out of step, and is not used");
            opened = open_db(dir, form, cache);
        }
        let db = opened.map_err(|e| named(e, copy.as_ref().map_or(dir, |(_, original)| original)))?;
        let file = File::open(dir.join("db"));
        let file = file.map_err(|e| StoreError::failed(format!("cannot use {}", dir.display()), &e))?;
        Ok(Self { db: Guarded(Some(db)), file, _copy: copy.map(|(copy, _)| copy) })
    }

    /// Makes a new, empty segment at `dir`, whole or not at all, and opens it.
    pub fn create(dir: &Path) -> Result<Self, StoreError> {
        let make = || {
            let new = dir.with_extension("new");
            files::remove(&new)?;
            files::create_dir(&new)?;
            drop(Self::open(&new, Form::Open).map_err(io::Error::other)?);
            // sled syncs neither its configuration nor its directory.
            for name in files::list(&new)? {
                File::open(new.join(name))?.sync_all()?;
            }
            files::sync_dir(&new)?;
            fs::rename(&new, dir)?;
            files::sync_parent(dir)
        };
        make().map_err(|e: io::Error| StoreError::failed(format!("cannot make {}", dir.display()), &e))?;
        Self::open_to_write(dir)
    }

    /// Size of the file that sled writes, in bytes.
    pub fn bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Writes one record batch.
    pub fn put(&self, record: &Record) -> Result<(), StoreError> {
        self.db.call(|db| db.insert(record.first.to_be_bytes(), &record.bytes[..])).map(drop)
    }

    /// Takes a record batch away, as nobody should.
    #[cfg(test)]
    pub fn remove(&self, first: u64) -> Result<(), StoreError> {
        self.db.call(|db| db.remove(first.to_be_bytes())).map(drop)
    }

    /// Makes durable what was put.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.db.call(|db| db.flush())?;
        // P1: durable means that fdatasync returned.
        self.file.sync_data().map_err(|e| StoreError::failed("fdatasync failed", &e))
    }

    /// The record batch with the greatest key that is not above `position`, and all behind it.
    pub fn scan(&self, position: u64) -> Records<'static> {
        let key = position.to_be_bytes();
        let entries = self.db.call(|db| {
            let start = db.range(..=key).next_back().transpose()?;
            Ok(db.range(start.map_or_else(|| sled::IVec::from(&key), |(first, _)| first)..))
        });
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return Box::new(std::iter::once(Err(error))),
        };
        let mut failed = false;
        Box::new(std::iter::from_fn(move || {
            if failed {
                return None;
            }
            let record = guarded(|| entries.next().transpose()).and_then(|e| e.map(record).transpose());
            failed = record.is_err();
            record.transpose()
        }))
    }
}

fn open_db(dir: &Path, form: Form, cache: u64) -> Result<sled::Db, StoreError> {
    let started = Instant::now();
    loop {
        let config = form.config(cache).path(dir);
        match guarded(|| config.open()) {
            Err(error) if is_locked(&error) && started.elapsed() < RELEASE_TIME_MAX => {
                std::thread::sleep(Duration::from_millis(5));
            }
            opened => return opened,
        }
    }
}

/// Removes sled's snapshot files, so that it reads its log from the beginning. Whether there were any.
fn remove_notes(dir: &Path) -> bool {
    let notes = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    let notes = notes.filter(|entry| entry.file_name().to_string_lossy().starts_with("snap."));
    notes.filter(|entry| fs::remove_file(entry.path()).is_ok()).count() > 0
}

fn record((key, value): (sled::IVec, sled::IVec)) -> Result<Record, StoreError> {
    let key =
        <[u8; 8]>::try_from(key.as_ref()).map_err(|_| StoreError::damaged("a key is not 8 bytes long"))?;
    Ok(Record { first: u64::from_be_bytes(key), bytes: Bytes::copy_from_slice(&value) })
}

fn guarded<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| match error {
            sled::Error::Io(error) => StoreError::Failed(error.to_string()),
            other => StoreError::damaged(other.to_string()),
        }),
        Err(_) => Err(StoreError::damaged("sled gave up on it")),
    }
}

fn is_locked(error: &StoreError) -> bool {
    matches!(error, StoreError::Failed(reason) if reason.contains("could not acquire lock"))
}

/// The same error, saying where.
fn named(error: StoreError, dir: &Path) -> StoreError {
    match error {
        StoreError::Damaged { position, reason } => {
            let reason = format!(
                "{} cannot be opened ({reason}): keep a copy of it, then restore it from a backup",
                dir.display()
            );
            StoreError::Damaged { position, reason }
        }
        StoreError::Failed(reason) => StoreError::Failed(format!("{}: {reason}", dir.display())),
    }
}
