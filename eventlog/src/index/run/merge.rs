//! Runs of neighbouring parts of the log, merged into one, block by block.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::iter::Peekable;
use std::path::Path;
use std::sync::Arc;

use super::file::invalid;
use super::{Range, Run};
use crate::identity::{self, Key};

/// Merges runs, oldest first. Of identities the first position stays, of streams the last.
pub(in crate::index) fn merge(dir: &Path, runs: &[Arc<Run>]) -> io::Result<Run> {
    let (Some(oldest), Some(newest)) = (runs.first(), runs.last()) else {
        return Err(invalid("there is nothing to merge"));
    };
    let range = Range { first: oldest.range().first, ..newest.range() };
    let sources: Vec<_> = runs.iter().map(|run| run.entries()).collect();
    let entries = Merged { heads: BinaryHeap::new(), sources, begun: false };
    let entries = Joined(entries.peekable());
    Run::write(dir, range, entries, runs.iter().map(|run| run.len()).sum())
}

/// Entries of several sources in the order of keys, older ones first.
struct Merged<I> {
    heads: BinaryHeap<Reverse<(Key, usize, u64)>>,
    sources: Vec<I>,
    begun: bool,
}

impl<I: Iterator<Item = io::Result<(Key, u64)>>> Merged<I> {
    fn refill(&mut self, source: usize) -> io::Result<()> {
        if let Some((key, position)) = self.sources.get_mut(source).and_then(Iterator::next).transpose()? {
            self.heads.push(Reverse((key, source, position)));
        }
        Ok(())
    }

    fn step(&mut self) -> io::Result<Option<(Key, u64)>> {
        if !self.begun {
            self.begun = true;
            (0..self.sources.len()).try_for_each(|source| self.refill(source))?;
        }
        let Some(Reverse((key, source, position))) = self.heads.pop() else { return Ok(None) };
        self.refill(source)?;
        Ok(Some((key, position)))
    }
}

impl<I: Iterator<Item = io::Result<(Key, u64)>>> Iterator for Merged<I> {
    type Item = io::Result<(Key, u64)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}

/// Each key once.
struct Joined<I: Iterator>(Peekable<I>);

impl<I: Iterator<Item = io::Result<(Key, u64)>>> Iterator for Joined<I> {
    type Item = io::Result<(Key, u64)>;

    fn next(&mut self) -> Option<Self::Item> {
        let (key, mut position) = match self.0.next()? {
            Ok(entry) => entry,
            error => return Some(error),
        };
        while let Some(Ok((_, newer))) = self.0.next_if(|next| next.as_ref().is_ok_and(|(k, _)| *k == key)) {
            if identity::is_stream(&key) {
                position = newer;
            }
        }
        Some(Ok((key, position)))
    }
}
