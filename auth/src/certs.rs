//! A small certificate authority for call points, servers and operators, and the key that signs tokens.
//!
//! All it knows is in one directory: `ca.crt` and `ca.key`, `token.key` and `jwks.json`, and `issued/` with a copy of
//! every certificate. Larger organisations use their own and need none of this.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use rustls::ClientConfig;
use rustls::pki_types::PrivateKeyDer;
use sos_proto::call_point::CallPoint;

use crate::role::Role;
use crate::secret_file;
use crate::tls::{self, TlsError};
use crate::token::{self, Claims};

/// How long the authority lasts, in days.
const AUTHORITY_DAYS: u64 = 20 * 365;

/// Clocks of call points run behind; a certificate is valid so many seconds before it was made.
const BACKDATED_S: u64 = 24 * 60 * 60;

/// Whom a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A server, by its names and addresses.
    Server(Vec<String>),
    /// A call point.
    Device(CallPoint),
    /// Somebody with a role.
    Operator(String, Role),
}

/// A certificate that was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// Its serial number, hexadecimal.
    pub serial: String,
    /// Whom it is for.
    pub subject: String,
    /// Until when it is valid, in seconds since 1970.
    pub not_after: i64,
}

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum CertsError {
    /// A file.
    #[error("cannot use {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is an authority already.
    #[error("{} holds an authority already", .0.display())]
    Exists(PathBuf),
    /// A file holds something else.
    #[error("{}: {reason}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file of certificates.
    #[error(transparent)]
    Certificates(#[from] TlsError),
    /// A certificate cannot be made.
    #[error("the certificate cannot be made")]
    Make(#[from] rcgen::Error),
    /// A token cannot be made.
    #[error("the token cannot be signed: {0}")]
    Token(String),
    /// The system gave no randomness.
    #[error("the system gave no random numbers")]
    Random,
}

/// An authority.
pub struct Authority {
    dir: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    /// An Ed25519 key in PKCS#8.
    token_key: Vec<u8>,
}

impl Authority {
    /// Makes a new one in a directory.
    ///
    /// # Errors
    /// If there is one already, or the directory cannot be written.
    pub fn init(dir: &Path) -> Result<Self, CertsError> {
        let ca = dir.join("ca.crt");
        if ca.exists() {
            return Err(CertsError::Exists(dir.to_owned()));
        }
        let issued = dir.join("issued");
        fs::create_dir_all(&issued).map_err(|source| CertsError::File { path: issued, source })?;
        let mut params = params("SOS gateway authority", AUTHORITY_DAYS)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let token_key =
            Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| CertsError::Random)?;
        secret(&dir.join("token.key"), token_key.as_ref())?;
        public(&dir.join("jwks.json"), jwks(token_key.as_ref())?.as_bytes())?;
        secret(&dir.join("ca.key"), key.serialize_pem().as_bytes())?;
        public(&ca, certificate.pem().as_bytes())?;
        Self::open(dir)
    }

    /// The authority in a directory.
    ///
    /// # Errors
    /// If there is none.
    pub fn open(dir: &Path) -> Result<Self, CertsError> {
        let text = |name: &str| {
            let path = dir.join(name);
            fs::read_to_string(&path).map_err(|source| CertsError::File { path, source })
        };
        let path = dir.join("token.key");
        let token_key = fs::read(&path).map_err(|source| CertsError::File { path, source })?;
        let key = KeyPair::from_pem(&text("ca.key")?)?;
        let issuer = Issuer::from_ca_cert_pem(&text("ca.crt")?, key)?;
        Ok(Self { dir: dir.to_owned(), issuer, token_key })
    }

    /// Makes a certificate for so many days, and its key, and keeps no record of it.
    fn make(&self, subject: &Subject, days: u64) -> Result<(Certificate, KeyPair), CertsError> {
        let mut params = params(&subject.name(), days)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![match subject {
            Subject::Server(_) => ExtendedKeyUsagePurpose::ServerAuth,
            Subject::Device(_) | Subject::Operator(..) => ExtendedKeyUsagePurpose::ClientAuth,
        }];
        match subject {
            Subject::Server(names) => {
                for name in names {
                    params.subject_alt_names.push(match name.parse() {
                        Ok(address) => SanType::IpAddress(address),
                        Err(_) => SanType::DnsName(name.as_str().try_into()?),
                    });
                }
            }
            Subject::Operator(_, role) => {
                params.distinguished_name.push(DnType::OrganizationalUnitName, role.as_str());
            }
            Subject::Device(_) => {}
        }
        let key = KeyPair::generate()?;
        Ok((params.signed_by(&key, &self.issuer)?, key))
    }

    /// Issues a certificate for so many days, as `PREFIX.crt`, with its key as `PREFIX.key`.
    ///
    /// # Errors
    /// If it cannot be made or written.
    pub fn issue(&self, subject: &Subject, days: u64, prefix: &Path) -> Result<Issued, CertsError> {
        let (certificate, key) = self.make(subject, days)?;
        let (crt, key_path) = (extended(prefix, ".crt"), extended(prefix, ".key"));
        let issued = describe(certificate.der()).ok_or_else(|| CertsError::Content {
            path: crt.clone(),
            reason: "the new certificate cannot be read".to_owned(),
        })?;
        public(
            &self.dir.join("issued").join(format!("{}.crt", issued.serial)),
            certificate.pem().as_bytes(),
        )?;
        secret(&key_path, key.serialize_pem().as_bytes())?;
        public(&crt, certificate.pem().as_bytes())?;
        Ok(issued)
    }

    /// What somebody presents to a server that this authority vouches for, without a record of it: for call points
    /// that are only simulated.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn client(&self, subject: &Subject) -> Result<ClientConfig, CertsError> {
        let (certificate, key) = self.make(subject, 1)?;
        let path = self.dir.join("ca.crt");
        let content = |reason: String| CertsError::Content { path: path.clone(), reason };
        let roots = tls::roots(&path)?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|error| content(error.to_owned()))?;
        ClientConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                config
                    .with_root_certificates(roots)
                    .with_client_auth_cert(vec![certificate.der().clone()], key)
            })
            .map_err(|error| content(error.to_string()))
    }

    /// Issues a certificate again, with a new key, in the place of the old one.
    ///
    /// # Errors
    /// If the old one is none of ours, or the new one cannot be made.
    pub fn renew(&self, days: u64, prefix: &Path) -> Result<Issued, CertsError> {
        let path = extended(prefix, ".crt");
        let content = |reason: &str| CertsError::Content { path: path.clone(), reason: reason.to_owned() };
        let chain = tls::read_certificates(&path)?;
        let first = chain.first().ok_or_else(|| content("there is no certificate in it"))?;
        let old = describe(first).ok_or_else(|| content("it is no certificate"))?;
        if !self.dir.join("issued").join(format!("{}.crt", old.serial)).exists() {
            return Err(content("it was not issued here"));
        }
        let subject = tls::subject_of(first).ok_or_else(|| content("its subject cannot be renewed"))?;
        self.issue(&subject, days, prefix)
    }

    /// Every certificate that was issued, by the time at which it ends.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn list(&self) -> Result<Vec<Issued>, CertsError> {
        let dir = self.dir.join("issued");
        let file = |source| CertsError::File { path: dir.clone(), source };
        let mut all = Vec::new();
        for entry in fs::read_dir(&dir).map_err(file)? {
            let path = entry.map_err(file)?.path();
            let chain = tls::read_certificates(&path)?;
            all.extend(chain.first().and_then(|certificate| describe(certificate)));
        }
        all.sort_by(|a, b| (a.not_after, &a.subject).cmp(&(b.not_after, &b.subject)));
        Ok(all)
    }

    /// Signs a token.
    ///
    /// # Errors
    /// If the key is damaged.
    pub fn token(&self, claims: &Claims) -> Result<String, CertsError> {
        let key_id = key_id(&self.token_key)?;
        token::sign(claims, &key_id, &self.token_key).map_err(|error| CertsError::Token(error.to_string()))
    }
}

