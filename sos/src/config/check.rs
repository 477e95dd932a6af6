//! What is wrong with a configuration: every fault at once, each named by its key.

use std::net::{SocketAddr, ToSocketAddrs as _};

use sos_auth::origin;
use sos_gateway::external;

use super::access::Protection;
use super::{Config, Mqtt};

/// The parts of a checked configuration that are not as they were written.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Where the embedded broker listens. Absent: there is none.
    pub mqtt: Option<SocketAddr>,
    /// The external broker. Absent: there is none.
    pub external: Option<external::Config>,
    /// Where the operator contract is served.
    pub grpc: SocketAddr,
    /// Where the console, metrics and health are served.
    pub http: SocketAddr,
    /// Where a gateway serves its log.
    pub log: SocketAddr,
}

/// An empty segment has half as many bytes already.
const SEGMENT_BYTES_MIN: u64 = 4 * 1024 * 1024;

/// Looks for every fault.
pub fn check(config: &Config) -> Result<Addresses, Vec<String>> {
    let mut faults = Vec::new();
    let (of_mqtt, of_grpc) = (config.mqtt.protection(), config.grpc.protection());
    let of_http = config.http.protection();
    let mut address = |key: &str, value: &str, protection: Option<&Protection<'_>>| {
        let found = reachable(key, value, protection, config.insecure);
        found.map_err(|fault| faults.push(fault)).ok()
    };
    let mqtt = config.mqtt.embedded.then(|| address("mqtt.listen", &config.mqtt.listen, Some(&of_mqtt)));
    let grpc = address("grpc.listen", &config.grpc.listen, Some(&of_grpc));
    let http = address("http.listen", &config.http.listen, Some(&of_http));
    let log = address("log.address", &config.log.address, None);
    let external = check_external(&config.mqtt, config.insecure, &mut faults);
    faults.extend(of_mqtt.faults());
    faults.extend(of_grpc.faults());
    faults.extend(of_http.faults());
    if !config.http.tls.client_ca.as_os_str().is_empty() {
        faults.push("http.tls.client_ca: nobody is asked for a certificate there".to_owned());
    }
    let origins = config.grpc.origins.iter().map(|origin| origin::parse(origin));
    faults.extend(origins.filter_map(Result::err).map(|fault| format!("grpc.origins: {fault}")));
    faults.extend(check_log(config));
    faults.extend(config.console.faults());
    faults.extend(config.alerts.faults());
    if let Err(error) = tracing_subscriber::EnvFilter::try_new(&config.telemetry.log) {
        faults.push(format!("telemetry.log: {error}"));
    }
    let is_far = http.is_some_and(|address: SocketAddr| !address.ip().is_loopback());
    let has_tls = (config.http.tls.files().is_some(), config.grpc.tls.files().is_some());
    if is_far && has_tls == (true, false) && config.console.grpc_url.is_empty() {
        let why = "is missing: pages of http.listen come through TLS, and grpc.listen has none";
        faults.push(format!("console.grpc_url: {why}"));
    }
    match (grpc, http, log) {
        (Some(grpc), Some(http), Some(log)) if faults.is_empty() => {
            Ok(Addresses { mqtt: mqtt.flatten(), external, grpc, http, log })
        }
        _ => Err(faults),
    }
}

/// An address to listen on, unless strangers could reach it.
fn reachable(
    key: &str,
    value: &str,
    protection: Option<&Protection<'_>>,
    insecure: bool,
) -> Result<SocketAddr, String> {
    let found =
        value.to_socket_addrs().map_err(|error| format!("{key}: {value:?} is no host:port ({error})"))?;
    let address = found.into_iter().next().ok_or_else(|| format!("{key}: {value:?} has no address"))?;
    if address.ip().is_loopback() || insecure {
        return Ok(address);
    }
    let missing = match protection {
        Some(protection) => protection.missing(),
        None => Some("nobody there is asked who they are".to_owned()),
    };
    match missing {
        None => Ok(address),
        Some(missing) => {
            Err(format!("{key}: {address} is not loopback, and {missing} (--insecure overrides)"))
        }
    }
}

/// The broker beside the gateway, if there is one.
fn check_external(mqtt: &Mqtt, insecure: bool, faults: &mut Vec<String>) -> Option<external::Config> {
    let external = &mqtt.external;
    for (key, value) in [("client_id", &external.client_id), ("group", &external.group)] {
        if !sos_proto::call_point::is_id(value) {
            faults.push(format!("mqtt.external.{key}: {value:?} does not match [a-z0-9][a-z0-9._-]{{0,63}}"));
        }
    }
    if external.address.is_empty() {
        if !mqtt.embedded {
            let fault =
                "mqtt.embedded: false, and mqtt.external.address is empty: no call point could reach us";
            faults.push(fault.to_owned());
        }
        return None;
    }
    let elsewhere = external.address.to_socket_addrs().ok();
    if !insecure && elsewhere.is_some_and(|mut found| found.any(|address| !address.ip().is_loopback())) {
        faults.push(format!(
            "mqtt.external.address: {} is not loopback, and what goes there is neither encrypted nor authenticated \
             (--insecure overrides)",
            external.address
        ));
    }
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

#[cfg(test)]
mod tests {
    use super::super::{GrpcAuth, MqttAuth, Tls};
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
        config.grpc.origins = vec!["https://sos.example.kz".to_owned(), "sos.example.kz".to_owned()];
        config.telemetry.log = "sos=loud".to_owned();
        let faults = check(&config).unwrap_err();
        for key in [
            "mqtt.listen",
            "grpc.listen",
            "grpc.origins",
            "mqtt.external.address",
            "mqtt.external.group",
            "telemetry.log",
        ] {
            assert!(faults.iter().any(|f| f.starts_with(&format!("{key}:"))), "{key} in {faults:?}");
        }
        assert_eq!(faults.len(), 6);
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
        config.http.listen = "0.0.0.0:8080".to_owned();
        assert!(check(&config).unwrap_err().concat().contains(
            "http.listen: 0.0.0.0:8080 is not loopback, and http.tls.cert, http.tls.key are missing"
        ));
        config.insecure = true;
        assert!(check(&config).is_ok());
    }

    #[test]
    fn an_external_broker_is_on_this_machine() {
        let mut config = Config::default();
        config.mqtt.external.address = "192.0.2.1:1883".to_owned();
        assert!(
            check(&config).unwrap_err().concat().starts_with("mqtt.external.address: 192.0.2.1:1883 is not")
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
        config.http.listen = "0.0.0.0:8080".to_owned();
        config.http.tls = Tls { client_ca: path("ca.crt"), ..config.grpc.tls.clone() };
        assert!(check(&config).unwrap_err().concat().starts_with("http.tls.client_ca: "));
        config.http.tls.client_ca.clear();
        assert_eq!(check(&config).err(), None);
        config.http.tls.key.clear();
        assert!(check(&config).unwrap_err().concat().contains("http.tls.key: is missing"));
        config.http.tls = Tls::default();
        config.http.listen = "127.0.0.1:8080".to_owned();
        config.grpc.tls.key = path("token.key");
        assert!(check(&config).unwrap_err().concat().starts_with("grpc.tls: "));
    }
}
