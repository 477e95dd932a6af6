//! Servers that a command speaks to.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use sos_eventlog::clock;
use sos_proto::link::{self, Bearer, Link};
use sos_proto::time::{self, Timestamp};
use tonic::Request;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

use crate::cli::AccessArgs;

/// Time to reach a server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Time between two signs of life on a connection.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Connects to `host:port`. The files of `access` are read each time: a token may be a new one.
///
/// # Errors
/// If nobody is there, or a file cannot be read.
pub async fn connect(address: &str, access: &AccessArgs) -> anyhow::Result<Link> {
    let (scheme, tls) = match tls(access)? {
        Some(tls) => ("https", Some(tls)),
        None => ("http", None),
    };
    let bearer = bearer(access)?;
    if bearer.is_some() && tls.is_none() && !is_here(address).await {
        anyhow::bail!("--token-file: without --ca the token would cross the network for everybody to read");
    }
    let mut endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
        .with_context(|| format!("--grpc: {address:?} is no host:port"))?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true);
    if let Some(tls) = tls {
        endpoint = endpoint.tls_config(tls).context("--ca, --cert, --key")?;
    }
    let channel = endpoint.connect().await.map_err(|error| {
        // tonic says the same thing once for each of its layers; the innermost is the one to know.
        let error = anyhow::Error::from(error);
        anyhow::anyhow!("nobody answers at {address} ({}): is `sos up` running?", error.root_cause())
    })?;
    Ok(bearer.unwrap_or_default().over(channel))
}

fn tls(access: &AccessArgs) -> anyhow::Result<Option<ClientTlsConfig>> {
    let Some(ca) = &access.ca else { return Ok(None) };
    let read = |flag: &str, path: &std::path::Path| {
        fs::read(path).with_context(|| format!("{flag}: cannot read {}", path.display()))
    };
    let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read("--ca", ca)?));
    if let (Some(cert), Some(key)) = (&access.cert, &access.key) {
        tls = tls.identity(Identity::from_pem(read("--cert", cert)?, read("--key", key)?));
    }
    Ok(Some(tls))
}

fn bearer(access: &AccessArgs) -> anyhow::Result<Option<Bearer>> {
    let Some(path) = &access.token_file else { return Ok(None) };
    let token = fs::read_to_string(path);
    let token = token.with_context(|| format!("--token-file: cannot read {}", path.display()))?;
    let bearer = Bearer::new(token.trim());
    bearer.map(Some).with_context(|| format!("--token-file: {}", path.display()))
}

async fn is_here(address: &str) -> bool {
    let found = tokio::net::lookup_host(address).await;
    found.is_ok_and(|mut found| found.all(|address| address.ip().is_loopback()))
}

/// The time so much later than now.
pub fn after(length: jiff::SignedDuration) -> Timestamp {
    let micros = i64::try_from(length.as_micros()).unwrap_or(time::MICROS_MAX);
    time::timestamp(clock::now().saturating_add(micros).min(time::MICROS_MAX))
}

/// The id of a request that nobody made before.
pub fn request_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// A request in an operator's name.
///
/// # Errors
/// If the name cannot be sent.
pub fn signed<T>(operator: &str, message: T) -> anyhow::Result<Request<T>> {
    link::signed(operator, message).context("--as")
}

/// What a server answered instead of an answer, in words.
pub fn refused(status: &tonic::Status) -> anyhow::Error {
    anyhow::anyhow!("{} ({:?})", reason(status), status.code())
}

/// Why there is no answer. What does not come from the server but from the way to it most likely means TLS on one side only.
pub fn reason(status: &tonic::Status) -> String {
    let said = status.message();
    if std::error::Error::source(status).is_some() {
        return format!("{said}: if the server has TLS, say --ca FILE; if it has none, leave that out");
    }
    said.to_owned()
}