impl Subject {
    /// Its common name.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Server(names) => names.first().cloned().unwrap_or_default(),
            Self::Device(call_point) => call_point.to_string(),
            Self::Operator(name, _) => name.clone(),
        }
    }
}

fn params(name: &str, days: u64) -> Result<CertificateParams, CertsError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let (begin, length) = (token::now().saturating_sub(BACKDATED_S), days.saturating_mul(24 * 60 * 60));
    let at = |seconds: u64| std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    params.not_before = at(begin).into();
    params.not_after = at(begin.saturating_add(BACKDATED_S).saturating_add(length)).into();
    let mut serial = [0; 16];
    SystemRandom::new().fill(&mut serial).map_err(|_| CertsError::Random)?;
    // A serial number is positive and has no leading zero.
    if let Some(first) = serial.first_mut() {
        *first = (*first & 0x3f) | 0x40;
    }
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

/// What a certificate says of itself.
fn describe(certificate: &[u8]) -> Option<Issued> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let name = parsed.subject().iter_common_name().next()?.as_str().ok()?.to_owned();
    let role = parsed.subject().iter_organizational_unit().next().and_then(|unit| unit.as_str().ok());
    let subject = role.map_or(name.clone(), |role| format!("{name} ({role})"));
    let not_after = parsed.validity().not_after.timestamp();
    Some(Issued { serial: parsed.tbs_certificate.serial.to_str_radix(16), subject, not_after })
}

/// The public half of the token key as a JWKS document.
fn jwks(pkcs8: &[u8]) -> Result<String, CertsError> {
    let pair = ed25519(pkcs8)?;
    let key = serde_json::json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "use": "sig",
        "alg": "EdDSA",
        "kid": key_id(pkcs8)?,
        "x": base64url(pair.public_key().as_ref()),
    });
    Ok(format!("{:#}\n", serde_json::json!({ "keys": [key] })))
}

/// Names the token key by its public half.
fn key_id(pkcs8: &[u8]) -> Result<String, CertsError> {
    let digest = ring::digest::digest(&ring::digest::SHA256, ed25519(pkcs8)?.public_key().as_ref());
    Ok(base64url(digest.as_ref().get(..12).unwrap_or_default()))
}

fn ed25519(pkcs8: &[u8]) -> Result<Ed25519KeyPair, CertsError> {
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8)
        .map_err(|_| CertsError::Token("token.key is no Ed25519 key".to_owned()))
}

fn base64url(bytes: &[u8]) -> String {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// `PREFIX.crt` of `PREFIX`, whatever dots the prefix has.
fn extended(prefix: &Path, ending: &str) -> PathBuf {
    let mut name = prefix.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn secret(path: &Path, bytes: &[u8]) -> Result<(), CertsError> {
    secret_file::write(path, bytes).map_err(|source| CertsError::File { path: path.to_owned(), source })
}

fn public(path: &Path, bytes: &[u8]) -> Result<(), CertsError> {
    fs::write(path, bytes).map_err(|source| CertsError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests;
