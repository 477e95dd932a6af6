//! The wall clock of the outer shells. What decides takes the time as an argument instead.

use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds since 1970-01-01T00:00:00Z.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the log, the gateway and the processor read the clock"
)]
pub fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX)
}
