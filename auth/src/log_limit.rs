//! Log lines that strangers can cause: so many a second, and no more. Counters count them all.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::token::now;

/// Lines in one second.
const LINES_MAX: u64 = 20;

/// Counts lines of the current second.
#[derive(Debug, Default)]
pub struct LogLimit {
    second: AtomicU64,
    lines: AtomicU64,
}

impl LogLimit {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { second: AtomicU64::new(0), lines: AtomicU64::new(0) }
    }

    /// Whether one more line may be written now.
    pub fn may_log(&self) -> bool {
        self.may_log_at(now())
    }

    fn may_log_at(&self, second: u64) -> bool {
        if self.second.swap(second, Ordering::Relaxed) != second {
            self.lines.store(0, Ordering::Relaxed);
        }
        self.lines.fetch_add(1, Ordering::Relaxed) < LINES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_so_many_lines() {
        let limit = LogLimit::new();
        assert_eq!((0..1_000).filter(|_| limit.may_log_at(7)).count() as u64, LINES_MAX);
        assert!(limit.may_log_at(8));
    }
}
