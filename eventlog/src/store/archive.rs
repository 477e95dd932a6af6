//! One sealed segment as one compressed file, for other disks and for years. `docs/log-format.md` has the
//! bytes.
//!
//! Invariant: no byte of it can be changed unseen, and reading it needs little memory however large it is.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::{Records, StoreError, files};
use crate::record::Record;

const MAGIC: &[u8; 8] = b"SOSARCH1";

/// zstd's level; higher ones save little more and take much longer.
const LEVEL: i32 = 9;

/// Most bytes of one record batch; a full one has 15 KiB and its header.
const RECORD_BYTES_MAX: u32 = 64 * 1024;

/// A BLAKE3 digest at the end of the file.
const DIGEST_BYTES: u64 = 32;

/// Writes record batches to a file at `path`, there whole or not at all.
pub(super) fn write(
    path: &Path,
    records: impl Iterator<Item = Result<Record, StoreError>>,
) -> Result<(), StoreError> {
    let failed = |e: io::Error| StoreError::failed(format!("cannot write {}", path.display()), &e);
    let part = path.with_extension("part");
    let mut file = Digesting {
        file: BufWriter::new(File::create(&part).map_err(failed)?),
        hasher: blake3::Hasher::new(),
    };
    file.write_all(MAGIC).map_err(failed)?;
    let mut frame = zstd::Encoder::new(file, LEVEL).map_err(failed)?;
    for record in records {
        let record = record?;
        let length = u32::try_from(record.bytes.len()).unwrap_or(u32::MAX);
        frame.write_all(&length.to_be_bytes()).map_err(failed)?;
        frame.write_all(&record.bytes).map_err(failed)?;
    }
    let finish = || {
        let mut file = frame.finish()?;
        let digest = file.hasher.finalize();
        file.file.write_all(digest.as_bytes())?;
        file.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(&part, path)?;
        files::sync_parent(path)
    };
    finish().map_err(failed)
}

/// A file of record batches whose digest was checked.
#[derive(Debug)]
pub(super) struct Archive {
    path: PathBuf,
}

impl Archive {
    /// Opens a file and reads all of it once.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |e: io::Error| StoreError::failed(format!("cannot read {}", path.display()), &e);
        let damaged = || StoreError::damaged(format!("{} is not what was written", path.display()));
        let mut file = File::open(path).map_err(failed)?;
        let body = file.metadata().map_err(failed)?.len().checked_sub(DIGEST_BYTES).ok_or_else(damaged)?;
        let mut hasher = blake3::Hasher::new();
        io::copy(&mut (&mut file).take(body), &mut hasher).map_err(failed)?;
        let mut digest = [0; 32];
        file.read_exact(&mut digest).map_err(failed)?;
        if *hasher.finalize().as_bytes() != digest {
            return Err(damaged());
        }
        Ok(Self { path: path.to_owned() })
    }

    /// The record batch that holds `position`, and all behind it; the first one where all are behind it.
    pub fn scan(&self, position: u64) -> Records<'static> {
        let mut frame = match self.frame() {
            Ok(frame) => frame,
            Err(error) => {
                let error = StoreError::failed(format!("cannot read {}", self.path.display()), &error);
                return Box::new(std::iter::once(Err(error)));
            }
        };
        let path = self.path.clone();
        let records = std::iter::from_fn(move || {
            next(&mut frame)
                .map_err(|e| StoreError::damaged(format!("{} cannot be read: {e}", path.display())))
                .transpose()
        });
        Box::new(records.skip_while(move |record| record.as_ref().is_ok_and(|r| end(r) <= position)))
    }

    fn frame(&self) -> io::Result<impl Read + Send + use<>> {
        let mut file = File::open(&self.path)?;
        let frame = file.metadata()?.len().saturating_sub(DIGEST_BYTES + MAGIC.len() as u64);
        file.seek(SeekFrom::Start(MAGIC.len() as u64))?;
        zstd::Decoder::with_buffer(BufReader::new(file.take(frame)))
    }
}

fn next(frame: &mut impl Read) -> io::Result<Option<Record>> {
    let mut length = [0; 4];
    let (front, back) = length.split_at_mut(1);
    if frame.read(front)? == 0 {
        return Ok(None);
    }
    frame.read_exact(back)?;
    let length = u32::from_be_bytes(length);
    if length > RECORD_BYTES_MAX {
        return Err(io::Error::other(format!("a record batch of {length} bytes")));
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    frame.read_exact(&mut bytes)?;
    let record = Record::parse(bytes.into());
    record.map(Some).ok_or_else(|| io::Error::other("a record batch without a header"))
}

/// Position behind the last event of a record batch, as its header says.
fn end(record: &Record) -> u64 {
    record.first.saturating_add(record.count())
}

/// Digests what is written.
struct Digesting {
    file: BufWriter<File>,
    hasher: blake3::Hasher,
}

impl io::Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::encode;

    /// Record batches of three events each.
    fn records() -> Vec<Record> {
        let events: [&[u8]; 3] = [b"one", b"two", b"three"];
        let encoded = |first| encode(first, 7, &[9; 32], events.into_iter());
        [1, 4, 7].map(|first| Record { first, bytes: encoded(first).into() }).to_vec()
    }

    fn written() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.sosarchive");
        write(&path, records().into_iter().map(Ok)).unwrap();
        (dir, path)
    }

    #[test]
    fn record_batches_come_back() {
        let (_dir, path) = written();
        let archive = Archive::open(&path).unwrap();
        for (position, skipped) in [(0, 0), (1, 0), (3, 0), (4, 1), (8, 2), (9, 2), (10, 3)] {
            let read: Result<Vec<_>, _> = archive.scan(position).collect();
            assert_eq!(read.unwrap(), records()[skipped..], "{position}");
        }
    }

    /// An archive that format version 1 wrote, of the first segment of the fixture beside it. Kept for ever.
    #[test]
    fn version_1_is_read_as_it_was_written() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let archive = Archive::open(&fixtures.join("v1.sosarchive")).unwrap();
        let store = crate::store::SegmentStore::read_only(&fixtures.join("v1")).unwrap();
        let archived: Result<Vec<_>, _> = archive.scan(1).collect();
        let stored: Result<Vec<_>, _> = crate::store::Store::scan(&store, 1).take(10).collect();
        assert_eq!(archived.unwrap(), stored.unwrap());
    }

    // P11: no byte of an archive can be changed unseen.
    #[test]
    fn any_changed_byte_is_found() {
        let (_dir, path) = written();
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            std::fs::write(&path, bytes).unwrap();
            assert!(matches!(Archive::open(&path), Err(StoreError::Damaged { .. })), "byte {at}");
            std::fs::write(&path, &good[..at]).unwrap();
            assert!(matches!(Archive::open(&path), Err(StoreError::Damaged { .. })), "cut at {at}");
        }
    }
}
