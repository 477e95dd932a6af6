//! The configuration: defaults, then a file, then `SOS_…` in the environment, then flags. Checked whole
//! before any port opens; each fault is named by its key.

mod access;
mod alerts;

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;

use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use serde::{Deserialize, Serialize};
use sos_eventlog::store::Limits;
use sos_gateway::external;

use crate::cli::{ConfigArgs, ConfigCommand, Format, SourceArgs};
use crate::{Outcome, output};

pub use access::{GrpcAuth, MqttAuth, Tls};
pub use alerts::Alerts;

use access::Protection;

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
    /// Metrics and health.
    pub http: Listener,
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
    /// Messages that the embedded broker takes of one call point in a second on average, and ten times as many at
    /// once; further ones wait. 0: as many as come.
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

/// A port.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    /// Where to listen, `host:port`; port 0 picks a free one.
    pub listen: String,
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
            },
            http: Listener { listen: "127.0.0.1:8080".to_owned() },
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

/// The parts of a checked configuration that are not as they were written.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Where the embedded broker listens. Absent: there is none.
    pub mqtt: Option<SocketAddr>,
    /// The external broker. Absent: there is none.
    pub external: Option<external::Config>,
    /// Where the operator contract is served.
    pub grpc: SocketAddr,
    /// Where metrics and health are served.
    pub http: SocketAddr,
    /// Where a gateway serves its log.
    pub log: SocketAddr,
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

/// An empty segment has half as many bytes already.
const SEGMENT_BYTES_MIN: u64 = 4 * 1024 * 1024;

/// First levels of the keys.
const SECTIONS: [&str; 8] = ["data", "insecure", "mqtt", "grpc", "http", "log", "alerts", "telemetry"];

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
        let faults: Vec<_> = errors.into_iter().map(|e| e.to_string()).collect();
        anyhow::anyhow!("configuration: {}", faults.join("; "))
    })
}

fn check(config: &Config) -> Result<Addresses, Vec<String>> {
    let mut faults = Vec::new();
    let (of_mqtt, of_grpc) = (config.mqtt.protection(), config.grpc.protection());
    let protected = [("mqtt.listen", &of_mqtt), ("grpc.listen", &of_grpc)];
    let mut address = |key: &str, value: &str| match value.to_socket_addrs().map(|mut found| found.next()) {
        Ok(Some(address)) if !address.ip().is_loopback() && !config.insecure => {
            let protection = protected.iter().find(|(of, _)| *of == key);
            let fault = match protection {
                Some((_, protection)) => protection.exposed(address),
                None => Some(format!(
                    "{key}: {address} is not loopback, and who connects there is not asked who they are (--insecure overrides)"
                )),
            };
            let is_sound = fault.is_none();
            faults.extend(fault);
            is_sound.then_some(address)
        }
        Ok(Some(address)) => Some(address),
        Ok(None) => {
            faults.push(format!("{key}: {value:?} has no address"));
            None
        }
        Err(error) => {
            faults.push(format!("{key}: {value:?} is no host:port ({error})"));
            None
        }
    };
    let mqtt = config.mqtt.embedded.then(|| address("mqtt.listen", &config.mqtt.listen)).flatten();
    let grpc = address("grpc.listen", &config.grpc.listen);
    let http = address("http.listen", &config.http.listen);
    let log = address("log.address", &config.log.address);
    let external = &config.mqtt.external;
    let external = if external.address.is_empty() {
        None
    } else {
        match external.address.rsplit_once(':').map(|(host, port)| (host, port.parse())) {
            Some((host, Ok(port))) if !host.is_empty() => Some(external::Config {
                host: host.to_owned(),
                port,
                client_id: external.client_id.clone(),
                group: external.group.clone(),
            }),
            _ => {
                faults.push(format!("mqtt.external.address: {:?} is no host:port", external.address));
                None
            }
        }
    };
    for (key, value) in
        [("client_id", &config.mqtt.external.client_id), ("group", &config.mqtt.external.group)]
    {
        if !sos_proto::call_point::is_id(value) {
            faults.push(format!("mqtt.external.{key}: {value:?} does not match [a-z0-9][a-z0-9._-]{{0,63}}"));
        }
    }
    if !config.mqtt.embedded && config.mqtt.external.address.is_empty() {
        faults.push(
            "mqtt.embedded: false, and mqtt.external.address is empty: no call point could reach us"
                .to_owned(),
        );
    }
    faults.extend(of_mqtt.faults());
    faults.extend(of_grpc.faults());
    faults.extend(check_log(config));
    faults.extend(config.alerts.faults());
    if let Err(error) = tracing_subscriber::EnvFilter::try_new(&config.telemetry.log) {
        faults.push(format!("telemetry.log: {error}"));
    }
    match (grpc, http, log) {
        (Some(grpc), Some(http), Some(log)) if faults.is_empty() => {
            Ok(Addresses { mqtt, external, grpc, http, log })
        }
        _ => Err(faults),
    }
}

