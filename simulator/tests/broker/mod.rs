//! A real broker (Debian's mosquitto) and somebody who listens to it.

use std::io::{BufRead, BufReader, ErrorKind};
use std::net::TcpListener;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, Publish};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use tempfile::TempDir;
use tokio::time::timeout;

/// No step of a test takes this long; a test that waits longer has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Everything that call points say.
const FILTER: &str = "sos/v1/#";

/// A topic of no call point; what is heard there comes after everything published before.
const LAST: &str = "sos/v1/last";

/// A running broker; killed when dropped.
pub struct Mosquitto {
    child: Child,
    _stderr: BufReader<ChildStderr>,
    _files: TempDir,
}

impl Mosquitto {
    /// Starts a broker and returns when it listens.
    pub fn start(port: u16) -> Self {
        let files = tempfile::tempdir().unwrap();
        let config = files.path().join("mosquitto.conf");
        let settings = "allow_anonymous true\nmax_queued_messages 0\n\
                        log_dest stderr\nlog_type information\nconnection_messages false\n";
        std::fs::write(&config, format!("listener {port} 127.0.0.1\n{settings}")).unwrap();
        let spawn = |binary| Command::new(binary).arg("-c").arg(&config).stderr(Stdio::piped()).spawn();
        let mut child = match spawn("mosquitto") {
            Err(e) if e.kind() == ErrorKind::NotFound => spawn("/usr/sbin/mosquitto"),
            result => result,
        }
        .unwrap_or_else(|e| panic!("cannot start mosquitto (Debian package mosquitto): {e}"));
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains(" running") {
            let more = stderr.read_line(&mut said).unwrap();
            assert!(more > 0, "mosquitto ended: {said}");
        }
        Self { child, _stderr: stderr, _files: files }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Hears everything that call points say.
pub struct Listener {
    client: AsyncClient,
    event_loop: EventLoop,
}

impl Listener {
    /// Returns when the broker has confirmed the subscription.
    pub async fn subscribe(port: u16) -> Self {
        let options = MqttOptions::new("listener", "127.0.0.1", port);
        let (client, event_loop) = AsyncClient::new(options, 10);
        client.subscribe(FILTER, QoS::AtLeastOnce).await.unwrap();
        let mut listener = Self { client, event_loop };
        while !matches!(listener.next().await, Packet::SubAck(_)) {}
        listener
    }

    /// The next message.
    pub async fn hear(&mut self) -> Publish {
        loop {
            if let Packet::Publish(publish) = self.next().await {
                return publish;
            }
        }
    }

    /// Everything that was published since, and certainly nothing is missing.
    pub async fn hear_all(&mut self) -> Vec<Publish> {
        self.client.publish(LAST, QoS::AtLeastOnce, false, "").await.unwrap();
        let mut heard = Vec::new();
        loop {
            let publish = self.hear().await;
            if publish.topic == LAST {
                return heard;
            }
            heard.push(publish);
        }
    }

    async fn next(&mut self) -> Packet {
        loop {
            let event = timeout(PATIENCE, self.event_loop.poll()).await.expect("nothing heard").unwrap();
            if let Event::Incoming(packet) = event {
                return packet;
            }
        }
    }
}
