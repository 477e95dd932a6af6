//! Debian's Mosquitto: the broker beside the gateway, and the device on the wire.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::authority::Authority;
use crate::{DEADLINE, eventually, free_port};

/// Runs `mosquitto_pub` to its end.
///
/// # Panics
/// If it is not installed.
#[must_use]
pub fn publish(port: u16, topic: &str, args: &[&str]) -> Output {
    Command::new("mosquitto_pub")
        .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-q", "1", "-t", topic])
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("mosquitto_pub (Debian package mosquitto-clients)")
}

/// Publishes one message and expects it to be acknowledged.
///
/// # Panics
/// If it is not.
pub fn publish_acknowledged(port: u16, topic: &str, message: &str) {
    let output = publish(port, topic, &["-m", message]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A message that a listener received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Whether the broker had kept it.
    pub retained: bool,
    /// Its topic.
    pub topic: String,
    /// Its body.
    pub payload: String,
}

/// `mosquitto_sub` as a process.
pub struct Listener {
    _process: Killed,
    messages: mpsc::Receiver<Message>,
    /// Messages that nobody has asked for yet.
    waiting: VecDeque<Message>,
}

impl Listener {
    /// Subscribes, and waits until the broker has confirmed it.
    ///
    /// # Panics
    /// If it does not.
    pub async fn subscribe(port: u16, filter: &str) -> Self {
        Self::subscribe_with(port, filter, &[]).await
    }

    /// The same with further arguments of `mosquitto_sub`.
    ///
    /// # Panics
    /// If it is not confirmed.
    pub async fn subscribe_with(port: u16, filter: &str, more: &[&str]) -> Self {
        // Its lines must not wait in a buffer.
        let mut child = Command::new("stdbuf")
            .args(["-oL", "mosquitto_sub"])
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &port.to_string(),
                "-q",
                "1",
                "-t",
                filter,
                "-d",
                "-F",
                "\u{1}%r %t %p",
            ])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map(Killed)
            .expect("stdbuf (Debian package coreutils) and mosquitto_sub (mosquitto-clients)");
        let lines = BufReader::new(child.0.stdout.take().expect("its output")).split(b'\n');
        let (sender, messages) = mpsc::channel(10_000);
        let (subscribed, mut confirmed) = mpsc::channel(1);
        // Ends with the process, whose end closes its output.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // A body may be anything.
                let line = String::from_utf8_lossy(&line);
                if line.starts_with("Subscribed ") {
                    let _ = subscribed.try_send(());
                }
                if let Some(message) = parse(&line) {
                    let _ = sender.blocking_send(message);
                }
            }
        });
        timeout(DEADLINE, confirmed.recv()).await.expect("a SUBACK in time").expect("a SUBACK");
        Self { _process: child, messages, waiting: VecDeque::new() }
    }

    /// The next message on a topic that ends so; others wait until they are asked for.
    ///
    /// # Panics
    /// If none comes.
    pub async fn next(&mut self, topic_end: &str) -> Message {
        let fits = |message: &Message| message.topic.ends_with(topic_end);
        if let Some(message) = self.waiting.iter().position(fits).and_then(|at| self.waiting.remove(at)) {
            return message;
        }
        let next = async {
            loop {
                let message = self.messages.recv().await.expect("mosquitto_sub goes on");
                if fits(&message) {
                    return message;
                }
                self.waiting.push_back(message);
            }
        };
        timeout(DEADLINE, next).await.unwrap_or_else(|_| panic!("no message on …{topic_end}"))
    }
}

fn parse(line: &str) -> Option<Message> {
    let mut parts = line.strip_prefix('\u{1}')?.splitn(3, ' ');
    let retained = parts.next()? == "1";
    Some(Message { retained, topic: parts.next()?.to_owned(), payload: parts.next()?.to_owned() })
}

/// A bare MQTT 3.1.1 connection of a call point, with a last will, that does not come back by itself.
pub struct Connection(TcpStream);

