//! Bearer tokens: signed statements of who somebody is, what they may do, where, and for how long.
//!
//! A token is a JWT, signed with Ed25519 or ECDSA P-256 by a key whose public half is in a JWKS file. Who else may
//! issue tokens (an identity provider) puts its keys there. Invariant: what a token says of its own algorithm is not
//! believed; the key decides.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};

use crate::caller::{Caller, Scope, check_name};
use crate::role::Role;

/// Whom a token must be for.
pub const AUDIENCE: &str = "sos";

/// How far clocks may differ, in seconds.
pub(crate) const LEEWAY_S: u64 = 5;

/// Longest token, in bytes.
const TOKEN_BYTES_MAX: usize = 4 * 1024;

/// Tokens that are remembered once they were verified; beyond that all are forgotten.
const VERIFIED_MAX: usize = 10_000;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who.
    pub sub: String,
    /// What they may do.
    pub role: Role,
    /// In which regions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
    /// At which sites.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<String>,
    /// For whom it is: [`AUDIENCE`].
    pub aud: String,
    /// Not before, in seconds since 1970.
    pub nbf: u64,
    /// Until when, in seconds since 1970.
    pub exp: u64,
}

/// The keys that tokens may be signed with.
pub struct Keys {
    all: Vec<(Option<String>, Algorithm, DecodingKey)>,
    /// Digests of tokens that were verified, and whose they are: a signature takes longer to check than most requests.
    verified: Mutex<HashMap<[u8; 32], Caller>>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all.iter().map(|(id, ..)| id)).finish()
    }
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file.
    #[error("cannot read {path}: {reason}")]
    File {
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
    /// A key in it.
    #[error("{path}: key {number}: {reason}")]
    Key {
        /// The file.
        path: String,
        /// Which key, from 1.
        number: usize,
        /// Why.
        reason: String,
    },
    /// There is none.
    #[error("{0}: there is no key in it")]
    None(String),
}

/// Why a token is not accepted. Says nothing of what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token.
    #[error("it is no token")]
    Malformed,
    /// It is signed with a key that nobody knows, or not at all.
    #[error("it is signed with a key that is not known here")]
    UnknownKey,
    /// It was changed, or signed with another key.
    #[error("its signature is wrong")]
    Signature,
    /// It is too old.
    #[error("it has expired")]
    Expired,
    /// It is not valid yet.
    #[error("it is not valid yet")]
    Early,
    /// It is for somebody else.
    #[error("it is for another audience")]
    Audience,
    /// It does not say who, or what they may do.
    #[error("its claims are not complete")]
    Claims,
}

impl Keys {
    /// Reads a JWKS file (RFC 7517).
    ///
    /// # Errors
    /// If it holds something else, or a key that cannot be used.
    pub fn read(path: &Path) -> Result<Self, KeysError> {
        let name = || path.display().to_string();
        let file = |reason: String| KeysError::File { path: name(), reason };
        let text = fs::read_to_string(path).map_err(|error| file(error.to_string()))?;
        let set: JwkSet = serde_json::from_str(&text).map_err(|error| file(error.to_string()))?;
        let mut keys = Vec::new();
        for (number, jwk) in (1..).zip(&set.keys) {
            let wrong = |reason: &str| KeysError::Key { path: name(), number, reason: reason.to_owned() };
            let algorithm = match &jwk.algorithm {
                AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                    Algorithm::EdDSA
                }
                AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
                    Algorithm::ES256
                }
                _ => return Err(wrong("it is neither Ed25519 nor P-256")),
            };
            let key = DecodingKey::from_jwk(jwk).map_err(|_| wrong("it cannot be read"))?;
            keys.push((jwk.common.key_id.clone(), algorithm, key));
        }
        if keys.is_empty() {
            Err(KeysError::None(name()))
        } else {
            Ok(Self { all: keys, verified: Mutex::default() })
        }
    }

    /// Who a token says is asking, if it is to be believed.
    ///
    /// # Errors
    /// If it is not.
    pub fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Malformed);
        }
        let digest = blake3::hash(token.as_bytes()).into();
        let known = self.verified.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned();
        if let Some(caller) = known {
            let is_over = caller.expires_at.is_some_and(|at| at.saturating_add(LEEWAY_S) < now());
            return if is_over { Err(TokenError::Expired) } else { Ok(caller) };
        }
        let caller = self.check(token)?;
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= VERIFIED_MAX {
            verified.clear();
        }
        verified.insert(digest, caller.clone());
        Ok(caller)
    }

    fn check(&self, token: &str) -> Result<Caller, TokenError> {
        let key_id = decode_header(token).map_err(|_| TokenError::Malformed)?.kid;
        let named = |(id, ..): &&(Option<String>, Algorithm, DecodingKey)| key_id.is_none() || *id == key_id;
        let mut candidates = self.all.iter().filter(named);
        let (Some((_, algorithm, key)), None) = (candidates.next(), candidates.next()) else {
            return Err(TokenError::UnknownKey);
        };
        let mut validation = Validation::new(*algorithm);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "nbf", "aud", "sub"]);
        (validation.validate_nbf, validation.leeway) = (true, LEEWAY_S);
        let claims = decode::<Claims>(token, key, &validation).map_err(|error| refusal(&error))?.claims;
        let (regions, sites) = (claims.regions, claims.sites);
        // An empty name is no scope, and a scope of none but such is not everything.
        if regions.iter().chain(&sites).any(String::is_empty) || check_name(&claims.sub).is_err() {
            return Err(TokenError::Claims);
        }
        let scope = Scope { regions: regions.into_iter().collect(), sites: sites.into_iter().collect() };
        Ok(Caller { name: claims.sub, role: claims.role, scope, expires_at: Some(claims.exp) })
    }
}

fn refusal(error: &jsonwebtoken::errors::Error) -> TokenError {
    use jsonwebtoken::errors::ErrorKind;
    match error.kind() {
        ErrorKind::InvalidSignature => TokenError::Signature,
        ErrorKind::InvalidAlgorithm => TokenError::UnknownKey,
        ErrorKind::ExpiredSignature => TokenError::Expired,
        ErrorKind::ImmatureSignature => TokenError::Early,
        ErrorKind::InvalidAudience => TokenError::Audience,
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::Json(_) => TokenError::Claims,
        _ => TokenError::Malformed,
    }
}

/// Signs a token with a key, an Ed25519 key in PKCS#8.
///
/// # Errors
/// If the key is none.
pub fn sign(claims: &Claims, key_id: &str, pkcs8: &[u8]) -> Result<String, jsonwebtoken::errors::Error> {
    let header = Header { kid: Some(key_id.to_owned()), ..Header::new(Algorithm::EdDSA) };
    encode(&header, claims, &EncodingKey::from_ed_der(pkcs8))
}

/// Seconds since 1970.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "tokens and certificates are of this world's time")]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
