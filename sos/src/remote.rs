//! Servers that a command speaks to.

use std::time::Duration;

use anyhow::Context as _;
use sos_eventlog::clock;
use sos_proto::time::{self, Timestamp};
use tonic::Request;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};

/// Time to reach a server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Time between two signs of life on a connection.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Connects to `host:port`.
///
/// # Errors
/// If nobody is there.
pub async fn connect(address: &str) -> anyhow::Result<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))
        .with_context(|| format!("--grpc: {address:?} is no host:port"))?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true);
    endpoint.connect().await.map_err(|error| {
        // tonic says the same thing once for each of its layers; the innermost is the one to know.
        let error = anyhow::Error::from(error);
        anyhow::anyhow!("nobody answers at {address} ({}): is `sos up` running?", error.root_cause())
    })
}

/// The time so much later than now.
pub fn after(length: jiff::SignedDuration) -> Timestamp {
    let micros = i64::try_from(length.as_micros()).unwrap_or(time::MICROS_MAX);
    time::timestamp(clock::now().saturating_add(micros).min(time::MICROS_MAX))
}

/// A request in an operator's name, which may be in any script.
///
/// # Errors
/// If the name cannot be sent.
pub fn signed<T>(operator: &str, message: T) -> anyhow::Result<Request<T>> {
    let mut request = Request::new(message);
    let name = MetadataValue::try_from(operator.as_bytes())
        .map_err(|_| anyhow::anyhow!("--as: {operator:?} cannot be sent as a name"))?;
    request.metadata_mut().insert("sos-operator", name);
    Ok(request)
}

/// What a server answered instead of an answer, in words.
pub fn refused(status: &tonic::Status) -> anyhow::Error {
    anyhow::anyhow!("{} ({:?})", status.message(), status.code())
}
