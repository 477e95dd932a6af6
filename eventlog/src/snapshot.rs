//! Snapshots of what a consumer made of the log, so that its next start reads only what came since.
//!
//! A snapshot is an offer, never the truth: one that is missing, damaged, of another log or of another
//! version is as if it were not there, and the consumer reads the log from position 1 (P4).

use std::io;
use std::path::PathBuf;

use bytes::Bytes;

use crate::store::{create_dir, write_whole};
use crate::{Chain, EventLog, Head};

const MAGIC: &[u8; 8] = b"SOSSNAP1";

/// Magic, schema, position, digest of the record batch that ends there, length of the state.
const HEADER_BYTES: usize = 8 + 4 + 8 + 32 + 8;

/// What a consumer had come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The end of the last record batch that went in.
    pub head: Head,
    /// The consumer's state, which only the consumer can read.
    pub state: Bytes,
}

/// The snapshots of one consumer.
#[derive(Debug, Clone)]
pub struct Snapshots {
    path: PathBuf,
    schema: u32,
}

impl Snapshots {
    /// The snapshots that `consumer` keeps in the directory `dir`. `schema` is the version of its state:
    /// another one is not read.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, consumer: &str, schema: u32) -> Self {
        Self { path: dir.into().join(consumer), schema }
    }

    /// Keeps a snapshot instead of the one before. A crash leaves the one or the other. Blocks.
    ///
    /// # Errors
    /// If it cannot be written; the one before is still there.
    pub fn save(&self, snapshot: &Snapshot) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + snapshot.state.len() + 32);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.schema.to_be_bytes());
        bytes.extend_from_slice(&snapshot.head.position.to_be_bytes());
        bytes.extend_from_slice(&snapshot.head.hash);
        bytes.extend_from_slice(&(snapshot.state.len() as u64).to_be_bytes());
        bytes.extend_from_slice(&snapshot.state);
        let digest = blake3::hash(&bytes);
        bytes.extend_from_slice(digest.as_bytes());
        if let Some(dir) = self.path.parent() {
            create_dir(dir)?;
        }
        write_whole(&self.path, &bytes)
    }

    /// The snapshot, if there is a sound one of this log.
    pub async fn load(&self, log: &dyn EventLog) -> Option<Snapshot> {
        let path = self.path.clone();
        let bytes = match tokio::task::spawn_blocking(|| std::fs::read(path)).await.ok()? {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(%error, path = %self.path.display(), "snapshot cannot be read; the log is");
                return None;
            }
        };
        let snapshot = self.decode(bytes.into());
        let ours = match &snapshot {
            Some(snapshot) => belongs(log, snapshot.head).await,
            None => false,
        };
        if !ours {
            tracing::warn!(path = %self.path.display(), "snapshot does not belong to this log; the log is read");
        }
        snapshot.filter(|_| ours)
    }

    fn decode(&self, bytes: Bytes) -> Option<Snapshot> {
        let body = bytes.len().checked_sub(32)?;
        let (signed, digest) = bytes.split_at_checked(body)?;
        if blake3::hash(signed).as_bytes() != digest {
            return None;
        }
        let (header, _) = signed.split_at_checked(HEADER_BYTES)?;
        let (schema, rest) = header.strip_prefix(MAGIC)?.split_first_chunk()?;
        let (position, rest) = rest.split_first_chunk()?;
        let (hash, length) = rest.split_first_chunk()?;
        let length = u64::from_be_bytes(length.try_into().ok()?);
        let same = u32::from_be_bytes(*schema) == self.schema && length == (body - HEADER_BYTES) as u64;
        let head = Head { position: u64::from_be_bytes(*position), hash: *hash };
        same.then(|| Snapshot { head, state: bytes.slice(HEADER_BYTES..body) })
    }
}

/// Whether the log has a record batch that ends at `head`.
async fn belongs(log: &dyn EventLog, head: Head) -> bool {
    let Ok(records) = log.read_records(head.position, 1).await else { return false };
    let Some(record) = records.first() else { return false };
    let chain = Chain::before(record).and_then(|mut chain| chain.take(record).map(|_| chain));
    chain.is_ok_and(|chain| chain.head() == head)
}
