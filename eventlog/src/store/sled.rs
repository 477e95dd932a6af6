//! Record batches in sled, one value each, below `<data>/segments/<first position>/`.
//!
//! sled's own flush ends in `sync_file_range`, which promises nothing across a power cut; so each flush is
//! followed by `fdatasync` on a handle of ours to the same file (P1).

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::{Store, StoreError};
use crate::record::Record;

/// Pages that sled keeps in memory.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// Record batches on disk.
#[derive(Debug)]
pub struct SledStore {
    db: sled::Db,
    /// The file that sled writes, for `fdatasync`.
    file: File,
}

/// Why a directory cannot be opened as a log.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{0} is in use by another process: stop it, or ask it with --grpc")]
    InUse(PathBuf),
    /// There is no log, and none was to be created.
    #[error("{0} holds no event log")]
    Missing(PathBuf),
    /// The directory cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// sled gives up on its files.
    #[error("{path} is damaged ({reason}): keep a copy of it, then restore the segment from a backup")]
    Damaged {
        /// Which segment.
        path: PathBuf,
        /// What sled says.
        reason: String,
    },
}

impl SledStore {
    /// Opens the log below `data`, and creates it where there is none.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn create(data: &Path) -> Result<Self, OpenError> {
        let segment = segment(data);
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Io { path, source }
        };
        fs::create_dir_all(&segment).map_err(io(&segment))?;
        let store = Self::open_segment(&segment)?;
        // A new directory is durable only when its parent is.
        for dir in segment.ancestors().take(3) {
            File::open(dir).and_then(|d| d.sync_all()).map_err(io(dir))?;
        }
        Ok(store)
    }

    /// Opens the log below `data`.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(data: &Path) -> Result<Self, OpenError> {
        let segment = segment(data);
        if !segment.join("db").is_file() {
            return Err(OpenError::Missing(data.to_owned()));
        }
        Self::open_segment(&segment)
    }

    fn open_segment(segment: &Path) -> Result<Self, OpenError> {
        let config = sled::Config::new()
            .path(segment)
            .cache_capacity(CACHE_BYTES)
            .mode(sled::Mode::HighThroughput)
            .flush_every_ms(None);
        // sled panics on some damaged files.
        let opened = catch_unwind(AssertUnwindSafe(|| config.open()));
        let db = opened.unwrap_or_else(|_| Err(sled::Error::Corruption { at: None, bt: () }));
        let db = db.map_err(|error| match error {
            sled::Error::Io(e) if e.to_string().contains("could not acquire lock") => {
                OpenError::InUse(segment.to_owned())
            }
            sled::Error::Io(source) => OpenError::Io { path: segment.to_owned(), source },
            other => OpenError::Damaged { path: segment.to_owned(), reason: other.to_string() },
        })?;
        let path = segment.join("db");
        let file = File::open(&path).map_err(|source| OpenError::Io { path, source })?;
        Ok(Self { db, file })
    }
}

/// The segment that holds position 1; so far the only one.
fn segment(data: &Path) -> PathBuf {
    data.join("segments").join(format!("{:020}", 1))
}

impl Store for SledStore {
    fn put(&self, record: &Record) -> Result<(), StoreError> {
        self.db.insert(record.first.to_be_bytes(), &record.bytes[..]).map_err(store_error)?;
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.db.flush().map_err(store_error)?;
        // P1: durable means that fdatasync returned.
        self.file.sync_data().map_err(|e| StoreError(format!("fdatasync failed: {e}")))
    }

    fn scan(&self, position: u64) -> Box<dyn Iterator<Item = Result<Record, StoreError>> + '_> {
        let key = position.to_be_bytes();
        let start = match self.db.range(..=key).next_back() {
            Some(Ok((first, _))) => first,
            Some(Err(e)) => return Box::new(std::iter::once(Err(store_error(e)))),
            None => sled::IVec::from(&key),
        };
        Box::new(self.db.range(start..).map(|entry| {
            let (key, value) = entry.map_err(store_error)?;
            let key = <[u8; 8]>::try_from(key.as_ref())
                .map_err(|_| StoreError("a key is not 8 bytes long".to_owned()))?;
            Ok(Record { first: u64::from_be_bytes(key), bytes: Bytes::copy_from_slice(&value) })
        }))
    }
}

fn store_error(error: sled::Error) -> StoreError {
    StoreError(error.to_string())
}
