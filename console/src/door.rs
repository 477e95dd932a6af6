//! Lets browsers and machines in: so many at once, and none that takes for ever to say what it wants or to hear the
//! answer.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;

/// Connections at one time; further ones wait to be taken.
const CONNECTIONS_MAX: usize = 512;

/// Connections from one address at one time; further ones are closed.
const PER_ADDRESS_MAX: usize = 256;

/// A connection is asked to end after so long: who asks more opens another one, and who does not read keeps no place …
const LIFE: Duration = Duration::from_secs(60);

/// … beyond so much longer for the answer under way.
const LAST_ANSWER: Duration = Duration::from_secs(10);

/// The same at shutdown.
const LEAVE: Duration = Duration::from_secs(1);

/// What TLS needs, as it is now; it should offer HTTP/1.1 only.
pub type Tls = watch::Receiver<Arc<rustls::ServerConfig>>;

/// Time for a client to send the head of a request, the next one included; and before that, for all of its handshake.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves until shutdown, then lets requests under way end.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    router: Router,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    let mut of_address = HashMap::<IpAddr, usize>::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            Some(ended) = connections.join_next(), if !connections.is_empty() => {
                if let Ok(address) = ended {
                    leave(&mut of_address, address);
                }
                continue;
            }
            accepted = take(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, peer, place)) => {
                let here = of_address.entry(peer.ip()).or_default();
                if *here >= PER_ADDRESS_MAX {
                    continue;
                }
                *here += 1;
                let (router, shutdown) = (router.clone(), shutdown.clone());
                let tls = tls.as_ref().map(|tls| Arc::clone(&tls.borrow()));
                connections.spawn(async move {
                    let _place = place;
                    match tls {
                        None => connection(stream, peer, router, shutdown).await,
                        Some(config) => {
                            let greeted = shutdown.run_until_cancelled(greet(stream, peer, config)).await;
                            if let Some(stream) = greeted.flatten() {
                                connection(stream, peer, router, shutdown).await;
                            }
                        }
                    }
                    peer.ip()
                });
            }
            Err(error) => {
                tracing::warn!(%error, "an HTTP connection could not be taken");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    while connections.join_next().await.is_some() {}
    Ok(())
}

/// Counts a connection no more.
fn leave(of_address: &mut HashMap<IpAddr, usize>, address: IpAddr) {
    if let Entry::Occupied(mut here) = of_address.entry(address) {
        *here.get_mut() -= 1;
        if *here.get() == 0 {
            here.remove();
        }
    }
}

/// The next connection, once there is a place for it.
async fn take(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

/// The handshake.
async fn greet(
    stream: TcpStream,
    peer: SocketAddr,
    config: Arc<rustls::ServerConfig>,
) -> Option<TlsStream<TcpStream>> {
    let greeted = timeout(HEAD_TIMEOUT, TlsAcceptor::from(config).accept(stream)).await;
    let greeted = greeted.map_err(io::Error::from).flatten();
    greeted.inspect_err(|error| tracing::debug!(%peer, %error, "no TLS")).ok()
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    router: Router,
    shutdown: CancellationToken,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let mut router = router.clone();
        async move { router.call(request.map(Body::new)).await.map_err(|error: Infallible| error) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    let patience = tokio::select! {
        // How it ended is the client's business.
        _ended = served.as_mut() => return,
        () = tokio::time::sleep(LIFE) => LAST_ANSWER,
        () = shutdown.cancelled() => LEAVE,
    };
    served.as_mut().graceful_shutdown();
    let _ended = timeout(patience, served).await;
}

#[cfg(test)]
mod tests {
    use rustls::server::ResolvesServerCertUsingSni;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    // P10: who begins no handshake does not keep a place for ever.
    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_to_tls_is_let_go() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = config.with_cert_resolver(Arc::new(ResolvesServerCertUsingSni::new()));
        let (_sender, tls) = watch::channel(Arc::new(config));
        let shutdown = CancellationToken::new();
        let mut served = JoinSet::new();
        served.spawn(serve(listener, Some(tls), Router::new(), shutdown.clone()));
        let mut silent = TcpStream::connect(address).await.unwrap();
        let ended = timeout(2 * HEAD_TIMEOUT, silent.read(&mut [0])).await;
        assert_eq!(ended.expect("it is let go").unwrap(), 0);
        // Nor does it hold up the end.
        let _silent = TcpStream::connect(address).await.unwrap();
        shutdown.cancel();
        assert!(timeout(HEAD_TIMEOUT / 2, served.join_next()).await.is_ok());
    }

    /// A connection that has asked for more than fits into any buffer, and reads nothing of it.
    async fn deaf(address: SocketAddr) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        stream.readable().await.unwrap();
        stream
    }

    // P10: who does not read keeps no place, and holds up no end.
    #[tokio::test]
    async fn who_does_not_read_is_let_go() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", axum::routing::get(async || vec![0_u8; 64 << 20]));
        let shutdown = CancellationToken::new();
        let mut served = JoinSet::new();
        served.spawn(serve(listener, None, router, shutdown.clone()));
        let _deaf = deaf(address).await;
        shutdown.cancel();
        assert!(timeout(5 * LEAVE, served.join_next()).await.is_ok());
    }

    // P10: one address does not take all places.
    #[tokio::test]
    async fn one_address_has_its_share_of_the_places() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", axum::routing::get(async || "here"));
        let mut served = JoinSet::new();
        served.spawn(serve(listener, None, router, CancellationToken::new()));
        let mut silent = Vec::new();
        for _ in 0..PER_ADDRESS_MAX {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let mut beyond = TcpStream::connect(address).await.unwrap();
        assert_eq!(beyond.read(&mut [0]).await.unwrap_or_default(), 0, "it is closed");
        // Once one has gone, another one may come.
        drop(silent.pop());
        let answered = async {
            loop {
                let mut next = TcpStream::connect(address).await.unwrap();
                next.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap_or_default();
                if next.read(&mut [0; 64]).await.unwrap_or_default() > 0 {
                    break;
                }
            }
        };
        timeout(HEAD_TIMEOUT / 2, answered).await.expect("there is a place again");
    }
}
