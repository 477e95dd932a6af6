//! Log lines and metrics of the process.

use std::io::IsTerminal as _;
use std::sync::Arc;

use anyhow::Context as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Telemetry};

/// Upper bounds of the buckets of every metric in seconds.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// Starts both. Answers with what renders the metrics.
///
/// # Errors
/// If one of them runs already.
pub fn start(config: &Telemetry) -> anyhow::Result<Arc<dyn Fn() -> String + Send + Sync>> {
    let filter =
        EnvFilter::try_new(&config.log).with_context(|| format!("telemetry.log: {:?}", config.log))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // It would tell of a line that nobody reads where nobody reads, and panic.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match config.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    started.map_err(|e| anyhow::anyhow!("failed to start the log lines: {e}"))?;
    let recorder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?;
    let metrics = recorder.install_recorder().context("failed to start the metrics")?;
    Ok(Arc::new(move || {
        metrics.run_upkeep();
        metrics.render()
    }))
}
