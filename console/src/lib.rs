//! The HTTP port: `/metrics`, `/healthz`, `/readyz`. It knows nothing of what it reports.

mod door;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A part of the process that must be ready before traffic may come.
#[derive(Debug, Clone)]
pub struct Part {
    /// What it is called.
    pub name: &'static str,
    /// Whether it is ready.
    pub ready: watch::Receiver<bool>,
}

/// What the port reports.
#[derive(Clone)]
pub struct Report {
    /// All metrics, in the text format of Prometheus.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// The parts that must be ready.
    pub parts: Vec<Part>,
}

const HOME: &str = "<!doctype html><html lang=\"en\"><title>SOS gateway</title><h1>SOS gateway</h1>\
<p>Operators: <code>sos alerts watch</code>. Machines: <a href=\"/metrics\">/metrics</a>, \
<a href=\"/healthz\">/healthz</a>, <a href=\"/readyz\">/readyz</a>.</p></html>";

/// Serves until shutdown.
///
/// # Errors
/// If the listener fails.
pub async fn serve(
    listener: TcpListener,
    report: Report,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/", get(async || Html(HOME)))
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(report);
    door::serve(listener, router, shutdown).await
}

async fn metrics(State(report): State<Report>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (report.metrics)())
}

async fn ready(State(report): State<Report>) -> (StatusCode, String) {
    let mut status = StatusCode::OK;
    let mut text = String::new();
    for Part { name, ready } in &report.parts {
        let word = if *ready.borrow() { "ready" } else { "not ready" };
        if !*ready.borrow() {
            status = StatusCode::SERVICE_UNAVAILABLE;
        }
        text.push_str(&format!("{name}: {word}\n"));
    }
    (status, text)
}
