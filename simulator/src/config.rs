//! What the simulator is told and the limits it keeps; a text is checked here once. Opens nothing.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

/// Connections of a replay unless told otherwise.
pub const CONNECTIONS_DEFAULT: usize = 16;

/// Most connections of a replay; more are refused.
pub const CONNECTIONS_MAX: usize = 1_000;

/// How long a press is repeated without an answer before it counts as failed, unless told otherwise.
pub const GIVE_UP_DEFAULT: Duration = Duration::from_secs(600);

/// Longest name of a run, in bytes: with a prefix and a round it still fits a boot id of 64 bytes.
pub const RUN_BYTES_MAX: usize = 40;

/// Presses waiting for one connection; the dispatcher waits while it is full.
pub(crate) const LANE_PRESSES_MAX: usize = 16;

/// Outcomes waiting to be counted; connections wait while it is full.
pub(crate) const OUTCOMES_WAITING_MAX: usize = 64;

/// After this silence of a live connection a message counts as unanswered and is repeated on a new one.
/// The longest pause of the retry advice.
pub(crate) const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// How long a message in flight may still be answered after a shutdown was asked for.
pub(crate) const STOP_GRACE: Duration = Duration::from_secs(2);

/// How long the farewell to the broker may take.
pub(crate) const DISCONNECT_WAIT: Duration = Duration::from_secs(1);

/// MQTT keep alive.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Why a setting is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// The broker's address is none.
    #[error("broker address {0:?} is not of the form host:port")]
    Address(String),
    /// The name of the run is none.
    #[error("run {0:?} is not 1 to {RUN_BYTES_MAX} characters of [a-z0-9._-]")]
    Run(String),
    /// The speed is no factor.
    #[error("speed {0} is not a finite number from 0 up")]
    Speed(f64),
    /// The number of connections is out of range.
    #[error("{0} connections are not 1 to {CONNECTIONS_MAX}")]
    Connections(usize),
}

/// What each call point presents to a broker that wants certificates, by its name, `site/device`.
#[derive(Clone)]
pub struct Identities(Arc<Present>);

/// Makes what one call point presents of its name.
type Present = dyn Fn(&str) -> io::Result<Arc<ClientConfig>> + Send + Sync;

impl Identities {
    /// Each call point presents what this makes of its name.
    pub fn new(present: impl Fn(&str) -> io::Result<Arc<ClientConfig>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(present))
    }

    /// What the call point with a name presents.
    pub(crate) fn of(&self, name: &str) -> io::Result<Arc<ClientConfig>> {
        (self.0)(name)
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identities")
    }
}

/// Where the broker listens.
#[derive(Debug, Clone)]
pub(crate) struct Broker {
    /// Name or address; an IPv6 address in brackets.
    pub(crate) host: String,
    /// TCP port.
    pub(crate) port: u16,
    /// What call points present, if it wants certificates.
    pub(crate) identities: Option<Identities>,
}

impl Broker {
    /// Reads `host:port` of a broker that may want certificates.
    pub(crate) fn secured(text: &str, identities: Option<Identities>) -> Result<Self, ConfigError> {
        Ok(Self { identities, ..Self::parse(text)? })
    }

    /// Reads `host:port`.
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let fault = || ConfigError::Address(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(fault)?;
        let bare_ipv6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
        let port: u16 = port.parse().map_err(|_| fault())?;
        if host.is_empty() || bare_ipv6 || port == 0 {
            return Err(fault());
        }
        Ok(Self { host: host.to_owned(), port, identities: None })
    }
}

/// Names one run of the simulator; part of boot ids and client ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run(String);

impl Run {
    /// Takes a name given by a person.
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-');
        if !(1..=RUN_BYTES_MAX).contains(&text.len()) || !text.bytes().all(allowed) {
            return Err(ConfigError::Run(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name of every run over these bytes: the first 16 hex digits of their BLAKE3 digest.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).to_hex().chars().take(16).collect())
    }

    /// The name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["127.0.0.1:1883", "localhost:1", "[::1]:1883"] {
            assert!(Broker::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "localhost", ":1883", "localhost:", "localhost:0", "localhost:65536", "::1:1883"] {
            assert_eq!(Broker::parse(bad).err(), Some(ConfigError::Address(bad.into())));
        }
    }

    #[test]
    fn names_of_runs() {
        for good in ["a", "week-3", &"x".repeat(40)] {
            assert!(Run::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "Week", "a b", "a/b", &"x".repeat(41)] {
            assert_eq!(Run::parse(bad), Err(ConfigError::Run(bad.into())));
        }
    }

    // P2: the same file under the same name is the same presses, so the digest may never change.
    #[test]
    fn the_run_of_a_file_is_stable() {
        assert_eq!(Run::of(b"").as_str(), "af1349b9f5f9a1a6");
        assert_eq!(Run::of(b"abc").as_str(), "6437b3ac38465133");
    }
}
