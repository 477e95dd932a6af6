//! Who may connect to the embedded broker, and where they may publish and listen.
//!
//! A call point is `{site}/{device}`: that is its user name or the common name of its certificate, its client id, and
//! the only part of the topics below `sos/v1/` that is its. Invariant: where call points prove who they are, none can
//! speak, listen or leave a last will as another (P1 to P3 are about presses of whom they say they are from).

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use sos_proto::call_point::{CallPoint, Leaf, TOPIC_ROOT};
use tokio::sync::Semaphore;

use crate::devices::Devices;

/// How call points prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Auth {
    /// They do not.
    #[default]
    None,
    /// By user name and password.
    Password,
    /// By certificate.
    Certificate,
}

/// What a connection presents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Presented<'a> {
    pub client_id: &'a str,
    pub username: Option<&'a str>,
    pub password: Option<&'a [u8]>,
    /// Common name of its certificate, which somebody we trust vouches for.
    pub common_name: Option<&'a str>,
    /// Topic of its last will.
    pub will: Option<&'a str>,
}

/// Why a connection is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    #[error("user name: must be site/device")]
    Username,
    #[error("certificate: its common name must be site/device")]
    CommonName,
    #[error("password: is wrong, or the call point has none")]
    Password,
    #[error("client id: must be {0}, as the call point that connects")]
    ClientId(CallPoint),
    #[error("last will: must be the state topic of {0}")]
    Will(CallPoint),
    #[error("access of {0} is revoked")]
    Revoked(CallPoint),
}

/// Decides who may connect.
pub(crate) struct Access {
    auth: Auth,
    devices: Arc<RwLock<Devices>>,
    /// Turns to check a password: each takes 19 MiB and 20 ms. Who waits for one is bounded by the connections that
    /// have not said who they are yet.
    checks: Semaphore,
    /// Digests of passwords that were right, with the hash they were checked against, so that call points that come
    /// back together are not held up.
    right: Mutex<HashMap<String, blake3::Hash>>,
    secret: [u8; 32],
}

impl Access {
    pub fn new(auth: Auth, devices: Arc<RwLock<Devices>>) -> Self {
        let mut secret = [0; 32];
        let random = [uuid::Uuid::new_v4().into_bytes(), uuid::Uuid::new_v4().into_bytes()].concat();
        secret.copy_from_slice(&random);
        let checks = Semaphore::new(std::thread::available_parallelism().map_or(2, NonZeroUsize::get));
        Self { auth, devices, checks, right: Mutex::default(), secret }
    }

    /// Whether call points prove who they are.
    pub fn is_on(&self) -> bool {
        self.auth != Auth::None
    }

    /// Lets a connection in, or says why not.
    pub async fn admit(&self, presented: Presented<'_>) -> Result<(), Denied> {
        let call_point: CallPoint = match self.auth {
            Auth::None => return Ok(()),
            Auth::Certificate => {
                let name = presented.common_name.filter(|name| presented.username == Some(*name));
                name.and_then(|name| name.parse().ok()).ok_or(Denied::CommonName)?
            }
            Auth::Password => {
                presented.username.and_then(|name| name.parse().ok()).ok_or(Denied::Username)?
            }
        };
        let name = call_point.to_string();
        if self.is_revoked(&name) {
            return Err(Denied::Revoked(call_point));
        }
        if self.auth == Auth::Password {
            self.check(&name, presented.password.unwrap_or_default()).await?;
            // It may have been taken away while the password was checked.
            if self.is_revoked(&name) {
                return Err(Denied::Revoked(call_point));
            }
        }
        if presented.client_id != name {
            return Err(Denied::ClientId(call_point));
        }
        match presented.will {
            Some(will) if will != call_point.topic(Leaf::State) => Err(Denied::Will(call_point)),
            _ => Ok(()),
        }
    }

    /// Whether a connection may publish as a call point. Where nobody proves who they are, everybody may.
    pub fn may_publish(&self, username: Option<&str>, call_point: &CallPoint) -> bool {
        !self.is_on() || username.is_some_and(|name| call_point.is_named(name) && !self.is_revoked(name))
    }

    /// Whether a connection may listen to a topic filter.
    pub fn may_subscribe(&self, username: Option<&str>, filter: &str) -> bool {
        if !self.is_on() {
            return true;
        }
        let username = username.filter(|name| !self.is_revoked(name));
        let leaf = username.and_then(|name| below(name, filter));
        leaf.is_some_and(|leaf| {
            matches!(leaf, "receipt" | "feedback" | "state" | "event" | "health" | "+" | "#")
        })
    }

    fn is_revoked(&self, name: &str) -> bool {
        self.devices.read().unwrap_or_else(PoisonError::into_inner).is_revoked(name)
    }

    fn hash_of(&self, name: &str) -> Option<String> {
        let devices = self.devices.read().unwrap_or_else(PoisonError::into_inner);
        devices.password_hash(name).map(str::to_owned)
    }

    /// Checks a password. Nobody is locked out for wrong ones: they have 160 random bits, and a lock would be a way to
    /// silence another.
    async fn check(&self, name: &str, password: &[u8]) -> Result<(), Denied> {
        let hash = self.hash_of(name).ok_or(Denied::Password)?;
        let mut digest = blake3::Hasher::new_keyed(&self.secret);
        digest.update(hash.as_bytes()).update(&[0]).update(password);
        let digest = digest.finalize();
        if self.right.lock().unwrap_or_else(PoisonError::into_inner).get(name) == Some(&digest) {
            return Ok(());
        }
        let _turn = self.checks.acquire().await.map_err(|_| Denied::Password)?;
        let (password, checked) = (password.to_owned(), hash.clone());
        let right =
            tokio::task::spawn_blocking(move || sos_auth::password::verify(&password, &checked)).await;
        // Another one may have been set while this one was checked.
        if !right.is_ok_and(|right| right) || self.hash_of(name) != Some(hash) {
            return Err(Denied::Password);
        }
        self.right.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), digest);
        Ok(())
    }
}

/// The last level of a topic of a call point; nothing if the topic is another's.
fn below<'a>(name: &str, topic: &'a str) -> Option<&'a str> {
    let rest = topic.strip_prefix(TOPIC_ROOT)?.strip_prefix('/')?.strip_prefix(name)?.strip_prefix('/')?;
    (!rest.contains('/')).then_some(rest)
}

#[cfg(test)]
mod tests;
