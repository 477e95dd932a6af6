//! Every log line of this crate.

use std::error::Error;
use std::time::Duration;

use sos_proto::call_point::CallPoint;

/// A try found no answer; the same message follows after a pause.
pub(crate) fn unanswered(client_id: &str, error: &(dyn Error + 'static), pause: Duration) {
    tracing::debug!(
        client_id,
        error,
        pause_ms = pause.as_millis(),
        "no answer from the broker, trying again"
    );
}

/// A press was refused, or nobody answered in time.
pub(crate) fn failed(call_point: &CallPoint, sequence: u64, reason: &str) {
    tracing::warn!(%call_point, sequence, reason, "press not delivered");
}

/// The birth message of a call point was refused, or nobody answered in time.
pub(crate) fn birth_failed(call_point: &CallPoint, reason: &str) {
    tracing::warn!(%call_point, reason, "birth message not delivered");
}
