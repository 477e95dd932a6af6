//! Signed heads of the event log, kept in a witness file outside its directory (P11).
//!
//! A chain of digests does not see that its newest batches were cut off, and the anchor lies where whoever
//! cuts can write. A head that was signed before, and is kept where they cannot write, shows it. This is not
//! the check of the log against them: see [`KnownHeads`](crate::KnownHeads).
//!
//! Invariant: the lines of one witness file are signed with one key, and their positions never go backwards.
//! To change the key, start a new witness file.

mod file;
mod keep;
mod signed_head;
mod signer;

use std::io;
use std::path::{Path, PathBuf};

pub use file::{WitnessFile, read};
pub use keep::keep;
pub use signed_head::SignedHead;
pub use signer::Signer;

use crate::store::sync_parent;

/// Why there is no signed head.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The system refused.
    #[error("failed to {doing} {path}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The key file holds something else.
    #[error("failed to use {path} as an Ed25519 key in PKCS#8: {reason}")]
    Key {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A line of a witness file is not as it was written, or does not follow from the one before it.
    #[error("failed to trust {path}, line {line}: {reason}")]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
}

impl WitnessError {
    /// What an I/O error means to whoever was `doing` something to `path`.
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }
}
