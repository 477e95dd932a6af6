//! Connections of operators: bounded in number, in all and from one address, and through TLS where that is wanted.
//!
//! Invariant: a connection that says nothing is gone after a while, and holds up no other (P10).

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use futures::stream::unfold;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use crate::caller::Caller;
use crate::guard::Proof;
use crate::reload::Current;
use crate::tls;

/// Time for a connection to say its first word, which with TLS is the whole handshake.
const FIRST_WORD: Duration = Duration::from_secs(10);

/// Time from there to the first request.
const FIRST_REQUEST: Duration = Duration::from_secs(20);

/// Connections that have not said it yet; further ones wait to be taken.
const SILENT_MAX: usize = 1_024;

/// How many connections there may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// In all.
    pub connections: usize,
    /// From one address.
    pub per_address: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 8_192, per_address: 2_048 }
    }
}

/// Who is at the other end.
#[derive(Debug, Clone)]
pub struct Peer {
    /// From where.
    pub address: SocketAddr,
    /// Whom their certificate names.
    pub caller: Option<Caller>,
    /// Whether they have asked anything yet.
    asked: Arc<AtomicBool>,
}

impl Peer {
    fn new(address: SocketAddr, caller: Option<Caller>) -> Self {
        Self { address, caller, asked: Arc::default() }
    }

    /// They ask something.
    pub(crate) fn asks(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }
}

/// A connection that has said something.
#[derive(Debug)]
pub struct Connection {
    stream: Transport,
    peer: Peer,
    /// Until the first request.
    patience: Option<Pin<Box<Sleep>>>,
    _place: Place,
}

impl Connection {
    fn new(stream: Transport, peer: Peer, place: Place) -> Self {
        Self { stream, peer, patience: Some(Box::pin(sleep(FIRST_REQUEST))), _place: place }
    }

    /// Gives up on who has asked nothing for too long: bytes that come to no request are worth nothing.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Some(patience) = &mut self.patience else { return Ok(()) };
        if self.peer.asked.load(Ordering::Relaxed) {
            self.patience = None;
            return Ok(());
        }
        match patience.as_mut().poll(cx) {
            Poll::Pending => Ok(()),
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

#[derive(Debug)]
enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Where operators come in.
#[derive(Debug)]
pub struct Door {
    /// Where it listens.
    pub listener: TcpListener,
    /// What TLS needs. Absent: there is none.
    pub tls: Option<Current<ServerConfig>>,
    /// How they prove who they are.
    pub proof: Proof,
    /// Web origins whose pages may ask, as [`origin::parse`](crate::origin::parse) gives them.
    pub origins: Vec<String>,
    /// How many connections there may be.
    pub limits: Limits,
}

impl From<TcpListener> for Door {
    /// An open door, though not for browsers.
    fn from(listener: TcpListener) -> Self {
        Self { listener, tls: None, proof: Proof::None, origins: Vec::new(), limits: Limits::default() }
    }
}

/// Connections as they come, for as long as the stream is polled.
pub fn incoming(
    listener: TcpListener,
    tls: Option<Current<ServerConfig>>,
    limits: Limits,
) -> impl Stream<Item = io::Result<Connection>> {
    let places = Arc::new(Places { limits, taken: Mutex::default() });
    let door = (listener, tls, places, JoinSet::new());
    unfold(door, |(listener, tls, places, mut greeted)| async move {
        loop {
            tokio::select! {
                Some(done) = greeted.join_next(), if !greeted.is_empty() => {
                    if let Ok(Some(connection)) = done {
                        return Some((Ok(connection), (listener, tls, places, greeted)));
                    }
                }
                accepted = listener.accept(), if greeted.len() < SILENT_MAX => match accepted {
                    Ok((stream, address)) => {
                        let Some(place) = places.take(address.ip()) else { continue };
                        let tls = tls.as_ref().map(|tls| Arc::clone(&tls.borrow()));
                        greeted.spawn(async move {
                            timeout(FIRST_WORD, greet(stream, address, tls, place)).await.ok().flatten()
                        });
                    }
                    // Too many files are open, or the other side has gone: the next one may do.
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be taken");
                        sleep(Duration::from_millis(50)).await;
                    }
                }
            }
        }
    })
}

/// Hears the first word.
async fn greet(
    stream: TcpStream,
    address: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    place: Place,
) -> Option<Connection> {
    stream.set_nodelay(true).ok()?;
    let Some(config) = tls else {
        stream.peek(&mut [0]).await.ok().filter(|count| *count > 0)?;
        return Some(Connection::new(Transport::Plain(stream), Peer::new(address, None), place));
    };
    let stream = match TlsAcceptor::from(config).accept(stream).await {
        Ok(stream) => Box::new(stream),
        Err(error) => {
            metrics::counter!("sos_auth_denied_total", "reason" => "tls").increment(1);
            tracing::debug!(%address, %error, "no TLS");
            return None;
        }
    };
    let caller = stream.get_ref().1.peer_certificates().and_then(|chain| tls::operator(chain.first()?));
    Some(Connection::new(Transport::Tls(stream), Peer::new(address, caller), place))
}

/// Counts connections.
#[derive(Debug)]
struct Places {
    limits: Limits,
    taken: Mutex<(usize, HashMap<IpAddr, usize>)>,
}

/// Held by a connection.
#[derive(Debug)]
struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, of_address) = &mut *taken;
        let here = of_address.entry(address).or_default();
        if *all >= self.limits.connections || *here >= self.limits.per_address {
            if *here == 0 {
                of_address.remove(&address);
            }
            metrics::counter!("sos_auth_denied_total", "reason" => "connections").increment(1);
            return None;
        }
        *all += 1;
        *here += 1;
        Some(Place { places: Arc::clone(self), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, of_address) = &mut *taken;
        *all = all.saturating_sub(1);
        if let Some(here) = of_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                of_address.remove(&self.address);
            }
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.poll_patience(cx)?;
        match &mut this.stream {
            Transport::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Transport::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Transport::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Transport::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Transport::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Transport::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Transport::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_asks_nothing_is_let_go_and_who_asks_may_stay() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut taken = Box::pin(incoming(listener, None, Limits::default()));
        for asks in [false, true] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"x").await.unwrap();
            let mut connection = taken.next().await.unwrap().unwrap();
            connection.read_u8().await.unwrap();
            if asks {
                connection.connect_info().asks();
            }
            let waited = timeout(10 * FIRST_REQUEST, connection.read_u8()).await;
            assert_eq!(waited.is_err(), asks, "{waited:?}");
        }
    }

    #[tokio::test]
    async fn who_says_nothing_holds_up_nobody_and_one_address_does_not_take_all() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut silent = Vec::new();
        for _ in 0..50 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"x").await.unwrap();
        let limits = Limits { connections: 1_000, per_address: 51 };
        let mut taken = Box::pin(incoming(listener, None, limits));
        let first = taken.next().await.unwrap().unwrap();
        assert_eq!(first.connect_info().address, stream.local_addr().unwrap());
        // The 52nd is let in only once another one has gone.
        let mut last = TcpStream::connect(address).await.unwrap();
        last.write_all(b"x").await.unwrap();
        assert!(timeout(Duration::from_millis(100), taken.next()).await.is_err());
        drop((first, stream));
        let mut again = TcpStream::connect(address).await.unwrap();
        again.write_all(b"x").await.unwrap();
        let second = taken.next().await.unwrap().unwrap();
        assert_eq!(second.connect_info().address, again.local_addr().unwrap());
    }
}