impl Connection {
    /// Connects and waits for the CONNACK. A connection of the same client id is taken over.
    ///
    /// # Panics
    /// If it is refused.
    #[must_use]
    pub fn open(port: u16, client_id: &str, will_topic: &str, will: &str) -> Self {
        const CLEAN_WILL_AT_LEAST_ONCE: u8 = 0b0000_1110;
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the broker answers");
        let head = [&text("MQTT")[..], &[4, CLEAN_WILL_AT_LEAST_ONCE, 0, 60]].concat();
        let body = [head, text(client_id), text(will_topic), text(will)].concat();
        stream.write_all(&packet(0x10, &body)).expect("CONNECT");
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).expect("CONNACK");
        assert_eq!(answer, [0x20, 2, 0, 0], "CONNACK");
        Self(stream)
    }

    /// Publishes at QoS 1 and waits for the PUBACK.
    ///
    /// # Panics
    /// If there is none.
    pub fn publish(&mut self, topic: &str, message: &str) {
        let body = [text(topic), vec![0, 1], message.as_bytes().to_vec()].concat();
        self.0.write_all(&packet(0x32, &body)).expect("PUBLISH");
        let mut answer = [0; 4];
        self.0.read_exact(&mut answer).expect("PUBACK");
        assert_eq!(answer, [0x40, 2, 0, 1], "PUBACK");
    }
}

fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("a short text");
    [&length.to_be_bytes(), text.as_bytes()].concat()
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let low = u8::try_from(body.len() % 128).expect("less than 128");
    let length = match body.len() / 128 {
        0 => vec![low],
        high => vec![low | 0x80, u8::try_from(high).expect("a short packet")],
    };
    [&[kind][..], &length, body].concat()
}

/// A Mosquitto of our own; killed when dropped.
pub struct Mosquitto {
    _process: Killed,
    /// Where it listens.
    pub port: u16,
    /// Where it listens for the gateway.
    pub inside: u16,
}

impl Mosquitto {
    /// Starts it with its state in a directory, and waits until it answers.
    ///
    /// # Panics
    /// If it does not.
    pub async fn start(dir: &Path, port: Option<u16>) -> Self {
        let port = port.unwrap_or_else(free_port);
        let config = dir.join("mosquitto.conf");
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {}/\n\
             max_queued_messages 0\nautosave_interval 1\nautosave_on_changes true\nuser root\n",
            dir.display()
        );
        std::fs::write(&config, text).expect("a configuration");
        Self { _process: run(&config, port).await, port, inside: port }
    }

    /// Starts it with the configuration that we ship, with certificates of an authority.
    ///
    /// # Panics
    /// If it does not answer.
    pub async fn shipped(dir: &Path, authority: &Authority) -> Self {
        let (inside, port) = (free_port(), free_port());
        let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
        let text = std::fs::read_to_string(deploy.join("mosquitto.conf")).expect("the file that we ship");
        for name in ["sos-gateway.acl", "sos-call-points.acl"] {
            std::fs::copy(deploy.join(name), dir.join(name)).expect("a file that we ship");
        }
        let here = dir.to_str().expect("a plain path");
        let text = text
            .replace("listener 1883", &format!("listener {inside}"))
            .replace("listener 8883", &format!("listener {port}"))
            .replace("/etc/mosquitto/certs/", &authority.file(""))
            .replace("/etc/mosquitto", here)
            .replace("/var/lib/mosquitto", here);
        let config = dir.join("mosquitto.conf");
        std::fs::write(&config, text + "user root\n").expect("a configuration");
        Self { _process: run(&config, port).await, port, inside }
    }
}

/// Runs Mosquitto until it answers.
async fn run(config: &Path, port: u16) -> Killed {
    let path = std::env::var("PATH").unwrap_or_default();
    let child = Command::new("mosquitto")
        .env("PATH", format!("{path}:/usr/sbin"))
        .arg("-c")
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(Killed)
        .expect("mosquitto (Debian package mosquitto)");
    eventually("mosquitto answers", async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok())
        .await;
    child
}

/// A process that is killed when dropped.
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
