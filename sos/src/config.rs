//! The configuration: defaults, then a file, then `SOS_…` in the environment, then flags. Checked whole
//! before any port opens; each fault is named by its key.

mod access;
mod alerts;
mod check;
mod console;

use std::path::PathBuf;

use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use serde::{Deserialize, Serialize};
use sos_eventlog::store::Limits;

use crate::cli::{ConfigArgs, ConfigCommand, Format, SourceArgs};
use crate::{Outcome, output};

pub use access::{GrpcAuth, MqttAuth, Tls};
pub use alerts::Alerts;
pub use check::Addresses;
pub use console::Console;

use access::Protection;
use check::check;

/// Everything that can be configured. In the environment, `mqtt.listen` is `SOS_MQTT__LISTEN`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Directory of the event log, and of the processor's snapshots.
    pub data: PathBuf,
    /// Listen beyond this machine without TLS or without knowing who is there.
    pub insecure: bool,
    /// Call points.
    pub mqtt: Mqtt,
    /// Operators.
    pub grpc: Grpc,
    /// The browser console, metrics and health.
    pub http: Http,
    /// The browser console.
    pub console: Console,
    /// The event log.
    pub log: Log,
    /// How long alerts may wait.
    pub alerts: Alerts,
    /// Log lines.
    pub telemetry: Telemetry,
}

/// Call points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mqtt {
    /// Whether the embedded broker runs.
    pub embedded: bool,
    /// Where the embedded broker listens.
    pub listen: String,
    /// How call points prove who they are to the embedded broker.
    pub auth: MqttAuth,
    /// What the embedded broker needs for TLS.
    pub tls: Tls,
    /// Messages that the embedded broker takes of one call point in a second on average, and as many at once;
    /// further ones wait. 0: as many as come.
    pub device_rate: u32,
    /// The broker beside the gateway.
    pub external: External,
}

/// Operators.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grpc {
    /// Where to listen, `host:port`; port 0 picks a free one.
    pub listen: String,
    /// How operators prove who they are.
    pub auth: GrpcAuth,
    /// What is needed for TLS.
    pub tls: Tls,
    /// File of the keys that sign tokens (JWKS).
    pub jwks: PathBuf,
    /// Web origins whose pages may speak to this port, besides the console of this process: `https://host[:port]`.
    pub origins: Vec<String>,
}

/// The broker beside the gateway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct External {
    /// `host:port`. Empty: there is none.
    pub address: String,
    /// Names this gateway's session; unique among the gateways at one broker.
    pub client_id: String,
    /// The gateways that share the messages among them.
    pub group: String,
}

/// The browser console, metrics and health.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Where to listen, `host:port`; port 0 picks a free one.
    pub listen: String,
    /// What is needed for TLS, without `client_ca`: nobody is asked for a certificate here.
    pub tls: Tls,
}

/// The event log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Where `sos gateway` serves the log and `sos processor` finds it, `host:port`.
    pub address: String,
    /// A new segment of the log begins when the file of the last has so many bytes.
    pub segment_bytes: u64,
    /// A new segment of the log begins when the last has so many events.
    pub segment_events: u64,
    /// File that signed heads are appended to, so that a log whose end was cut off is found; best where who
    /// can write `data` cannot write. Empty: there is none.
    pub witness: PathBuf,
    /// File of the key that signs them; made where there is none. Empty: `witness-key` in `data`.
    pub witness_key: PathBuf,
    /// Seconds between two signed heads, at least.
    pub witness_interval_s: u64,
}

/// Log lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// Which to write, as a tracing filter: `info`, `warn,sos_gateway=debug`, …
    pub log: String,
    /// How to write them.
    pub format: LogFormat,
}

/// How to write log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            data: PathBuf::from("sos-data"),
            insecure: false,
            mqtt: Mqtt {
                embedded: true,
                listen: "127.0.0.1:1883".to_owned(),
                auth: MqttAuth::None,
                tls: Tls::default(),
                device_rate: 50,
                external: External {
                    address: String::new(),
                    client_id: "sos-gateway".to_owned(),
                    group: "sos".to_owned(),
                },
            },
            grpc: Grpc {
                listen: crate::cli::DEFAULT_GRPC.to_owned(),
                auth: GrpcAuth::None,
                tls: Tls::default(),
                jwks: PathBuf::new(),
                origins: Vec::new(),
            },
            http: Http { listen: "127.0.0.1:8080".to_owned(), tls: Tls::default() },
            console: Console::default(),
            log: Log {
                address: "127.0.0.1:50052".to_owned(),
                segment_bytes: limits.segment_bytes,
                segment_events: limits.segment_events,
                witness: PathBuf::new(),
                witness_key: PathBuf::new(),
                witness_interval_s: 10,
            },
            alerts: Alerts::default(),
            // rmqtt tells of every connection, and rustls of every odd client; their warnings and errors are enough.
            telemetry: Telemetry { log: "info,rmqtt=warn,rustls=error".to_owned(), format: LogFormat::Text },
        }
    }
}

