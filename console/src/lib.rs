//! The HTTP port: the browser console, `/metrics`, `/healthz`, `/readyz`. It knows nothing of what it reports.

mod door;
mod nearby;
mod pages;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use door::Tls;
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
    /// Whether metrics and health are for everybody; otherwise for this machine.
    pub is_open: bool,
}

/// Serves until shutdown, through TLS where that is given.
///
/// # Errors
/// If the listener fails.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    report: Report,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    door::serve(listener, tls, router(report), shutdown).await
}

fn router(report: Report) -> Router {
    let console = report.console.clone().map(pages::router).unwrap_or_default();
    let mut machines = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready));
    if !report.is_open {
        machines = machines.route_layer(from_fn(nearby::only));
    }
    machines.with_state(report).merge(console)
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

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::body::Body;
    use axum::extract::ConnectInfo;
    use axum::http::Request;
    use tower_service::Service as _;

    use super::*;

    #[tokio::test]
    async fn metrics_and_health_are_for_this_machine_unless_the_port_is_open() {
        for (peer, is_open, answered) in [
            ("127.0.0.1:1", false, StatusCode::OK),
            ("[::1]:1", false, StatusCode::OK),
            ("[::ffff:127.0.0.1]:1", false, StatusCode::OK),
            ("192.0.2.1:1", false, StatusCode::FORBIDDEN),
            ("[2001:db8::1]:1", false, StatusCode::FORBIDDEN),
            ("192.0.2.1:1", true, StatusCode::OK),
        ] {
            let report = Report { metrics: Arc::new(String::new), parts: Vec::new(), console: None, is_open };
            for path in ["/metrics", "/healthz", "/readyz"] {
                let mut request = Request::get(path).body(Body::empty()).unwrap();
                request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
                let answer = router(report.clone()).call(request).await.unwrap();
                assert_eq!(answer.status(), answered, "{peer} {path}");
            }
        }
    }
}
