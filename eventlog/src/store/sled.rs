//! Record batches in sled, one value each, below `<data>/segments/<first position>/`.
//!
//! sled's own flush ends in `sync_file_range`, which promises nothing across a power cut; so each flush is
//! followed by `fdatasync` on a handle of ours to the same file (P1).

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::anchor::Anchor;
use super::{Store, StoreError};
use crate::Head;
use crate::record::Record;

/// sled's unit of allocation. A page above a quarter of it goes to a file of its own, which sled does not
/// sync; a page holds up to 16 of our values, so a quarter must hold 16 full batches.
const SLED_SEGMENT_BYTES: usize = 2 * 1024 * 1024;

/// Pages that sled keeps in memory.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// Record batches on disk.
#[derive(Debug)]
pub struct SledStore {
    db: sled::Db,
    /// The file that sled writes, for `fdatasync`.
    file: File,
    anchor: Anchor,
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
    #[error("cannot use {path}")]
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
        let store = Self::open_segment(data, &segment)?;
        // A new directory is durable only when its parent is: segment, segments, data, and what data is in.
        let segment = segment.canonicalize().map_err(io(&segment))?;
        for dir in segment.ancestors().take(4) {
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
        Self::open_segment(data, &segment)
    }

    fn open_segment(data: &Path, segment: &Path) -> Result<Self, OpenError> {
        let config = sled::Config::new()
            .path(segment)
            .cache_capacity(CACHE_BYTES)
            .segment_size(SLED_SEGMENT_BYTES)
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
        let path = data.join("head");
        let anchor = Anchor::open(&path).map_err(|source| OpenError::Io { path, source })?;
        Ok(Self { db, file, anchor })
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
        self.file.sync_data().map_err(|e| StoreError::Failed(format!("fdatasync failed: {e}")))
    }

    fn anchor(&self, head: &Head) -> Result<(), StoreError> {
        self.anchor.write(head).map_err(|e| StoreError::Failed(format!("the head cannot be written: {e}")))
    }

    fn anchored(&self) -> Result<Option<Head>, StoreError> {
        self.anchor.read().map_err(|e| StoreError::Failed(format!("the head cannot be read: {e}")))
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
                .map_err(|_| StoreError::Damaged("a key is not 8 bytes long".to_owned()))?;
            Ok(Record { first: u64::from_be_bytes(key), bytes: Bytes::copy_from_slice(&value) })
        }))
    }
}

fn store_error(error: sled::Error) -> StoreError {
    match error {
        sled::Error::Corruption { .. } => StoreError::Damaged(error.to_string()),
        other => StoreError::Failed(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Append, EventLog as _, LocalLog, ReadError, StartError};
    use sos_proto::event::v1::Event;

    /// A stopped log of ten batches of one event.
    async fn stopped_log() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let log = LocalLog::open(dir.path()).unwrap();
        for number in 1..=10 {
            let event = Event { event_id: format!("event-{number}"), ..Event::default() };
            log.append(Append::one(event)).await.unwrap();
        }
        log.close().await;
        dir
    }

    /// The position at which opening finds damage.
    fn first_bad(dir: &Path) -> u64 {
        match LocalLog::open(dir) {
            Err(StartError::Read(ReadError::Damaged { position, .. })) => position,
            other => panic!("{other:?}"),
        }
    }

    /// Changes what is stored with sled itself, as somebody would who wants to leave no trace.
    fn tamper(dir: &Path, change: impl FnOnce(&sled::Db)) {
        let store = SledStore::open(dir).unwrap();
        change(&store.db);
        store.db.flush().unwrap();
    }

    // P11: whoever changes, removes or adds a batch with the right tools is found.
    #[tokio::test]
    async fn what_was_changed_through_sled_is_found() {
        let key = |position: u64| position.to_be_bytes();
        let dir = stopped_log().await;
        tamper(dir.path(), |db| {
            let mut value = db.get(key(4)).unwrap().unwrap().to_vec();
            *value.last_mut().unwrap() ^= 1;
            db.insert(key(4), value).unwrap();
        });
        assert_eq!(first_bad(dir.path()), 4);

        let dir = stopped_log().await;
        tamper(dir.path(), |db| drop(db.remove(key(4)).unwrap()));
        assert_eq!(first_bad(dir.path()), 4);

        let dir = stopped_log().await;
        tamper(dir.path(), |db| {
            let (a, b) = (db.get(key(4)).unwrap().unwrap(), db.get(key(5)).unwrap().unwrap());
            db.insert(key(4), b).unwrap();
            db.insert(key(5), a).unwrap();
        });
        assert_eq!(first_bad(dir.path()), 4);
    }

    // P11: a log that lost its end is found by its anchor, and so is one that was written anew.
    #[tokio::test]
    async fn a_lost_end_is_found() {
        let dir = stopped_log().await;
        tamper(dir.path(), |db| drop(db.remove(10u64.to_be_bytes()).unwrap()));
        assert_eq!(first_bad(dir.path()), 10);

        let (dir, other) = (stopped_log().await, stopped_log().await);
        fs::copy(other.path().join("head"), dir.path().join("head")).unwrap();
        assert_eq!(first_bad(dir.path()), 10);
    }

    // P1: full batches stay in the file that we sync. sled puts large pages into files of their own, which
    // nobody syncs.
    #[test]
    fn full_batches_stay_in_the_file_that_is_synced() {
        let dir = tempfile::tempdir().unwrap();
        let store = SledStore::create(dir.path()).unwrap();
        for first in 1..=1_000 {
            let bytes = Bytes::from(vec![b'x'; crate::BATCH_BYTES_MAX + 300]);
            store.put(&Record { first, bytes }).unwrap();
            store.sync().unwrap();
        }
        assert_eq!(fs::read_dir(segment(dir.path()).join("blobs")).unwrap().count(), 0);
    }

    // P1: an end that sled itself gives up is a loss, and never taken for a shorter log.
    #[tokio::test]
    async fn a_changed_byte_in_the_file_is_found() {
        let dir = stopped_log().await;
        let path = segment(dir.path()).join("db");
        let mut bytes = fs::read(&path).unwrap();
        let at = bytes.windows(7).position(|w| w == b"event-4").unwrap();
        bytes[at + 6] = b'5';
        fs::write(&path, bytes).unwrap();
        match LocalLog::open(dir.path()) {
            Err(
                StartError::Read(ReadError::Damaged { .. }) | StartError::Open(OpenError::Damaged { .. }),
            ) => {}
            other => panic!("{other:?}"),
        }
    }
}
