//! TLS: what a server presents, and what it wants of its clients. One stack, rustls, and only its safe defaults:
//! TLS 1.2 and 1.3.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use crate::caller::{Caller, Scope, check_name};
use crate::certs::Subject;

/// The files of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFiles {
    /// Its certificate, and those that vouch for it (PEM).
    pub cert: PathBuf,
    /// The key to it (PEM).
    pub key: PathBuf,
    /// Who vouches for clients (PEM). Absent: clients need no certificate.
    pub client_ca: Option<PathBuf>,
}

/// Why TLS cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file.
    #[error("{}: {reason}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Key and certificate are no pair, or TLS does not like them.
    #[error("{} and {}: {reason}", cert.display(), key.display())]
    Pair {
        /// The certificate.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why.
        reason: String,
    },
}

/// The one provider of cryptography.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

impl ServerFiles {
    /// All of them.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        [Some(&self.cert), Some(&self.key), self.client_ca.as_ref()].into_iter().flatten().cloned().collect()
    }

    /// What a server does with them, for gRPC and HTTP.
    ///
    /// # Errors
    /// If one cannot be read, or they do not fit together.
    pub fn config(&self) -> Result<ServerConfig, TlsError> {
        let chain = read_certificates(&self.cert)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| file(&self.key, error))?;
        let provider = provider();
        let clients = match &self.client_ca {
            None => WebPkiClientVerifier::no_client_auth(),
            Some(path) => {
                WebPkiClientVerifier::builder_with_provider(roots(path)?.into(), Arc::clone(&provider))
                    .build()
                    .map_err(|error| file(path, error))?
            }
        };
        let pair = |error: rustls::Error| TlsError::Pair {
            cert: self.cert.clone(),
            key: self.key.clone(),
            reason: error.to_string(),
        };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(pair)?
            .with_client_cert_verifier(clients)
            .with_single_cert(chain, key)
            .map_err(pair)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// The certificates in a file.
///
/// # Errors
/// If there is none.
pub fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(chain) if chain.is_empty() => Err(file(path, "there is no certificate in it")),
        read => read.map_err(|error| file(path, error)),
    }
}

/// Those who vouch for others, as a file names them.
///
/// # Errors
/// If there is none.
pub fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for root in read_certificates(path)? {
        roots.add(root).map_err(|error| file(path, error))?;
    }
    Ok(roots)
}

fn file(path: &Path, reason: impl ToString) -> TlsError {
    TlsError::File { path: path.to_owned(), reason: reason.to_string() }
}

/// Whom a certificate is for, if it is one that we would issue.
#[must_use]
pub fn subject_of(certificate: &[u8]) -> Option<Subject> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let names = server_names(&parsed);
    if !names.is_empty() {
        return Some(Subject::Server(names));
    }
    let name = parsed.subject().iter_common_name().next()?.as_str().ok()?;
    if let Some(role) = parsed.subject().iter_organizational_unit().next() {
        return Some(Subject::Operator(name.to_owned(), role.as_str().ok()?.parse().ok()?));
    }
    name.parse().ok().map(Subject::Device)
}

/// The operator whom a certificate is for.
#[must_use]
pub fn operator(certificate: &[u8]) -> Option<Caller> {
    match subject_of(certificate)? {
        Subject::Operator(name, role) if check_name(&name).is_ok() => {
            Some(Caller { name, role, scope: Scope::default(), expires_at: None })
        }
        _ => None,
    }
}

fn server_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match **bytes {
            [a, b, c, d] => Some(std::net::Ipv4Addr::new(a, b, c, d).to_string()),
            ref bytes => <[u8; 16]>::try_from(bytes).ok().map(|b| std::net::Ipv6Addr::from(b).to_string()),
        },
        _ => None,
    };
    names.value.general_names.iter().filter_map(name).collect()
}