impl Mqtt {
    fn protection(&self) -> Protection<'_> {
        Protection {
            section: "mqtt",
            tls: &self.tls,
            authenticates: self.auth != MqttAuth::None,
            by_certificate: self.auth == MqttAuth::Certificate,
            jwks: None,
        }
    }
}

impl Grpc {
    fn protection(&self) -> Protection<'_> {
        Protection {
            section: "grpc",
            tls: &self.tls,
            authenticates: self.auth != GrpcAuth::None,
            by_certificate: self.auth == GrpcAuth::Certificate,
            jwks: (self.auth == GrpcAuth::Token).then_some(&self.jwks),
        }
    }
}

impl Http {
    /// The pages are for everybody: who may command is asked at the other port.
    fn protection(&self) -> Protection<'_> {
        Protection { section: "http", tls: &self.tls, authenticates: true, by_certificate: false, jwks: None }
    }
}

impl Log {
    /// When a segment is full.
    pub fn limits(&self) -> Limits {
        Limits { segment_bytes: self.segment_bytes, segment_events: self.segment_events }
    }
}

/// Reads the configuration and checks it whole.
///
/// # Errors
/// With every fault, each named by its key.
pub fn load(source: &SourceArgs) -> anyhow::Result<(Config, Addresses)> {
    let config = read(source)?;
    let addresses =
        check(&config).map_err(|faults| anyhow::anyhow!("configuration: {}", faults.join("; ")))?;
    Ok((config, addresses))
}

/// First levels of the keys.
const SECTIONS: [&str; 9] =
    ["data", "insecure", "mqtt", "grpc", "http", "console", "log", "alerts", "telemetry"];

fn read(source: &SourceArgs) -> anyhow::Result<Config> {
    let mut figment = Figment::from(Serialized::defaults(Config::default()));
    if let Some(file) = &source.config {
        anyhow::ensure!(file.is_file(), "--config: {} is no file", file.display());
        figment = figment.merge(Toml::file_exact(file));
    }
    // Others name variables after a service called sos, too: only our own sections are read.
    let ours = |key: &figment::value::UncasedStr| {
        let section = key.as_str().split("__").next().unwrap_or_default();
        SECTIONS.iter().any(|ours| section.eq_ignore_ascii_case(ours))
    };
    figment = figment.merge(Env::prefixed("SOS_").filter(ours).split("__"));
    if source.insecure {
        figment = figment.merge(("insecure", true));
    }
    let flags = [
        ("data", source.data.as_ref().map(|d| d.to_string_lossy().into_owned())),
        ("mqtt.listen", source.mqtt.clone()),
        ("grpc.listen", source.grpc.clone()),
        ("http.listen", source.http.clone()),
        ("log.address", source.log.clone()),
    ];
    for (key, value) in flags {
        if let Some(value) = value {
            figment = figment.merge((key, value));
        }
    }
    figment.extract().map_err(|errors| {
        // The name of a profile, of which we have one.
        let told = |fault: figment::Error| fault.to_string().replace("key \"default.", "key \"");
        let faults: Vec<_> = errors.into_iter().map(told).collect();
        anyhow::anyhow!("configuration: {}; `sos config show` lists every key", faults.join("; "))
    })
}

/// Runs `sos config`.
pub fn run(args: ConfigArgs) -> anyhow::Result<Outcome> {
    match args.command {
        ConfigCommand::Check { source } => {
            load(&source)?;
            output::line("the configuration is sound");
        }
        ConfigCommand::Show { source, format } => {
            let config = read(&source)?;
            match format {
                Format::Json => output::json(&config)?,
                Format::Table => show("", &serde_json::to_value(&config)?),
            }
        }
    }
    Ok(Outcome::Done)
}

/// One line for each key.
fn show(key: &str, value: &serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                let separator = if key.is_empty() { "" } else { "." };
                show(&format!("{key}{separator}{name}"), value);
            }
        }
        value => output::line(&format!("{key} = {value}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_can_come_from_the_environment() {
        let config = serde_json::to_value(Config::default()).unwrap();
        let mut sections: Vec<_> = config.as_object().unwrap().keys().map(String::as_str).collect();
        sections.sort_unstable();
        let mut known = SECTIONS;
        known.sort_unstable();
        assert_eq!(sections, known);
    }
}
