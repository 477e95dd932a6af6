//! Whether memory and disk are flat against the work done: what was used when, and by how much work it grew.
//!
//! Measures nothing itself. Invariant: a halt between two halves is judged by what both halves did, never by time.

use std::time::Duration;

/// Memory that a closed alert may need. It takes about 900 B by itself; besides there are the call points that it
/// is about, what waits to be saved, and what an allocator keeps.
const ALERT_BYTES_MAX: u64 = 8 * 1_024;

/// Memory that may come and go between two measurements: connections, caches, the last segment.
const MEMORY_SLACK: u64 = 96 << 20;

/// Growth of the disk for an event may be so much more in the second half: segments are sealed late, and sled frees late.
const DISK_RATIO_MAX: f64 = 1.5;

/// Disk that may come and go: a segment is in two forms while it is sealed.
const DISK_SLACK: u64 = 64 << 20;

/// What was used at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Since the beginning.
    pub at: Duration,
    /// Resident memory of the server, in bytes.
    pub memory: u64,
    /// The data directory, in bytes.
    pub disk: u64,
    /// Events in the log.
    pub events: u64,
    /// Alerts, the closed ones among them.
    pub alerts: u64,
}

/// What grew in one half.
#[derive(Debug, Clone, Copy)]
pub struct Half {
    /// The most memory in its second half: the first one warms up.
    pub memory: u64,
    /// Bytes of disk that came.
    pub disk: u64,
    /// Events that came.
    pub events: u64,
    /// Alerts at its end.
    pub alerts: u64,
}

impl Half {
    fn of(samples: &[Sample]) -> Option<Self> {
        let (first, last) = (samples.first()?, samples.last()?);
        let late = samples.get(samples.len() / 2..)?;
        Some(Self {
            memory: late.iter().map(|sample| sample.memory).max()?,
            disk: last.disk.saturating_sub(first.disk),
            events: last.events.saturating_sub(first.events),
            alerts: last.alerts,
        })
    }

    /// Bytes of disk for each event.
    pub fn bytes_per_event(&self) -> f64 {
        self.disk as f64 / self.events.max(1) as f64
    }
}

/// Both halves of a night.
pub fn halves(samples: &[Sample]) -> Option<[Half; 2]> {
    let middle = samples.last()?.at / 2;
    let (first, second) = samples.split_at(samples.partition_point(|sample| sample.at < middle));
    Some([Half::of(first)?, Half::of(second)?])
}

/// What is not flat.
pub fn problems([first, second]: &[Half; 2]) -> Vec<String> {
    let mut problems = Vec::new();
    let grown = second.memory.saturating_sub(first.memory);
    let new = second.alerts.saturating_sub(first.alerts);
    if grown > MEMORY_SLACK + new * ALERT_BYTES_MAX {
        problems.push(format!("memory grew by {grown} B while {new} alerts came"));
    }
    let (before, after) = (first.bytes_per_event(), second.bytes_per_event());
    if second.disk > DISK_SLACK && after > before * DISK_RATIO_MAX {
        problems.push(format!("an event took {before:.0} B of disk in the first half, then {after:.0} B"));
    }
    problems
}
