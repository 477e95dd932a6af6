//! Captures of MQTT traffic: one line of JSON for each message that devices sent, as a subscriber sees it.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sos_proto::call_point::{Leaf, TOPIC_ROOT};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::config::{Broker, ConfigError, KEEP_ALIVE};
use crate::wire::{Heard, Wire, WireError};

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Captured {
    /// When it came, in microseconds since 1970.
    pub at: i64,
    /// MQTT topic.
    pub topic: String,
    /// MQTT payload, two hexadecimal digits a byte.
    pub payload: String,
}

impl Captured {
    /// The payload as bytes.
    pub(crate) fn payload(&self) -> Result<Vec<u8>, String> {
        let digits = self.payload.as_bytes();
        if !digits.len().is_multiple_of(2) {
            return Err("payload: has half a byte".to_owned());
        }
        let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
        let bytes = digits.chunks(2).map(byte).collect::<Option<_>>();
        bytes.ok_or_else(|| "payload: is not hexadecimal".to_owned())
    }
}

/// Why there is no capture.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The broker.
    #[error("the broker: {0}; is it running, as `sos up` is one?")]
    Broker(String),
    /// The file cannot be written.
    #[error("cannot write {}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl From<WireError> for Error {
    fn from(error: WireError) -> Self {
        Self::Broker(error.to_string())
    }
}

/// Writes down everything that devices send, until shutdown. Answers how many messages there were.
///
/// # Errors
/// If the broker is out of reach or the file cannot be written.
pub async fn record(mqtt: &str, file: &Path, shutdown: CancellationToken) -> Result<u64, Error> {
    let broker = Broker::parse(mqtt)?;
    let failed = |source| Error::Write { file: file.to_owned(), source };
    let mut out = BufWriter::new(File::create(file).map_err(failed)?);
    let mut wire = Wire::connect(&broker, &format!("sos-record-{:x}", clock::now()), None).await?;
    for (pkid, leaf) in (1..).zip([Leaf::Event, Leaf::State, Leaf::Health]) {
        wire.subscribe(&format!("{TOPIC_ROOT}/+/+/{leaf}"), pkid)?;
    }
    let mut ping = interval(KEEP_ALIVE / 2);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut count = 0;
    loop {
        wire.flush().await?;
        let heard = tokio::select! {
            () = shutdown.cancelled() => break,
            heard = wire.next() => heard?,
            _ = ping.tick() => {
                wire.ping()?;
                continue;
            }
        };
        if let Heard::Message { topic, body } = heard {
            let payload = body.iter().map(|byte| format!("{byte:02x}")).collect();
            let line = Captured { at: clock::now(), topic, payload };
            serde_json::to_writer(&mut out, &line).map_err(|e| failed(e.into()))?;
            out.write_all(b"\n").map_err(failed)?;
            // Whoever reads along sees whole lines.
            out.flush().map_err(failed)?;
            count += 1;
        }
    }
    wire.farewell()?;
    wire.flush().await?;
    Ok(count)
}
