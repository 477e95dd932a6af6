//! The browser console: its files as they were built, and what it must know before anybody has signed in.
//!
//! Invariant: a page loads nothing and speaks to nobody but this port, the operator contract, and the pictures of
//! the map where they are configured.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;

/// How a browser reaches the operator contract, and what its map may load.
#[derive(Debug, Clone)]
pub struct Console {
    /// Where gRPC-Web is answered.
    pub grpc: Reach,
    /// How operators prove who they are: `none`, `token` or `certificate`.
    pub auth: &'static str,
    /// Address of the map's pictures, with `{z}`, `{x}` and `{y}`. Empty: there are none.
    pub tiles: String,
    /// Whom they are from.
    pub attribution: String,
}

/// Where something is, as a browser sees it.
#[derive(Debug, Clone)]
pub enum Reach {
    /// At this address, `scheme://host:port`.
    At(String),
    /// At the host that the page came from.
    SameHost {
        /// `http` or `https`.
        scheme: &'static str,
        /// The port.
        port: u16,
    },
}

/// One file of the console.
struct File {
    path: &'static str,
    bytes: &'static [u8],
    gzip: Option<&'static [u8]>,
}

/// Empty where the console was not built.
static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/web.rs"));

const WITHOUT: &str = "<!doctype html><html lang=\"en\"><title>SOS gateway</title><h1>SOS gateway</h1>\
<p>This build has no browser console: it was left out, or Node.js or its packages could not be had. With Node.js 18 or \
newer, npm and its registry within reach, <code>cargo build</code> adds it.</p><p>Meanwhile: <code>sos console</code> in a terminal, or \
<code>sos alerts watch</code>. Machines: <a href=\"/metrics\">/metrics</a>, <a href=\"/healthz\">/healthz</a>, \
<a href=\"/readyz\">/readyz</a>.</p></html>";

/// What the page is told.
#[derive(Serialize)]
struct Config<'a> {
    grpc: String,
    auth: &'a str,
    tiles: &'a str,
    attribution: &'a str,
}

/// Serves the console.
pub(crate) fn router(console: Console) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/config.json", get(config))
        .route("/{*path}", get(file))
        .with_state(console)
}

async fn index(State(console): State<Console>, headers: HeaderMap) -> Response {
    let page = match find("index.html") {
        Some(page) => sent(page, &headers),
        None => Html(WITHOUT).into_response(),
    };
    guarded(page, &console, &headers)
}

async fn config(State(console): State<Console>, headers: HeaderMap) -> Response {
    let Console { auth, tiles, attribution, .. } = &console;
    let config = Config { grpc: grpc(&console.grpc, &headers), auth, tiles, attribution };
    match serde_json::to_vec(&config) {
        Ok(text) => {
            let about = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
            guarded((about, text).into_response(), &console, &headers)
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn file(State(console): State<Console>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    match find(&path) {
        Some(file) => guarded(sent(file, &headers), &console, &headers),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn find(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

/// A file, compressed where the browser takes that. What has its digest in its name never changes.
fn sent(file: &File, headers: &HeaderMap) -> Response {
    let takes_gzip = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split(',').any(|coding| coding.trim() == "gzip"));
    let cached =
        if file.path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let about = [(header::CONTENT_TYPE, media_type(file.path)), (header::CACHE_CONTROL, cached)];
    match file.gzip.filter(|_| takes_gzip) {
        Some(gzip) => (about, [(header::CONTENT_ENCODING, "gzip"), (header::VARY, "accept-encoding")], gzip)
            .into_response(),
        None => (about, file.bytes).into_response(),
    }
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}

/// What every answer says to the browser.
fn guarded(mut response: Response, console: &Console, headers: &HeaderMap) -> Response {
    const SAID: [(HeaderName, &str); 4] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ];
    for (name, value) in SAID {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let policy = HeaderValue::try_from(policy(console, headers)).ok();
    response.headers_mut().extend(policy.map(|policy| (header::CONTENT_SECURITY_POLICY, policy)));
    response
}

/// The Content-Security-Policy: no inline script, no inline style, nothing from elsewhere.
fn policy(console: &Console, headers: &HeaderMap) -> String {
    let grpc = grpc(&console.grpc, headers);
    let tiles = origin(&console.tiles);
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: {tiles}; \
         connect-src 'self' {grpc}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// `scheme://host[:port]` of an address; empty for none. A host may hold `{s}`, which stands for any.
fn origin(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return String::new() };
    let host = rest.split('/').next().unwrap_or_default();
    format!("{scheme}://{}", host.replace("{s}", "*"))
}

fn grpc(reach: &Reach, headers: &HeaderMap) -> String {
    match reach {
        Reach::At(address) => address.clone(),
        Reach::SameHost { scheme, port } => format!("{scheme}://{}:{port}", host(headers)),
    }
}

/// The host that the browser asked, without its port.
fn host(headers: &HeaderMap) -> &str {
    let given = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = match given.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => given,
    };
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_[]:".contains(&byte));
    if name.is_empty() || !is_name { "localhost" } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(host: &'static str) -> HeaderMap {
        [(header::HOST, HeaderValue::from_static(host))].into_iter().collect()
    }

    #[test]
    fn a_page_speaks_to_the_host_it_came_from() {
        let reach = Reach::SameHost { scheme: "https", port: 50051 };
        for (host, expected) in [
            ("sos.example.kz:8443", "https://sos.example.kz:50051"),
            ("sos.example.kz", "https://sos.example.kz:50051"),
            ("[::1]:8080", "https://[::1]:50051"),
            ("x; script-src *", "https://localhost:50051"),
        ] {
            assert_eq!(grpc(&reach, &asked(host)), expected);
        }
    }

    #[test]
    fn the_policy_lets_in_the_contract_and_the_tiles_only() {
        let console = Console {
            grpc: Reach::At("http://127.0.0.1:50051".to_owned()),
            auth: "none",
            tiles: "https://{s}.tile.example/{z}/{x}/{y}.png".to_owned(),
            attribution: String::new(),
        };
        let policy = policy(&console, &asked("localhost"));
        assert!(policy.contains("img-src 'self' data: https://*.tile.example;"), "{policy}");
        assert!(policy.contains("connect-src 'self' http://127.0.0.1:50051;"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}
