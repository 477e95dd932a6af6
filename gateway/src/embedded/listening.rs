//! Where the embedded broker listens, and what it bears.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use rmqtt::net::{Builder, Listener};
use socket2::{Domain, Socket};
use sos_auth::tls::ServerFiles;

use crate::access::Auth;
use crate::ingest::PAYLOAD_BYTES_MAX;

/// Largest MQTT packet, in bytes; the connection that sends a larger one is closed. Room beyond the payload
/// lets a payload over its own limit be quarantined instead (P3).
const PACKET_BYTES_MAX: u32 = 2 * PAYLOAD_BYTES_MAX as u32;

/// Connections at one time; further ones are refused.
const CONNECTIONS_MAX: usize = 110_000;

/// Connections that have not said who they are; further ones are closed.
const HANDSHAKING_MAX: usize = 16_384;

/// Longest client id: site, separator, device.
const CLIENT_ID_BYTES_MAX: usize = 256;

/// Subscriptions of one session.
const SUBSCRIPTIONS_MAX: usize = 64;

/// Messages in flight to one device; further ones wait.
const IN_FLIGHT_MAX: NonZeroU16 = NonZeroU16::new(16).expect("not zero");

/// Messages that wait for a slow device; further ones are dropped.
const QUEUED_MAX: usize = 1_000;

/// Time for a connection to say who it is.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the session of a device that went is kept.
const SESSION_EXPIRY: Duration = Duration::from_secs(2 * 60 * 60);

/// Listens, through TLS where there are files for it.
pub(super) fn listen(
    address: SocketAddr,
    reserved: bool,
    auth: Auth,
    tls: Option<&ServerFiles>,
) -> Result<Listener, String> {
    let mut builder = Builder::new()
        .name("sos")
        .laddr(address)
        .nodelay(true)
        .reuseaddr(Some(true))
        .reuseport(reserved.then_some(true))
        .max_connections(CONNECTIONS_MAX)
        .max_handshaking_limit(HANDSHAKING_MAX)
        .max_packet_size(PACKET_BYTES_MAX)
        // Every connection passes our check, which looks at the last will.
        .allow_anonymous(false)
        .max_inflight(IN_FLIGHT_MAX)
        .max_mqueue_len(QUEUED_MAX)
        .max_clientid_len(CLIENT_ID_BYTES_MAX)
        .max_subscriptions(SUBSCRIPTIONS_MAX)
        .handshake_timeout(HANDSHAKE_TIMEOUT)
        .session_expiry_interval(SESSION_EXPIRY)
        .max_session_expiry_interval(SESSION_EXPIRY);
    let Some(files) = tls else { return builder.bind().map_err(|e| e.to_string()) };
    let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
    builder = builder.tls_cert(Some(text(&files.cert))).tls_key(Some(text(&files.key)));
    if let Some(client_ca) = &files.client_ca {
        let by_certificate = auth == Auth::Certificate;
        builder = builder
            .tls_cross_certificate(true)
            .tls_client_ca_certs(Some(text(client_ca)))
            .collect_cert_info(true)
            .cert_cn_as_username(by_certificate);
    }
    builder.bind().and_then(Listener::tls).map_err(|e| e.to_string())
}

/// Holds a free port until the broker, which cannot tell which one it was given, has bound it.
pub(super) fn reserve(listen: SocketAddr) -> std::io::Result<Option<Socket>> {
    if listen.port() != 0 {
        return Ok(None);
    }
    let socket = Socket::new(Domain::for_address(listen), socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&listen.into())?;
    Ok(Some(socket))
}

pub(super) fn local_address(socket: &Socket) -> std::io::Result<SocketAddr> {
    socket.local_addr()?.as_socket().ok_or_else(|| std::io::Error::other("not an internet address"))
}
