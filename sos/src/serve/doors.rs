//! The doors of the parts: what they present, and what they want of who comes in.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use sos_auth::certs::Subject;
use sos_auth::incoming::Limits;
use sos_auth::reload::{Current, Reload};
use sos_auth::tls::{self, ServerFiles};
use sos_auth::{Door, Proof, origin, token};
use sos_gateway::access::Auth;
use sos_gateway::embedded;
use tokio::net::TcpListener;

use super::House;
use crate::config::{GrpcAuth, MqttAuth};

impl House {
    /// The embedded broker.
    pub(super) fn embedded(&mut self, listen: SocketAddr) -> anyhow::Result<embedded::Config> {
        let mqtt = self.config.mqtt.clone();
        let tls = match mqtt.tls.files() {
            None => None,
            Some(files) => {
                let of = files.clone();
                let current = self.reloaded("mqtt.tls", files.paths(), move || of.config())?;
                Some(embedded::Tls { files, current })
            }
        };
        let auth = match mqtt.auth {
            MqttAuth::None => Auth::None,
            MqttAuth::Password => Auth::Password,
            MqttAuth::Certificate => Auth::Certificate,
        };
        Ok(embedded::Config { listen, auth, tls, device_rate: mqtt.device_rate })
    }

    /// Where operators come in.
    pub(super) fn door(&mut self, listener: TcpListener) -> anyhow::Result<Door> {
        let grpc = self.config.grpc.clone();
        let tls = match grpc.tls.files() {
            None => None,
            Some(files) => Some(self.reloaded("grpc.tls", files.paths(), move || files.config())?),
        };
        let proof = match grpc.auth {
            GrpcAuth::None => Proof::None,
            GrpcAuth::Certificate => Proof::Certificate,
            GrpcAuth::Token => {
                let (path, read) = (grpc.jwks.clone(), move || token::Keys::read(&grpc.jwks));
                Proof::Token(self.reloaded("grpc.jwks", vec![path], read)?)
            }
        };
        Ok(Door { listener, tls, proof, origins: self.origins(), limits: Limits::default() })
    }

    /// Web origins whose pages may speak to the processor: the console of this process, and others by name.
    fn origins(&self) -> Vec<String> {
        let names = self.config.http.tls.files().map(|files| names(&files));
        let own = self.ports.http.map(|http| own_origins(http, names.as_deref())).unwrap_or_default();
        let named = self.config.grpc.origins.iter();
        let parsed = own.iter().chain(named).filter_map(|origin| {
            // Such as `*.example.kz` in a certificate: nobody can say which pages that means.
            let told =
                |fault: &String| tracing::warn!(fault, "no page can come from there: see grpc.origins");
            origin::parse(origin).inspect_err(told).ok()
        });
        parsed.collect()
    }

    /// What the files of a key hold, now and until shutdown.
    pub(super) fn reloaded<T, E>(
        &mut self,
        key: &'static str,
        paths: Vec<PathBuf>,
        load: impl Fn() -> Result<T, E> + Send + 'static,
    ) -> anyhow::Result<Current<T>>
    where
        T: Send + Sync + 'static,
        E: std::error::Error + Send + Sync + 'static,
    {
        let reload = Reload::start(paths, load).with_context(|| format!("key {key}"))?;
        let current = reload.current();
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            shutdown.run_until_cancelled_owned(reload.keep()).await;
            Ok(())
        });
        Ok(current)
    }
}

/// Where the console of this process is, as a browser names it; with TLS, by the names of its certificate too.
fn own_origins(http: SocketAddr, names: Option<&[String]>) -> Vec<String> {
    let scheme = if names.is_some() { "https" } else { "http" };
    let mut own = vec![format!("{scheme}://{http}")];
    if http.ip().is_loopback() {
        own.push(format!("{scheme}://localhost:{}", http.port()));
    }
    own.extend(names.unwrap_or_default().iter().map(|name| match name.parse() {
        Ok(address) => format!("{scheme}://{}", SocketAddr::new(address, http.port())),
        Err(_) => format!("{scheme}://{name}:{}", http.port()),
    }));
    own
}

/// Whom a server's certificate is for.
fn names(files: &ServerFiles) -> Vec<String> {
    let chain = tls::read_certificates(&files.cert).unwrap_or_default();
    match chain.first().and_then(|certificate| tls::subject_of(certificate)) {
        Some(Subject::Server(names)) => names,
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_called_localhost() {
        let own = |address: &str| own_origins(address.parse().unwrap(), None);
        assert_eq!(own("127.0.0.1:8080"), ["http://127.0.0.1:8080", "http://localhost:8080"]);
        assert_eq!(own("[::1]:80"), ["http://[::1]:80", "http://localhost:80"]);
        assert_eq!(own("10.0.0.5:8080"), ["http://10.0.0.5:8080"]);
    }

    #[test]
    fn a_certificate_names_the_port() {
        let names = ["sos.example.kz", "10.0.0.5", "2001:db8::5"].map(str::to_owned);
        let own = own_origins("0.0.0.0:8443".parse().unwrap(), Some(&names));
        let named = ["sos.example.kz:8443", "10.0.0.5:8443", "[2001:db8::5]:8443"];
        assert_eq!(own[1..], named.map(|name| format!("https://{name}")));
    }
}
