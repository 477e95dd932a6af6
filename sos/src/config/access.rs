//! How call points and operators prove who they are, and what is wrong with that.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sos_auth::tls::ServerFiles;

/// How call points prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MqttAuth {
    /// They do not.
    None,
    /// By user name `{site}/{device}` and password.
    Password,
    /// By a certificate whose common name is `{site}/{device}`.
    Certificate,
}

/// How operators prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GrpcAuth {
    /// They do not, and say who they are.
    None,
    /// By a bearer token.
    Token,
    /// By a certificate whose common name is theirs, and whose organisational unit is their role.
    Certificate,
}

/// What a listener needs for TLS, as PEM files. Empty: there is none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Its certificate, and those that vouch for it.
    pub cert: PathBuf,
    /// The key to it.
    pub key: PathBuf,
    /// Who vouches for clients. Empty: clients need no certificate.
    pub client_ca: PathBuf,
}

impl Tls {
    /// The files, if there is to be TLS.
    pub fn files(&self) -> Option<ServerFiles> {
        let given = |path: &Path| Some(path.to_owned()).filter(|path| !path.as_os_str().is_empty());
        let (cert, key) = (given(&self.cert)?, given(&self.key)?);
        Some(ServerFiles { cert, key, client_ca: given(&self.client_ca) })
    }
}

/// How a listener is protected.
pub struct Protection<'a> {
    /// Its section: `mqtt`, `grpc`, `http`.
    pub section: &'static str,
    /// What it needs for TLS.
    pub tls: &'a Tls,
    /// Whether clients prove who they are, or need not.
    pub authenticates: bool,
    /// Whether they do so by a certificate.
    pub by_certificate: bool,
    /// Whether they do so by a token, with keys from this file.
    pub jwks: Option<&'a Path>,
}

impl Protection<'_> {
    /// Everything that is wrong with it, by key.
    pub fn faults(&self) -> Vec<String> {
        let Self { section, tls, .. } = self;
        let mut faults = Vec::new();
        let missing = |key: &str, why: &str| format!("{section}.{key}: is missing, {why}");
        let named = |path: &Path| !path.as_os_str().is_empty();
        let (has_cert, has_key) = (named(&tls.cert), named(&tls.key));
        match (has_cert, has_key) {
            (true, false) => faults.push(missing("tls.key", &format!("and {section}.tls.cert is not"))),
            (false, true) => faults.push(missing("tls.cert", &format!("and {section}.tls.key is not"))),
            _ => {}
        }
        if self.by_certificate {
            let why = &format!("and {section}.auth is \"certificate\"");
            let keys =
                [("tls.cert", has_cert), ("tls.key", has_key), ("tls.client_ca", named(&tls.client_ca))];
            faults.extend(keys.into_iter().filter(|(_, has)| !has).map(|(key, _)| missing(key, why)));
            faults.dedup();
        }
        match self.jwks {
            Some(path) if !named(path) => {
                faults.push(missing("jwks", &format!("and {section}.auth is \"token\"")));
            }
            Some(path) => {
                faults
                    .extend(sos_auth::token::Keys::read(path).err().map(|e| format!("{section}.jwks: {e}")));
            }
            None => {}
        }
        if let Some(files) = tls.files() {
            faults.extend(files.config().err().map(|error| format!("{section}.tls: {error}")));
        }
        faults
    }

    /// What is missing for a listener beyond this machine; nothing if all is there.
    pub fn missing(&self) -> Option<String> {
        let Self { section, .. } = self;
        let mut missing = Vec::new();
        if !self.authenticates {
            missing.push(format!("{section}.auth"));
        }
        if self.tls.files().is_none() {
            missing.extend([format!("{section}.tls.cert"), format!("{section}.tls.key")]);
        }
        match missing.len() {
            0 => None,
            1 => Some(format!("{} is missing", missing.concat())),
            _ => Some(format!("{} are missing", missing.join(", "))),
        }
    }
}
