//! A store for tests that fails as it is told, and loses at a crash what a disk may lose.
//!
//! Clones share the disk, as two runs of a process do. Invariant, as for every store: a record batch is there
//! whole or not at all, in the order of writing; what was synced is there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::{Ended, Records, Sealed, Store, StoreError, Tail};
use crate::Head;
use crate::record::Record;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The write after so many more fails, and so do those behind it: a full disk.
    WriteFailsAfter(u32),
    /// The sync after so many more fails once. What it should have made durable may be lost; a later sync
    /// works again and says nothing of it, as on Linux.
    SyncFailsAfter(u32),
}

/// What a crash leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// The process was killed: everything written is there.
    Killed,
    /// Power went: of what was not synced, so many writes are there, and the anchor is one that was written
    /// so many times before.
    PowerCut {
        /// Writes that reached the disk all the same. The one behind them was torn, and is given up.
        writes_kept: usize,
        /// Anchors that did not reach it.
        anchors_lost: usize,
    },
}

/// A store for tests.
#[derive(Debug, Clone, Default)]
pub struct FaultyStore {
    disk: Arc<Mutex<Disk>>,
    segment_events: Option<u64>,
}

#[derive(Debug, Default)]
struct Disk {
    durable: BTreeMap<u64, Bytes>,
    unsynced: Vec<Record>,
    anchors: Vec<Head>,
    ended: Vec<Ended>,
    faults: Vec<Fault>,
    scans: u64,
}

impl FaultyStore {
    /// A store whose segments hold so many events.
    #[must_use]
    pub fn with_segments(segment_events: u64) -> Self {
        Self { segment_events: Some(segment_events), ..Self::default() }
    }

    /// Something will go wrong.
    pub fn arm(&self, fault: Fault) {
        self.disk().faults.push(fault);
    }

    /// The process ends here, and the machine with it if so told. Nothing goes wrong any more.
    pub fn crash(&self, crash: Crash) {
        let mut disk = self.disk();
        disk.faults.clear();
        let mut unsynced = std::mem::take(&mut disk.unsynced);
        if let Crash::PowerCut { writes_kept, anchors_lost } = crash {
            unsynced.truncate(writes_kept);
            let left = disk.anchors.len().saturating_sub(anchors_lost);
            disk.anchors.truncate(left);
        }
        disk.durable.extend(unsynced.into_iter().map(|r| (r.first, r.bytes)));
    }

    /// Changes one bit of the stored record batch that holds `position`. False: there is no such bit.
    pub fn flip(&self, position: u64, byte: usize, bit: u8) -> bool {
        let mut disk = self.disk();
        let Some((_, bytes)) = disk.durable.range_mut(..=position).next_back() else { return false };
        let mut changed = bytes.to_vec();
        let Some(at) = changed.get_mut(byte) else { return false };
        *at ^= 1 << (bit % 8);
        *bytes = changed.into();
        true
    }

    /// How often somebody read.
    #[must_use]
    pub fn scans(&self) -> u64 {
        self.disk().scans
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    /// Counts down to a fault. True: now.
    fn fails(&mut self, countdown: impl Fn(&mut Fault) -> Option<&mut u32>) -> bool {
        let due = self.faults.iter_mut().filter_map(countdown).find_map(|left| match left {
            0 => Some(()),
            left => {
                *left -= 1;
                None
            }
        });
        due.is_some()
    }
}

impl Store for FaultyStore {
    fn put(&self, record: &Record) -> Result<(), StoreError> {
        let mut disk = self.disk();
        if disk.fails(|fault| match fault {
            Fault::WriteFailsAfter(left) => Some(left),
            Fault::SyncFailsAfter(_) => None,
        }) {
            return Err(StoreError::Failed("no space left on device".to_owned()));
        }
        disk.unsynced.push(record.clone());
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        let mut disk = self.disk();
        if disk.fails(|fault| match fault {
            Fault::SyncFailsAfter(left) => Some(left),
            Fault::WriteFailsAfter(_) => None,
        }) {
            disk.faults.retain(|fault| *fault != Fault::SyncFailsAfter(0));
            return Err(StoreError::Failed("fdatasync failed: input/output error".to_owned()));
        }
        let synced: Vec<_> = disk.unsynced.drain(..).map(|r| (r.first, r.bytes)).collect();
        disk.durable.extend(synced);
        Ok(())
    }

    fn anchor(&self, head: &Head) -> Result<(), StoreError> {
        self.disk().anchors.push(*head);
        Ok(())
    }

    fn anchored(&self) -> Result<Option<Head>, StoreError> {
        Ok(self.disk().anchors.last().copied())
    }

    fn scan(&self, position: u64) -> Records<'_> {
        let mut disk = self.disk();
        disk.scans += 1;
        let mut all = disk.durable.clone();
        all.extend(disk.unsynced.iter().map(|r| (r.first, r.bytes.clone())));
        let start = all.range(..=position).next_back().map_or(position, |(first, _)| *first);
        Box::new(all.split_off(&start).into_iter().map(|(first, bytes)| Ok(Record { first, bytes })))
    }

    fn begin(&self, tail: &Tail) -> Result<(), StoreError> {
        // As on disk: what was found intact at the start is known to have been there.
        self.anchor(&tail.head)
    }

    fn is_full(&self, position: u64) -> Result<bool, StoreError> {
        let ended = self.disk().ended.last().map_or(0, |ended| ended.last);
        Ok(self.segment_events.is_some_and(|limit| position >= ended + limit))
    }

    fn roll(&self, tail: &Tail) -> Result<u64, StoreError> {
        let mut disk = self.disk();
        let first = disk.ended.last().map_or(1, |ended| ended.last + 1);
        disk.ended.push(Ended { first, last: tail.head.position, seal: None });
        Ok(first)
    }

    fn seal(&self, first: u64) -> Result<(), StoreError> {
        let mut disk = self.disk();
        let record = |position: u64| {
            let (first, bytes) = disk.durable.range(..=position).next_back()?;
            Some(Record { first: *first, bytes: bytes.clone() })
        };
        let found = disk.ended.iter().position(|ended| ended.first == first);
        let sealed = found.and_then(|at| Some((at, disk.ended.get(at)?.last))).and_then(|(at, last)| {
            let (begin, end) = (record(first)?, record(last)?);
            let head = Head { position: last, hash: end.hash() };
            let tail = Tail { head, recorded_at: end.decode().ok()?.recorded_at() };
            Some((at, Sealed { previous: begin.previous().ok()?, tail }))
        });
        let (at, sealed) = sealed.ok_or_else(|| StoreError::damaged("the segment cannot be read"))?;
        if let Some(ended) = disk.ended.get_mut(at) {
            ended.seal = Some(sealed);
        }
        Ok(())
    }

    fn ended(&self) -> Vec<Ended> {
        self.disk().ended.clone()
    }
}
