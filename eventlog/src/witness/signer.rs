//! The key that signs heads: an Ed25519 key in a PKCS#8 file.
//!
//! Invariant: the private key is in its file and in memory, and in nothing that is printed. Under its name
//! there is a whole key or no file.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::signed_head::{message, to_hex};
use super::{SignedHead, WitnessError, sync_parent};
use crate::Head;

/// Signs heads.
pub struct Signer(Ed25519KeyPair);

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("public_key", &to_hex(&self.public_key())).finish_non_exhaustive()
    }
}

impl Signer {
    /// Reads the key file at `path`, in PKCS#8 version 1 or 2. Makes a key where there is no file, readable
    /// for this user only.
    ///
    /// # Errors
    /// If the file cannot be read or made, or holds something else.
    pub fn open(path: &Path) -> Result<Self, WitnessError> {
        let pkcs8 = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(path).map_err(WitnessError::io("make the signing key", path))?
            }
            other => other.map_err(WitnessError::io("read the signing key", path))?,
        };
        // "Maybe unchecked": version 1, which openssl writes, names no public key to check against.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8);
        let pair = pair.map_err(|e| WitnessError::Key { path: path.to_owned(), reason: e.to_string() })?;
        Ok(Self(pair))
    }

    /// The Ed25519 public key: what a reader of the witness file should know from elsewhere.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        let mut key = [0; 32];
        key.copy_from_slice(self.0.public_key().as_ref());
        key
    }

    /// Signs a head; `signed_at` in microseconds since 1970.
    #[must_use]
    pub fn sign(&self, head: &Head, signed_at: i64) -> SignedHead {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.0.sign(&message(head, signed_at)).as_ref());
        SignedHead { position: head.position, hash: head.hash, signed_at, key: self.public_key(), signature }
    }
}

/// Makes a key, and a durable file of it.
fn create(path: &Path) -> io::Result<Vec<u8>> {
    let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
    let key = key.map_err(|_| io::Error::other("the system gives no random numbers"))?;
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    // Left by a crash, if at all, and then perhaps not whole.
    match fs::remove_file(&part) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => other?,
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    file.write_all(key.as_ref())?;
    file.sync_all()?;
    // A link, unlike a rename, never replaces a key.
    fs::hard_link(&part, path)?;
    fs::remove_file(&part)?;
    sync_parent(path)?;
    Ok(key.as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_key_is_made_once_and_for_this_user_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(dir.path().join("key.part"), "left by a crash").unwrap();
        let made = Signer::open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        let bytes = fs::read(&path).unwrap();
        let read = Signer::open(&path).unwrap();
        assert_eq!(read.public_key(), made.public_key());
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }

    #[test]
    fn what_is_no_key_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        for bytes in [&b""[..], b"-----BEGIN PRIVATE KEY-----"] {
            fs::write(&path, bytes).unwrap();
            let found = Signer::open(&path);
            assert!(matches!(found, Err(WitnessError::Key { .. })), "{found:?}");
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
        let found = Signer::open(dir.path());
        assert!(matches!(found, Err(WitnessError::Io { .. })), "{found:?}");
    }

    #[test]
    fn the_private_key_is_not_printed() {
        let dir = tempfile::tempdir().unwrap();
        let signer = Signer::open(&dir.path().join("key")).unwrap();
        let expected = format!("Signer {{ public_key: \"{}\", .. }}", to_hex(&signer.public_key()));
        assert_eq!(format!("{signer:?}"), expected);
    }
}
