//! A bad network between anything and anything: a TCP proxy that delays, narrows, cuts, swallows and parts.
//! Chance grows from a seed.
//!
//! Invariant: bytes that are passed on are passed on in order; a connection is whole until it is cut.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// Bytes that are read at once.
const CHUNK: usize = 16 * 1024;

/// Chunks on their way in one direction; the sender is held up beyond that, as by a full pipe.
const CHUNKS_MAX: usize = 64;

/// How bad the network is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Network {
    /// Milliseconds that every byte takes, in each direction.
    pub latency_ms: u64,
    /// Up to so many milliseconds more.
    pub jitter_ms: u64,
    /// Kilobytes a second in each direction of a connection; 0 for no limit.
    pub kilobytes_per_s: u64,
    /// Chance of a connection to be cut in each second.
    pub reset: f64,
    /// Chance of a connection to be half open: it is taken, and nothing ever comes through.
    pub half_open: f64,
    /// Chance of a connection, in each second, that nothing comes back on it any more: acknowledgements are lost.
    pub mute: f64,
    /// Nothing comes through from this second on …
    pub partition_at_s: f64,
    /// … for so many seconds.
    pub partition_for_s: f64,
}

impl Network {
    /// What makes no sense: a flag, and why.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let chances = [("--reset", self.reset), ("--half-open", self.half_open), ("--mute", self.mute)];
        let wrong = chances.into_iter().find(|(_, chance)| !(0.0..=1.0).contains(chance));
        let times = [("--partition-at", self.partition_at_s), ("--partition-for", self.partition_for_s)];
        let late = times.into_iter().find(|(_, seconds)| !(0.0..=1e6).contains(seconds));
        wrong
            .map(|(flag, chance)| format!("{flag}: {chance} is not from 0 to 1"))
            .or_else(|| late.map(|(flag, seconds)| format!("{flag}: {seconds} is not from 0 to 1,000,000")))
    }

    /// When what was read at a moment may be passed on.
    fn due(&self, read: Instant, start: Instant, chance: &mut fastrand::Rng) -> Instant {
        let jitter = if self.jitter_ms == 0 { 0 } else { chance.u64(0..=self.jitter_ms) };
        let due = read + Duration::from_millis(self.latency_ms + jitter);
        let begin = start + Duration::from_secs_f64(self.partition_at_s);
        let end = begin + Duration::from_secs_f64(self.partition_for_s);
        if due >= begin && due < end { end } else { due }
    }
}

/// Passes on what comes to `listener` to `target`, until shutdown.
///
/// # Errors
/// If nobody can be let in any more.
pub async fn run(
    listener: TcpListener,
    target: SocketAddr,
    network: Network,
    seed: u64,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let start = Instant::now();
    let mut connections = JoinSet::new();
    for number in 0_u64.. {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        let (near, _) = accepted?;
        let (network, chance) = (network.clone(), fastrand::Rng::with_seed(seed.wrapping_add(number)));
        connections.spawn(connection(near, target, network, chance, start));
    }
    connections.shutdown().await;
    Ok(())
}

async fn connection(
    near: TcpStream,
    target: SocketAddr,
    network: Network,
    mut chance: fastrand::Rng,
    start: Instant,
) {
    if chance.f64() < network.half_open {
        swallow(near).await;
        return;
    }
    let Ok(far) = TcpStream::connect(target).await else { return };
    let _swift = near.set_nodelay(true).and_then(|()| far.set_nodelay(true)).is_ok();
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    let (there, back) = (chance.fork(), chance.fork());
    let (cut, muted) = (strikes(network.reset, chance.fork()), strikes(network.mute, chance));
    let answers = async {
        let (mut far_in, mut near_out) = (far_in, near_out);
        tokio::select! {
            () = muted => swallow(&mut far_in).await,
            () = pass(&mut far_in, &mut near_out, &network, back, start) => {}
        }
    };
    tokio::select! {
        () = cut => {}
        () = pass(near_in, far_out, &network, there, start) => {}
        () = answers => {}
    }
}

/// Waits for a misfortune that has this chance in each second.
async fn strikes(probability: f64, mut chance: fastrand::Rng) {
    loop {
        sleep(Duration::from_secs(1)).await;
        if chance.f64() < probability {
            return;
        }
    }
}

/// Takes everything and gives nothing, as a machine does that has forgotten the connection.
async fn swallow(mut from: impl AsyncRead + Unpin) {
    let mut bytes = vec![0; CHUNK];
    while matches!(from.read(&mut bytes).await, Ok(1..)) {}
}

