//! The server under test: on a real disk, killed as a power cut does it, and started again on the same ports.
//!
//! Not the judge of anything. Invariant: nobody else is given its ports while it is down.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sos_tests::Server;
use tokio::sync::Mutex;

/// Ports below those that systems give to outgoing connections: one of the thousands of call points that try again
/// would otherwise come to sit on the port of a server that is down.
const PORTS: std::ops::Range<u16> = 10_000..30_000;

/// The server, and what became of it so far.
pub struct House {
    /// Where the log is.
    pub data: PathBuf,
    /// Where call points connect.
    pub mqtt: String,
    /// Where operators are answered.
    pub grpc: String,
    /// Where browsers find the console.
    pub http: String,
    config: PathBuf,
    server: Mutex<Option<Server>>,
    /// How long each start after a kill took, until it was ready.
    starts: Mutex<Vec<Duration>>,
    /// Held by who must not be disturbed by a kill.
    pub calm: Mutex<()>,
}

impl House {
    /// Starts it on a directory of its own.
    pub async fn open(dir: &Path) -> Self {
        let config = dir.join("sos.toml");
        // Alerts escalate by default; only the words of the log are fewer.
        std::fs::write(&config, "[telemetry]\nlog = \"error\"\n").unwrap();
        let [mqtt, grpc, http] = [(); 3].map(|()| format!("127.0.0.1:{}", kept_port()));
        let (server, starts, calm) = (Mutex::new(None), Mutex::default(), Mutex::default());
        let house = Self { data: dir.join("data"), mqtt, grpc, http, config, server, starts, calm };
        *house.server.lock().await = Some(house.start().await);
        house
    }

    async fn start(&self) -> Server {
        let [config, data] = [&self.config, &self.data].map(|path| path.to_str().unwrap());
        let ports = ["--mqtt", &self.mqtt, "--grpc", &self.grpc, "--http", &self.http];
        Server::start(&[&["up", "--config", config, "--data", data], &ports[..]].concat()).await
    }

    /// `kill -9`, and a start at once.
    pub async fn kill(&self) {
        let _calm = self.calm.lock().await;
        let mut server = self.server.lock().await;
        server.take().unwrap().kill();
        let begin = Instant::now();
        *server = Some(self.start().await);
        self.starts.lock().await.push(begin.elapsed());
    }

    /// How long the starts after the kills took.
    pub async fn starts(&self) -> Vec<Duration> {
        self.starts.lock().await.clone()
    }

    /// Resident memory in bytes.
    pub async fn memory(&self) -> u64 {
        self.server.lock().await.as_ref().unwrap().memory()
    }

    /// Ends it as an administrator does; answers with its exit code.
    pub async fn close(&self) -> Option<i32> {
        self.server.lock().await.take().unwrap().terminate().await.0
    }

    /// Bytes of its directory.
    pub fn disk(&self) -> u64 {
        bytes(&self.data)
    }
}

fn bytes(dir: &Path) -> u64 {
    // What is tidied away meanwhile counts nothing.
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => bytes(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

/// A free port to keep.
pub fn kept_port() -> u16 {
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    std::iter::repeat_with(|| fastrand::u16(PORTS)).take(1_000).find(free).unwrap()
}
