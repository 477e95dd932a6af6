//! What call points prove with who they are, as far as the log says it.

use std::collections::HashMap;

use sos_proto::call_point::CallPoint;
use sos_proto::event::v1::DeviceAccessChanged;

/// Call points (`site/device`) with a password, or without access. The others need a certificate.
#[derive(Debug, Default)]
pub(super) struct Credentials(HashMap<String, Credential>);

#[derive(Debug)]
enum Credential {
    Revoked,
    Password(Box<str>),
}

impl Credentials {
    pub fn learn(&mut self, call_point: &CallPoint, access: &DeviceAccessChanged) {
        let name = call_point.to_string();
        if access.revoked {
            self.0.insert(name, Credential::Revoked);
        } else if access.password_hash.is_empty() {
            self.0.remove(&name);
        } else {
            self.0.insert(name, Credential::Password(access.password_hash.as_str().into()));
        }
    }

    pub fn is_revoked(&self, name: &str) -> bool {
        matches!(self.0.get(name), Some(Credential::Revoked))
    }

    pub fn password_hash(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            Credential::Password(hash) => Some(hash),
            Credential::Revoked => None,
        }
    }
}
