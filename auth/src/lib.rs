//! Who is there, and what they may do.
//!
//! Devices and operators prove who they are by a certificate, operators also by a token and devices by a password.
//! [`policy`] says which role may call what; [`guard`] stands in front of the gRPC services and asks both. Nothing
//! here knows what an alert is.
//!
//! Invariant: a secret is in no log line, no error and no metric.

pub mod caller;
pub mod certs;
pub mod ending;
pub mod guard;
pub mod incoming;
pub mod log_limit;
pub mod origin;
pub mod password;
pub mod policy;
pub mod reload;
pub mod role;
pub mod secret_file;
pub mod tls;
pub mod token;

pub use caller::{Caller, Scope};
pub use guard::{Guard, Proof};
pub use incoming::Door;
pub use role::Role;
