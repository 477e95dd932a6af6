//! Metrics and log lines of the gateway.

use std::fmt::Display;
use std::net::IpAddr;

use sos_eventlog::AppendError;
use sos_proto::call_point::CallPoint;

use crate::ingest::Refusal;

/// Describes the metrics below.
pub(crate) fn describe() {
    metrics::describe_counter!(
        "sos_ingest_messages_total",
        "Messages from devices, by outcome: recorded, duplicate, quarantined, unchanged, shed, refused, unavailable"
    );
    metrics::describe_histogram!(
        "sos_ingest_seconds",
        metrics::Unit::Seconds,
        "Time from a message's arrival to the end of its commit"
    );
    metrics::describe_counter!(
        "sos_mqtt_denied_total",
        "Attempts that were not allowed, by what they were: connect, publish, subscribe"
    );
    metrics::describe_counter!("sos_feedback_total", "Changes of a lamp handed to a broker");
    metrics::describe_counter!("sos_uplink_errors_total", "Lost connections to the external broker");
    metrics::describe_counter!(
        "sos_downlink_dropped_total",
        "Messages to devices dropped while the way was blocked"
    );
}

/// Counts what became of a message.
pub(crate) fn ingested(outcome: &'static str, seconds: f64) {
    metrics::counter!("sos_ingest_messages_total", "outcome" => outcome).increment(1);
    metrics::histogram!("sos_ingest_seconds").record(seconds);
}

/// A message that nobody can be told about in the log, because its topic names no call point.
pub(crate) fn refused(topic: &str, refusal: &Refusal) {
    let outcome = if matches!(refusal, Refusal::Unavailable(_)) { "unavailable" } else { "refused" };
    metrics::counter!("sos_ingest_messages_total", "outcome" => outcome).increment(1);
    if !DENIALS.may_log() {
        return;
    }
    tracing::warn!(topic = topic.chars().take(200).collect::<String>(), %refusal, "refused a message");
}

/// Who tries for ever must not fill the disk.
static DENIALS: sos_auth::log_limit::LogLimit = sos_auth::log_limit::LogLimit::new();

/// Somebody tried what they may not.
pub(crate) fn denied(what: &'static str, client_id: &str, address: Option<IpAddr>, reason: &dyn Display) {
    metrics::counter!("sos_mqtt_denied_total", "what" => what).increment(1);
    if !DENIALS.may_log() {
        return;
    }
    let client_id = client_id.chars().take(200).collect::<String>();
    let address = address.map(|address| address.to_string());
    tracing::warn!(what, client_id, address, %reason, "denied");
}

/// The session of a call point whose access has changed goes on; what it publishes is checked all the same.
pub(crate) fn not_parted(call_point: &CallPoint, error: &dyn Display) {
    tracing::error!(%call_point, %error, "a session could not be ended");
}

/// The port cannot be bound again with a new certificate.
pub(crate) fn not_listening(error: &str) {
    tracing::error!(error, "failed to listen for mqtt with the new certificate; trying again");
}

/// A periodic report of a call point that sends too many.
pub(crate) fn shed() {
    metrics::counter!("sos_ingest_messages_total", "outcome" => "shed").increment(1);
}

/// Each is in the log and an alert; here the first of each second will do.
static QUARANTINES: sos_auth::log_limit::LogLimit = sos_auth::log_limit::LogLimit::new();

/// Bytes that cannot be read.
pub(crate) fn quarantined(call_point: Option<&CallPoint>, reason: &str) {
    if QUARANTINES.may_log() {
        let call_point = call_point.map(ToString::to_string);
        tracing::warn!(call_point, reason, "quarantined a message");
    }
}

/// A lamp changed.
pub(crate) fn feedback(count: u64) {
    metrics::counter!("sos_feedback_total").increment(count);
}

/// The external broker is gone.
pub(crate) fn uplink_lost(error: &dyn Display) {
    metrics::counter!("sos_uplink_errors_total").increment(1);
    tracing::warn!(%error, "lost the external broker; trying again");
}

/// The way to devices is blocked.
pub(crate) fn downlink_dropped(topic: &str) {
    metrics::counter!("sos_downlink_dropped_total").increment(1);
    tracing::debug!(topic, "dropped a message to a device: the way is blocked");
}

/// A message of ours cannot be written.
pub(crate) fn unsendable(error: &dyn Display) {
    tracing::error!(%error, "a message to a device cannot be written as json");
}

/// A call point was not heard of for too long, and the log says so.
pub(crate) fn silent(call_point: &CallPoint) {
    metrics::counter!("sos_call_points_silent_total").increment(1);
    tracing::warn!(site = call_point.site(), device = call_point.device(), "call point has fallen silent");
}

/// Somebody is missing, and the log does not take it; tried again.
pub(crate) fn silence_not_recorded(error: &AppendError) {
    tracing::error!(%error, "a call point or the broker is gone, and that cannot be recorded; trying again");
}