/// One direction, until its end.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    network: &Network,
    mut chance: fastrand::Rng,
    start: Instant,
) {
    let (chunks, mut arriving) = mpsc::channel::<(Instant, Vec<u8>)>(CHUNKS_MAX);
    // The end of reading is the end of the chunks, and then of writing.
    let read = async move {
        let mut free = Instant::now();
        loop {
            let mut bytes = vec![0; CHUNK];
            let Ok(count @ 1..) = from.read(&mut bytes).await else { return };
            bytes.truncate(count);
            let now = Instant::now();
            // A narrow pipe is taken up by each byte for a while.
            let taken = (count as u64 * 1_000).checked_div(network.kilobytes_per_s).unwrap_or(0);
            free = free.max(now) + Duration::from_micros(taken);
            let due = network.due(free, start, &mut chance);
            if chunks.send((due, bytes)).await.is_err() {
                return;
            }
        }
    };
    let write = async {
        while let Some((due, bytes)) = arriving.recv().await {
            sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(read, write);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An echo that takes longer will not come.
    const ECHO_TIME_MAX: Duration = Duration::from_secs(3);

    /// An echo, and a proxy in front of it.
    async fn proxied(network: Network) -> (SocketAddr, JoinSet<()>) {
        let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (target, address) = (echo.local_addr().unwrap(), listener.local_addr().unwrap());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut echoes = JoinSet::new();
            while let Ok((mut stream, _)) = echo.accept().await {
                echoes.spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ended = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        tasks
            .spawn(async move { run(listener, target, network, 1, CancellationToken::new()).await.unwrap() });
        (address, tasks)
    }

    async fn echoed(address: SocketAddr, bytes: usize) -> io::Result<Duration> {
        let mut stream = TcpStream::connect(address).await?;
        let sent: Vec<u8> = (0..bytes).map(|n| n as u8).collect();
        let begin = Instant::now();
        stream.write_all(&sent).await?;
        let mut back = vec![0; bytes];
        stream.read_exact(&mut back).await?;
        assert!(back == sent, "the bytes are the same and in order");
        Ok(begin.elapsed())
    }

    #[tokio::test]
    async fn bytes_come_through_late_and_in_order() {
        let (address, _tasks) =
            proxied(Network { latency_ms: 30, jitter_ms: 10, ..Network::default() }).await;
        assert!(echoed(address, 100_000).await.unwrap() >= Duration::from_millis(60));
        let (narrow, _tasks) = proxied(Network { kilobytes_per_s: 100, ..Network::default() }).await;
        assert!(echoed(narrow, 20_000).await.unwrap() >= Duration::from_millis(200));
    }

    #[tokio::test]
    async fn a_partition_holds_everything_back_and_ends() {
        let parted = Network { partition_at_s: 0.0, partition_for_s: 0.3, ..Network::default() };
        let begin = Instant::now();
        let (address, _tasks) = proxied(parted).await;
        echoed(address, 10).await.unwrap();
        assert!(begin.elapsed() >= Duration::from_millis(300));
    }

    #[tokio::test]
    async fn connections_are_cut_or_never_answer() {
        let (address, _tasks) =
            proxied(Network { reset: 1.0, latency_ms: 5_000, ..Network::default() }).await;
        assert!(echoed(address, 10).await.is_err());
        let (half_open, _tasks) = proxied(Network { half_open: 1.0, ..Network::default() }).await;
        let waited = tokio::time::timeout(Duration::from_millis(300), echoed(half_open, 10)).await;
        assert!(waited.is_err(), "nothing comes back");
        let (mute, _tasks) = proxied(Network { mute: 1.0, ..Network::default() }).await;
        let mut stream = TcpStream::connect(mute).await.unwrap();
        let mut echo = [0];
        let answers = async {
            loop {
                stream.write_all(b"a").await.unwrap();
                let Ok(read) = tokio::time::timeout(ECHO_TIME_MAX, stream.read_exact(&mut echo)).await else {
                    return;
                };
                read.unwrap();
            }
        };
        answers.await;
        let still_open = tokio::time::timeout(Duration::from_millis(50), stream.read(&mut echo)).await;
        assert!(still_open.is_err(), "it is silent, and not closed");
        let wrong = Network { half_open: 2.0, ..Network::default() };
        assert!(wrong.fault().unwrap().starts_with("--half-open: "));
    }
}
