//! Every log line of this crate.

use std::error::Error;
use std::time::Duration;

use sos_proto::call_point::CallPoint;
use tonic::Status;

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

/// A message of the demo town was refused, or nobody answered in time.
pub(crate) fn undelivered(topic: &str, reason: &str) {
    tracing::warn!(topic, reason, "message of the demo not delivered");
}

/// The demo town cannot be registered; it tries again.
pub(crate) fn not_settled(error: &(dyn Error + 'static)) {
    tracing::debug!(error, "the demo town is not registered yet");
}

/// The colleague's console is cut off; it comes back.
pub(crate) fn colleague_cut_off(status: &Status) {
    tracing::debug!(reason = status.message(), "the colleague of the demo is cut off");
}

/// An order of the colleague was refused: mostly because the alert has changed meanwhile.
pub(crate) fn order_refused(alert_id: &str, status: &Status) {
    tracing::debug!(alert_id, reason = status.message(), "an order of the demo was refused");
}
