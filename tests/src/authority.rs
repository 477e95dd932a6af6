//! An authority made by `sos certs`, and a server that it protects.

use std::path::{Path, PathBuf};

use sos_proto::link::{Bearer, Link};
use tempfile::TempDir;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};

use crate::Server;
use crate::server::{sos, stderr, stdout};

/// An authority in a directory of its own.
pub struct Authority {
    dir: TempDir,
}

impl Authority {
    /// Makes one, with a certificate for a server on this machine.
    ///
    /// # Panics
    /// If `sos certs` fails.
    #[must_use]
    pub fn new() -> Self {
        let authority = Self { dir: tempfile::tempdir().expect("a directory") };
        run(&["certs", "init", "--dir", authority.text()]);
        authority.issue(&["--server", "localhost", "127.0.0.1"], "server");
        authority
    }

    /// The path of a file.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The same as text.
    ///
    /// # Panics
    /// If it is no text.
    #[must_use]
    pub fn file(&self, name: &str) -> String {
        self.path(name).to_str().expect("a plain path").to_owned()
    }

    fn text(&self) -> &str {
        self.dir.path().to_str().expect("a plain path")
    }

    /// Issues a certificate as `name.crt`, with its key as `name.key`.
    pub fn issue(&self, subject: &[&str], name: &str) {
        let (dir, out) = (self.text().to_owned(), self.file(name));
        run(&[&["certs", "issue", "--dir", &dir, "--out", &out], subject].concat());
    }

    /// Arguments of `mosquitto_pub` and `mosquitto_sub` for a call point with a certificate.
    #[must_use]
    pub fn device(&self, name: &str, call_point: &str) -> Vec<String> {
        let (ca, cert, key) =
            (self.file("ca.crt"), self.file(&format!("{name}.crt")), self.file(&format!("{name}.key")));
        ["--cafile", &ca, "--cert", &cert, "--key", &key, "-i", call_point].map(str::to_owned).to_vec()
    }

    /// A token, with further arguments of `sos token issue`.
    #[must_use]
    pub fn token(&self, operator: &str, role: &str, more: &[&str]) -> String {
        let base = ["token", "issue", "--dir", self.text(), "--operator", operator, "--role", role];
        run(&[&base, more].concat()).trim().to_owned()
    }

    /// A configuration: TLS for both listeners, and what is given.
    ///
    /// # Panics
    /// If it cannot be written.
    #[must_use]
    pub fn config(&self, mqtt_auth: &str, grpc_auth: &str, more: &str) -> String {
        let tls = |client_ca: bool| {
            let (cert, key) = (self.file("server.crt"), self.file("server.key"));
            let client_ca = if client_ca { self.file("ca.crt") } else { String::new() };
            format!("tls = {{ cert = {cert:?}, key = {key:?}, client_ca = {client_ca:?} }}\n")
        };
        let mqtt = format!("[mqtt]\nauth = {mqtt_auth:?}\n{}", tls(mqtt_auth == "certificate"));
        let grpc = format!(
            "[grpc]\nauth = {grpc_auth:?}\njwks = {:?}\n{}",
            self.file("jwks.json"),
            tls(grpc_auth == "certificate")
        );
        let file = self.path("sos.toml");
        let alerts = "[alerts]\nescalation = []\n";
        std::fs::write(&file, [more, &mqtt, &grpc, alerts].concat()).expect("a configuration");
        file.to_str().expect("a plain path").to_owned()
    }

    /// A server with such a configuration.
    pub async fn up(&self, data: &Path, config: &str) -> Server {
        Server::up(data, &["--config", config]).await
    }

    /// A link to a server, with a certificate or a token or neither.
    ///
    /// # Errors
    /// If the server does not let us in.
    ///
    /// # Panics
    /// If a file is missing.
    pub async fn link(
        &self,
        server: &Server,
        certificate: Option<&str>,
        token: Option<&str>,
    ) -> Result<Link, tonic::transport::Error> {
        let read = |name: &str| std::fs::read(self.path(name)).expect("a file of the authority");
        let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read("ca.crt")));
        if let Some(name) = certificate {
            let (cert, key) = (read(&format!("{name}.crt")), read(&format!("{name}.key")));
            tls = tls.identity(Identity::from_pem(cert, key));
        }
        let endpoint =
            Channel::from_shared(format!("https://{}", server.address("grpc"))).expect("an address");
        let channel = endpoint.tls_config(tls)?.connect().await?;
        let bearer = token.map_or_else(Bearer::default, |token| Bearer::new(token).expect("a token"));
        Ok(bearer.over(channel))
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

fn run(args: &[&str]) -> String {
    let output = sos(args);
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    stdout(&output)
}
