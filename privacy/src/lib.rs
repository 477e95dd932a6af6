//! Personal data in a log that is never changed: locations that devices report, and notes.
//!
//! [`PrivateLog`] stands in front of a log. On the way in it encrypts what is personal in an event under a key of that
//! event alone; on the way out it decrypts it again. The keys are in a file of their own ([`Keys`]). Who erases a key
//! erases the data, in every copy of the log, and the log's chain is what it was (P11).
//!
//! Invariant: a key is on stable storage before anything that it is needed for.

mod keys;
mod log;
mod seal;

pub use keys::{Keys, KeysError};
pub use log::PrivateLog;
