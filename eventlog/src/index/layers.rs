//! What the index knows of segments that ended: one layer for each of them, oldest first, in memory until it
//! is written as a run; runs of like size are merged, so that a look-up asks few of them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::Entries;
use super::run::{self, Range, Run};
use crate::identity::Key;
use crate::store::{Ended, Tail};

/// Neighbouring runs of like size that are merged into one.
const MERGE_FAN_IN: usize = 8;

/// A run with more entries is not merged any more: that would take too long.
const MERGE_ENTRIES_MAX: u64 = 32 * 1024 * 1024;

/// Memory for the filters of all runs. Runs beyond it, the oldest, are asked on disk.
const FILTER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What belongs to segments that ended.
#[derive(Debug)]
pub(crate) struct Layers {
    dir: Option<PathBuf>,
    /// Oldest first, without gaps from position 1 on.
    layers: RwLock<Vec<Layer>>,
}

#[derive(Debug, Clone)]
enum Layer {
    Frozen(Range, Arc<Entries>),
    Run(Arc<Run>),
}

impl Layers {
    /// Opens what is in `dir` and belongs to this log. Answers with the end of the last segment it knows.
    pub fn open(dir: Option<PathBuf>, ended: &[Ended]) -> io::Result<(Self, Tail)> {
        let (mut layers, mut covered) = (Vec::new(), Tail::default());
        if let Some(dir) = &dir {
            crate::store::create_dir(dir)?;
            let mut found = run::list(dir)?;
            while let Some((range, tail)) = next(&found, covered, ended) {
                found.retain(|(known, _)| *known != range);
                match Run::open(range, dir) {
                    Ok(run) => {
                        layers.push(Layer::Run(Arc::new(run)));
                        covered = tail;
                    }
                    Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                        tracing::warn!(%error, ?range, "index file is damaged; made anew");
                        std::fs::remove_file(range.path(dir))?;
                    }
                    Err(error) => return Err(error),
                }
            }
            for (_, path) in found {
                std::fs::remove_file(path)?;
            }
        }
        let layers = Self { dir, layers: RwLock::new(layers) };
        layers.fit_filters(FILTER_BYTES_MAX);
        Ok((layers, covered))
    }

    /// The position of a key, from the newest layer that has it.
    pub fn get(&self, key: &Key) -> io::Result<Option<u64>> {
        for layer in self.read().iter().rev() {
            let found = match layer {
                Layer::Frozen(_, entries) => entries.get(key).copied(),
                Layer::Run(run) => run.get(key).inspect_err(|_| self.discard(run))?,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Adds what was learned of a segment that ended.
    pub fn freeze(&self, first: u64, tail: Tail, entries: Entries) {
        let range = Range { first, last: tail.head.position, mark: run::mark(&tail.head.hash) };
        self.write().push(Layer::Frozen(range, Arc::new(entries)));
    }

    /// Writes to disk what is only in memory, and merges what is due. Takes long, and holds up no look-up.
    pub fn persist(&self) -> io::Result<()> {
        let Some(dir) = &self.dir else { return Ok(()) };
        while let Some((at, range, entries)) = self.oldest_frozen() {
            let mut sorted: Vec<_> = entries.iter().map(|(key, position)| (*key, *position)).collect();
            sorted.sort_unstable();
            let count = sorted.len() as u64;
            let run = Run::write(dir, range, sorted.into_iter().map(Ok), count)?;
            if let Some(layer) = self.write().get_mut(at) {
                *layer = Layer::Run(Arc::new(run));
            }
            self.merge(dir)?;
            self.fit_filters(FILTER_BYTES_MAX);
        }
        Ok(())
    }

    fn oldest_frozen(&self) -> Option<(usize, Range, Arc<Entries>)> {
        self.read().iter().enumerate().find_map(|(at, layer)| match layer {
            Layer::Frozen(range, entries) => Some((at, *range, Arc::clone(entries))),
            Layer::Run(_) => None,
        })
    }

    /// Merges the newest runs for as long as enough of like size stand beside each other.
    fn merge(&self, dir: &Path) -> io::Result<()> {
        loop {
            let runs: Vec<_> = self.read().iter().map_while(Layer::run).collect();
            let Some(from) = due(&runs.iter().map(|run| run.len()).collect::<Vec<_>>()) else {
                return Ok(());
            };
            let old = runs.get(from..).unwrap_or_default();
            let merged = Layer::Run(Arc::new(run::merge(dir, old)?));
            self.write().splice(from..runs.len(), [merged]);
            for run in old {
                std::fs::remove_file(run.range().path(dir))?;
            }
        }
    }

    /// Leaves filters to the newest runs, as far as so many bytes of memory go.
    fn fit_filters(&self, bytes_max: u64) {
        let mut left = bytes_max;
        for layer in self.write().iter_mut().rev() {
            let Layer::Run(run) = layer else { continue };
            match left.checked_sub(run.filter_bytes()) {
                Some(rest) => left = rest,
                None => *layer = Layer::Run(Arc::new(run.without_filter())),
            }
        }
    }

    /// A run that cannot be trusted is thrown away. The log fails, and its next start makes the run anew.
    fn discard(&self, run: &Run) {
        if let Some(dir) = &self.dir {
            let _ = std::fs::remove_file(run.range().path(dir));
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<Layer>> {
        self.layers.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<Layer>> {
        self.layers.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Layer {
    fn run(&self) -> Option<Arc<Run>> {
        match self {
            Self::Run(run) => Some(Arc::clone(run)),
            Self::Frozen(..) => None,
        }
    }
}

/// The widest file that goes on where `covered` ends, and ends where a sealed segment of this log does.
fn next(found: &[(Range, PathBuf)], covered: Tail, ended: &[Ended]) -> Option<(Range, Tail)> {
    let tails = |range: &Range| {
        let sealed = ended.iter().filter_map(|ended| ended.seal);
        sealed.map(|sealed| sealed.tail).find(|tail| tail.head.position == range.last)
    };
    let fits = found.iter().filter(|(range, _)| range.first == covered.head.position + 1);
    let fits = fits.filter_map(|(range, _)| Some((*range, tails(range)?)));
    let ours = fits.filter(|(range, tail)| range.mark == run::mark(&tail.head.hash));
    ours.max_by_key(|(range, _)| range.last)
}

/// From which run on the newest are to be merged.
fn due(sizes: &[u64]) -> Option<usize> {
    let level = |size: u64| size.max(1).ilog(MERGE_FAN_IN as u64);
    let newest = level(*sizes.last()?);
    let like: Vec<_> = sizes.iter().rev().take_while(|size| level(**size) <= newest).collect();
    let all: u64 = like.iter().copied().sum();
    (like.len() >= MERGE_FAN_IN && all <= MERGE_ENTRIES_MAX).then(|| sizes.len() - like.len())
}

#[cfg(test)]
mod tests;
