//! An immutable, sorted file of index entries: what is known of some segments that ended.
//!
//! Derived from the log, and thrown away when anything is wrong with it. Invariant: a look-up answers what
//! was written, or fails; it never answers from a byte that was changed. Memory holds the first key of each
//! block and a Bloom filter, not the entries.

mod file;
mod filter;
mod merge;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use file::{BLOCK_BYTES, Footer, invalid};
use filter::Filter;
pub(super) use merge::merge;

use crate::identity::Key;
use crate::record::Hash;

/// Which part of which log a run is about. It is the name of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub first: u64,
    pub last: u64,
    /// The beginning of the digest of the record batch that ends at `last`.
    pub mark: u64,
}

impl Range {
    /// Where its file is.
    pub fn path(&self, dir: &Path) -> PathBuf {
        dir.join(format!("{:020}-{:020}-{:016x}", self.first, self.last, self.mark))
    }

    fn parse(name: &str) -> Option<Self> {
        let mut parts = name.splitn(3, '-');
        let (first, last) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let mark = u64::from_str_radix(parts.next()?, 16).ok()?;
        Some(Self { first, last, mark })
    }
}

/// What tells the logs apart that a range may be of.
pub(super) fn mark(hash: &Hash) -> u64 {
    hash.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// The files in a directory, by what their names say; the others are removed.
pub(super) fn list(dir: &Path) -> io::Result<Vec<(Range, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        match path.file_name().and_then(|name| name.to_str()).and_then(Range::parse) {
            Some(range) if range.path(dir) == path => found.push((range, path)),
            _ => fs::remove_file(path)?,
        }
    }
    Ok(found)
}

/// A run that is open.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    range: Range,
    file: Arc<File>,
    len: u64,
    /// The first key of each block.
    fence: Arc<Vec<Key>>,
    filter: Option<Arc<Filter>>,
}

impl Run {
    /// Opens a run and checks what is kept of it in memory. Blocks are checked when they are read.
    pub fn open(range: Range, dir: &Path) -> io::Result<Self> {
        let file = File::open(range.path(dir))?;
        let footer = Footer::read(&file)?;
        let (fence, filter) = footer.read_parts(&file)?;
        if footer.range != range {
            return Err(invalid("the file is of another part of the log"));
        }
        let (file, fence) = (Arc::new(file), Arc::new(fence));
        Ok(Self { range, file, len: footer.len, fence, filter: Some(Arc::new(filter)) })
    }

    /// Writes entries, in ascending order of their keys, each key once, at most `entries_max` of them. The
    /// file is there whole or not at all.
    pub fn write(
        dir: &Path,
        range: Range,
        entries: impl Iterator<Item = io::Result<(Key, u64)>>,
        entries_max: u64,
    ) -> io::Result<Self> {
        let part = range.path(dir).with_extension("part");
        file::write(&part, range, entries, entries_max)?;
        fs::rename(&part, range.path(dir))?;
        File::open(dir)?.sync_all()?;
        Self::open(range, dir)
    }

    /// What it is about.
    pub fn range(&self) -> Range {
        self.range
    }

    /// Entries.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Memory that its filter takes or would take, in bytes.
    pub fn filter_bytes(&self) -> u64 {
        filter::bytes(self.len)
    }

    /// The same run with less memory: each look-up reads a block.
    pub fn without_filter(&self) -> Self {
        Self { filter: None, ..self.clone() }
    }

    /// Whether its filter is in memory.
    #[cfg(test)]
    pub fn has_filter(&self) -> bool {
        self.filter.is_some()
    }

    /// The position of a key.
    pub fn get(&self, key: &Key) -> io::Result<Option<u64>> {
        if self.filter.as_ref().is_some_and(|filter| !filter.may_hold(key)) {
            return Ok(None);
        }
        let behind = self.fence.partition_point(|first| first <= key);
        let Some(block) = behind.checked_sub(1) else { return Ok(None) };
        let block = self.block(block as u64)?;
        let mut entries = block.entries();
        Ok(entries.find(|(found, _)| found == key).map(|(_, position)| position))
    }

    /// All entries in order.
    pub fn entries(&self) -> impl Iterator<Item = io::Result<(Key, u64)>> {
        (0..self.fence.len() as u64).flat_map(|at| {
            let (entries, error) = match self.block(at) {
                Ok(block) => (block.entries().map(Ok).collect::<Vec<_>>(), None),
                Err(error) => (Vec::new(), Some(Err(error))),
            };
            entries.into_iter().chain(error)
        })
    }

    fn block(&self, at: u64) -> io::Result<file::Block> {
        let mut bytes = vec![0; BLOCK_BYTES];
        self.file.read_exact_at(&mut bytes, at * BLOCK_BYTES as u64)?;
        let block = file::Block::parse(bytes, at, self.len)?;
        let expected = self.fence.get(usize::try_from(at).unwrap_or(usize::MAX));
        if block.entries().next().map(|(first, _)| first) != expected.copied() {
            return Err(invalid("a block is not where it was written"));
        }
        Ok(block)
    }
}

#[cfg(test)]
mod tests;
