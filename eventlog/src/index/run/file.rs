//! The bytes of a run: blocks of entries, the first key of each block, the filter, a footer. All numbers are
//! big-endian. `docs/log-format.md` has the layout.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::Range;
use super::filter::{self, Filter};
use crate::identity::Key;

/// Entries of a block; the last one is filled up with zeros.
const BLOCK_ENTRIES: usize = 64;

/// Key and position.
const ENTRY_BYTES: usize = 16 + 8;

/// Entries and their CRC32C.
pub(super) const BLOCK_BYTES: usize = BLOCK_ENTRIES * ENTRY_BYTES + 4;

const MAGIC: &[u8; 8] = b"SOSRUN01";

/// Magic, first, last, mark, entries, CRC32C of the keys, of the filter, and of the footer.
const FOOTER_BYTES: usize = 8 + 4 * 8 + 3 * 4;

/// What a run says of itself at its end.
pub(super) struct Footer {
    pub range: Range,
    pub len: u64,
    fence_crc: u32,
    filter_crc: u32,
}

impl Footer {
    /// Reads the footer, and checks that the file is as long as it says.
    pub fn read(file: &File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        let at = size.checked_sub(FOOTER_BYTES as u64).ok_or_else(|| invalid("the file is cut"))?;
        let mut bytes = [0; FOOTER_BYTES];
        file.read_exact_at(&mut bytes, at)?;
        let footer = Self::parse(&bytes).ok_or_else(|| invalid("the footer is not what was written"))?;
        let expected = footer.filter_at().and_then(|at| at.checked_add(filter::bytes(footer.len)));
        if expected != Some(at) {
            return Err(invalid("the file is not as long as it says"));
        }
        Ok(footer)
    }

    fn parse(bytes: &[u8; FOOTER_BYTES]) -> Option<Self> {
        let (body, crc) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(body) != u32::from_be_bytes(*crc) {
            return None;
        }
        let mut rest = body.strip_prefix(MAGIC)?;
        let mut number = || {
            let (number, tail) = rest.split_first_chunk::<8>()?;
            rest = tail;
            Some(u64::from_be_bytes(*number))
        };
        let range = Range { first: number()?, last: number()?, mark: number()? };
        let len = number()?;
        let (fence_crc, filter_crc) = rest.split_first_chunk::<4>()?;
        let filter_crc = u32::from_be_bytes(filter_crc.try_into().ok()?);
        Some(Self { range, len, fence_crc: u32::from_be_bytes(*fence_crc), filter_crc })
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for number in [self.range.first, self.range.last, self.range.mark, self.len] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&self.fence_crc.to_be_bytes());
        bytes.extend_from_slice(&self.filter_crc.to_be_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
        bytes
    }

    fn blocks(&self) -> u64 {
        self.len.div_ceil(BLOCK_ENTRIES as u64)
    }

    fn fence_at(&self) -> Option<u64> {
        self.blocks().checked_mul(BLOCK_BYTES as u64)
    }

    fn filter_at(&self) -> Option<u64> {
        self.fence_at()?.checked_add(self.blocks().checked_mul(size_of::<Key>() as u64)?)
    }

    /// Reads what is kept in memory. The length of the file vouches for the sizes.
    pub fn read_parts(&self, file: &File) -> io::Result<(Vec<Key>, Filter)> {
        let part = |at: Option<u64>, bytes: u64, crc: u32| {
            let mut part = vec![0; usize::try_from(bytes).map_err(|_| invalid("the file is too large"))?];
            file.read_exact_at(&mut part, at.unwrap_or(u64::MAX))?;
            if crc32c::crc32c(&part) != crc {
                return Err(invalid("a checksum does not match"));
            }
            Ok(part)
        };
        let fence = part(self.fence_at(), self.blocks() * size_of::<Key>() as u64, self.fence_crc)?;
        let filter = part(self.filter_at(), filter::bytes(self.len), self.filter_crc)?;
        Ok((fence.as_chunks().0.to_vec(), Filter::from_bytes(&filter)))
    }
}

/// A block that was read and checked.
pub(super) struct Block {
    bytes: Vec<u8>,
    len: usize,
}

impl Block {
    /// Checks block number `at` of a run with so many entries.
    pub fn parse(bytes: Vec<u8>, at: u64, entries: u64) -> io::Result<Self> {
        let sound = bytes
            .split_last_chunk::<4>()
            .is_some_and(|(body, crc)| crc32c::crc32c(body) == u32::from_be_bytes(*crc));
        if !sound {
            return Err(invalid("the checksum of a block does not match"));
        }
        let left = entries.saturating_sub(at * BLOCK_ENTRIES as u64);
        Ok(Self { bytes, len: usize::try_from(left).unwrap_or(BLOCK_ENTRIES).min(BLOCK_ENTRIES) })
    }

    /// Its entries in order.
    pub fn entries(&self) -> impl Iterator<Item = (Key, u64)> {
        let (entries, _) = self.bytes.as_chunks::<ENTRY_BYTES>();
        entries.iter().take(self.len).filter_map(|entry| {
            let (key, position) = entry.split_first_chunk::<16>()?;
            Some((*key, u64::from_be_bytes(position.try_into().ok()?)))
        })
    }
}

/// Writes a run, and syncs it.
pub(super) fn write(
    path: &Path,
    range: Range,
    entries: impl Iterator<Item = io::Result<(Key, u64)>>,
    entries_max: u64,
) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(256 * 1024, File::create(path)?);
    let mut filter = Filter::for_entries(entries_max);
    let (mut fence, mut block, mut len) = (Vec::new(), Vec::with_capacity(BLOCK_BYTES), 0);
    for entry in entries {
        let (key, position) = entry?;
        if block.is_empty() {
            fence.extend_from_slice(&key);
        }
        block.extend_from_slice(&key);
        block.extend_from_slice(&position.to_be_bytes());
        filter.add(&key);
        len += 1;
        if block.len() == BLOCK_BYTES - 4 {
            write_block(&mut file, &mut block)?;
        }
    }
    if !block.is_empty() {
        write_block(&mut file, &mut block)?;
    }
    file.write_all(&fence)?;
    let filter = filter.fitted(len).to_bytes();
    file.write_all(&filter)?;
    let (fence_crc, filter_crc) = (crc32c::crc32c(&fence), crc32c::crc32c(&filter));
    file.write_all(&Footer { range, len, fence_crc, filter_crc }.encode())?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

fn write_block(file: &mut impl io::Write, block: &mut Vec<u8>) -> io::Result<()> {
    block.resize(BLOCK_BYTES - 4, 0);
    block.extend_from_slice(&crc32c::crc32c(block).to_be_bytes());
    file.write_all(block)?;
    block.clear();
    Ok(())
}

/// The file is not what was written.
pub(super) fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