/// What is wrong with the keys of the log's storage.
fn check_log(config: &Config) -> Vec<String> {
    let mut faults = Vec::new();
    if config.log.segment_bytes < SEGMENT_BYTES_MIN {
        faults.push(format!(
            "log.segment_bytes: {} is less than {SEGMENT_BYTES_MIN}",
            config.log.segment_bytes
        ));
    }
    if config.log.segment_events == 0 {
        faults.push("log.segment_events: 0 is less than 1".to_owned());
    }
    if !config.log.witness.as_os_str().is_empty() && config.log.witness.starts_with(&config.data) {
        faults.push("log.witness: it lies in `data`, where whoever cuts the log can cut it too".to_owned());
    }
    faults
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
    fn the_defaults_are_sound() {
        assert!(check(&Config::default()).is_ok());
    }

    #[test]
    fn every_fault_is_named_by_its_key() {
        let mut config = Config::default();
        config.mqtt.listen = "nowhere".to_owned();
        config.grpc.listen = "127.0.0.1:99999".to_owned();
        config.mqtt.external.address = "broker".to_owned();
        config.mqtt.external.group = "A group".to_owned();
        config.telemetry.log = "sos=loud".to_owned();
        let faults = check(&config).unwrap_err();
        for key in
            ["mqtt.listen", "grpc.listen", "mqtt.external.address", "mqtt.external.group", "telemetry.log"]
        {
            assert!(faults.iter().any(|f| f.starts_with(&format!("{key}:"))), "{key} in {faults:?}");
        }
        assert_eq!(faults.len(), 5);
    }

    #[test]
    fn nobody_listens_beyond_loopback_by_accident() {
        let mut config = Config::default();
        config.grpc.listen = "0.0.0.0:50051".to_owned();
        assert!(
            check(&config).unwrap_err().concat().starts_with(
                "grpc.listen: 0.0.0.0:50051 is not loopback, and grpc.auth, grpc.tls.cert, grpc.tls.key are missing"
            )
        );
        config.insecure = true;
        assert!(check(&config).is_ok());
    }

    #[test]
    fn a_protected_listener_may_be_reached_from_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        let authority = sos_auth::certs::Authority::init(dir.path()).unwrap();
        let server = sos_auth::certs::Subject::Server(vec!["localhost".to_owned()]);
        authority.issue(&server, 1, &dir.path().join("server")).unwrap();
        let mut config = Config::default();
        config.grpc.listen = "0.0.0.0:50051".to_owned();
        config.grpc.auth = GrpcAuth::Token;
        config.mqtt.auth = MqttAuth::Certificate;
        let faults = check(&config).unwrap_err();
        for key in ["grpc.jwks", "mqtt.tls.cert", "mqtt.tls.key", "mqtt.tls.client_ca"] {
            assert!(
                faults.iter().any(|f| f.starts_with(&format!("{key}: is missing"))),
                "{key} in {faults:?}"
            );
        }
        let path = |name: &str| dir.path().join(name);
        let tls = Tls { cert: path("server.crt"), key: path("server.key"), client_ca: path("ca.crt") };
        (config.grpc.tls, config.mqtt.tls) = (tls.clone(), tls);
        config.grpc.jwks = path("jwks.json");
        assert_eq!(check(&config).err(), None);
        config.grpc.tls.key = path("token.key");
        assert!(check(&config).unwrap_err().concat().starts_with("grpc.tls: "));
    }

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
