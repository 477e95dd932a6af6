//! What browsers are told about pages of other origins than this port's own, which every page is: the console comes
//! from the HTTP port.
//!
//! It protects nobody: it lets a browser show the answer to those pages that the guard answers. It stands in front
//! of the guard, since a browser asks first without saying who it is.

use std::time::Duration;

use tonic::codegen::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// For how long a browser need not ask again; Chrome asks after 2 hours all the same.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// What clients of gRPC-Web and Connect send, beside who they are and which trace it belongs to.
const ALLOWED: [HeaderName; 9] = [
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    HeaderName::from_static("sos-operator"),
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-user-agent"),
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("connect-protocol-version"),
    HeaderName::from_static("connect-timeout-ms"),
    HeaderName::from_static("traceparent"),
];

/// What an answer without a message says in its head.
const EXPOSED: [HeaderName; 3] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
];

/// Pages of these origins may call, with certificates too.
pub(crate) fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::POST])
        .allow_headers(ALLOWED)
        .expose_headers(EXPOSED)
        .allow_credentials(true)
        .max_age(MAX_AGE)
}
