//! Every metric and log line of the processor.

use metrics::{counter, gauge};
use sos_eventlog::AppendError;
use sos_proto::alert::v1::{Alert, AlertKind};
use sos_proto::event::v1::event::Body;
use tonic::Code;

use crate::core::AlertView;

/// How far the fold has come, and how many alerts are open.
pub(crate) fn folded(position: u64, open: usize) {
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; exact up to 2^53")]
    {
        gauge!("sos_processor_position").set(position as f64);
        gauge!("sos_alerts_open").set(open as f64);
    }
}

/// Whether anybody listens to the trace of single presses.
pub(crate) fn traces_presses() -> bool {
    tracing::enabled!(tracing::Level::DEBUG)
}

/// A press was folded into an alert.
pub(crate) fn press_folded(view: &AlertView) {
    let span = tracing::debug_span!(
        "fold_press",
        trace_id = %view.trace_id,
        alert_id = %view.alert.alert_id,
        position = view.alert.position,
    );
    span.in_scope(|| tracing::debug!(press_count = view.alert.press_count, "press folded"));
}

/// An alert goes to a console: the last station of a press.
pub(crate) fn delivered(view: &AlertView) {
    if view.alert.kind() == AlertKind::Press {
        tracing::debug!(
            trace_id = %view.trace_id,
            alert_id = %view.alert.alert_id,
            position = view.alert.position,
            "alert delivered to a console"
        );
    }
}

/// A command was answered; the outcome is a gRPC code.
pub(crate) fn commanded(command: &'static str, outcome: Code) {
    counter!("sos_commands_total", "command" => command, "outcome" => format!("{outcome:?}")).increment(1);
}

/// A deadline has passed, and the log says so.
pub(crate) fn deadline_passed(alert: &Alert, body: &Body) {
    let what = match body {
        Body::AlertAckExpired(_) => "acknowledgement_expired",
        _ => "escalated",
    };
    counter!("sos_deadlines_passed_total", "what" => what).increment(1);
    tracing::warn!(alert_id = %alert.alert_id, site_id = %alert.site_id, what, "nobody acted in time");
}

/// An alert has escalated, and no console watches its site.
pub(crate) fn escalation_unheard(alert: &Alert) {
    counter!("sos_escalations_unheard_total").increment(1);
    let (alert_id, site_id) = (&alert.alert_id, &alert.site_id);
    tracing::error!(%alert_id, %site_id, "an alert has escalated, and no operator watches its site");
}

/// A deadline has passed, and the log does not take it; tried again.
pub(crate) fn deadline_not_recorded(error: &AppendError) {
    tracing::error!(%error, "a deadline has passed and cannot be recorded; trying again");
}

/// Live state has reached the head that the log had at the start.
pub(crate) fn ready(position: u64) {
    tracing::info!(position, "live state is up to date");
}

/// Live state goes on from a snapshot, or begins anew where the one that was found is of another version.
pub(crate) fn snapshot_loaded(position: Option<u64>) {
    match position {
        Some(position) => tracing::info!(position, "live state goes on from its snapshot"),
        None => tracing::info!("the snapshot of live state is of another version; the log is read"),
    }
}

/// A snapshot cannot be kept: the next start takes longer.
pub(crate) fn snapshot_not_saved(error: &std::io::Error) {
    tracing::warn!(%error, "failed to keep a snapshot of live state");
}

/// The log does not say how far it has come: consoles get no heartbeat until it does.
pub(crate) fn head_unknown(reason: &str) {
    tracing::warn!(reason, "the head of the event log is unknown");
}

/// A console took nothing for so long that its watch was ended.
pub(crate) fn watch_stalled() {
    counter!("sos_watches_stalled_total").increment(1);
    tracing::warn!("a console takes nothing, and its watch was ended");
}

/// Calls were still under way at the end of the drain.
pub(crate) fn drain_cut_off() {
    tracing::warn!("shutdown cut off calls that were still under way");
}

/// Counts a watching console for as long as it lives.
pub(crate) struct Watching(());

impl Watching {
    /// One console more.
    pub(crate) fn start() -> Self {
        gauge!("sos_watchers").increment(1);
        Self(())
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        gauge!("sos_watchers").decrement(1);
    }
}

/// What was to be erased still has its keys.
pub(crate) fn not_erased(error: &dyn std::fmt::Display) {
    tracing::error!(%error, "personal data that was to be erased still has its keys; the next start tries again");
}
