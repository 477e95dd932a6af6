//! How far the log came, kept beside what it stores.
//!
//! sled takes a damaged end for a write that a crash cut short, and opens without it. The anchor knows
//! better: a log that is shorter than its anchor has lost what was acknowledged. It is written after the
//! log is durable and not synced itself, so it is never ahead of the log and costs no disk time; after a
//! power cut it may be behind.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::Head;

/// Position, digest, CRC32C of both.
const BYTES: usize = 8 + 32 + 4;

/// The file `head` in the directory of the log.
#[derive(Debug)]
pub(super) struct Anchor(File);

impl Anchor {
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?))
    }

    pub fn write(&self, head: &Head) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend_from_slice(&head.position.to_be_bytes());
        bytes.extend_from_slice(&head.hash);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
        self.0.write_all_at(&bytes, 0)
    }

    /// What was written last; nothing where the file is new or was cut short by a power cut.
    pub fn read(&self) -> io::Result<Option<Head>> {
        let mut bytes = [0; BYTES];
        match self.0.read_exact_at(&mut bytes, 0) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let (body, crc) = bytes.split_at(BYTES - 4);
        let (position, hash) = body.split_at(8);
        let (Ok(position), Ok(hash), Ok(crc)) = (position.try_into(), hash.try_into(), crc.try_into()) else {
            return Ok(None);
        };
        let whole = crc32c::crc32c(body) == u32::from_be_bytes(crc);
        Ok(whole.then_some(Head { position: u64::from_be_bytes(position), hash }))
    }
}
