//! The HTTP port: the browser console, `/metrics`, `/healthz`, `/readyz`. It knows nothing of what it reports.

mod door;
mod pages;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use pages::{Console, Reach};

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
    /// The console. Absent: operators are served elsewhere.
    pub console: Option<Console>,
}

/// Serves until shutdown.
///
/// # Errors
/// If the listener fails.
pub async fn serve(
    listener: TcpListener,
    report: Report,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let console = report.console.clone().map(pages::router).unwrap_or_default();
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(report)
        .merge(console);
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
