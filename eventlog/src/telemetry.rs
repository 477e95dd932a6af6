//! Metrics of the event log.

use std::time::Duration;

/// Counts one commit of `events` events in `batches` record batches.
pub(crate) fn committed(events: usize, batches: usize, took: Duration, position: u64) {
    metrics::counter!("sos_log_events_total").increment(events as u64);
    metrics::counter!("sos_log_batches_total").increment(batches as u64);
    metrics::counter!("sos_log_commits_total").increment(1);
    metrics::histogram!("sos_log_commit_seconds").record(took.as_secs_f64());
    metrics::gauge!("sos_log_position").set(position as f64);
}

/// Counts a segment that ended.
pub(crate) fn rolled() {
    metrics::counter!("sos_log_segments_total").increment(1);
}

/// Describes the metrics above.
pub(crate) fn describe() {
    metrics::describe_counter!("sos_log_events_total", "Events made durable since the start");
    metrics::describe_counter!("sos_log_batches_total", "Record batches made durable since the start");
    metrics::describe_counter!("sos_log_commits_total", "Syncs of the disk since the start");
    metrics::describe_counter!("sos_log_segments_total", "Segments that ended since the start");
    metrics::describe_histogram!(
        "sos_log_commit_seconds",
        metrics::Unit::Seconds,
        "Time from the first write of a commit to the end of its sync"
    );
    metrics::describe_gauge!("sos_log_position", "Newest durable position of the log");
}
