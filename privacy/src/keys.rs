//! The keys, in a file of their own: `<magic>`, then for each key its id, the key and a checksum.
//!
//! A crash leaves whole keys only: a torn end is cut off. Erasing writes a new file without the erased keys and puts it
//! in the place of the old one.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ring::rand::{SecureRandom as _, SystemRandom};

/// Names a key.
pub(crate) type KeyId = [u8; 16];

/// A key.
pub(crate) type Key = [u8; 32];

const MAGIC: &[u8; 8] = b"SOSKEY01";

/// Bytes of a key in the file: id, key, checksum.
const RECORD_BYTES: usize = 16 + 32 + 4;

/// Why keys cannot be kept or read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeysError {
    /// The disk.
    #[error("cannot use the keys of personal data in {path}: {reason}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file is something else, or damaged.
    #[error("{path} is damaged at byte {offset}: restore it from its backup")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: usize,
    },
}

/// The keys. Clones share them.
#[derive(Clone)]
pub struct Keys(Arc<Shared>);

struct Shared {
    path: PathBuf,
    known: Mutex<HashMap<KeyId, Key>>,
    /// Who holds it writes.
    file: Mutex<File>,
    /// Keys that wait to be written, and who writes for all of them.
    waiting: Mutex<Vec<(KeyId, Key)>>,
    writing: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("path", &self.0.path).finish_non_exhaustive()
    }
}

impl Keys {
    /// Opens the file, and makes it where there is none. Blocks.
    ///
    /// # Errors
    /// If it cannot be used, or is damaged before its end.
    pub fn open(path: &Path) -> Result<Self, KeysError> {
        let io = |error: io::Error| KeysError::Io { path: path.to_owned(), reason: error.to_string() };
        if !path.exists() {
            replace(path, &HashMap::new()).map_err(io)?;
        }
        let bytes = fs::read(path).map_err(io)?;
        let damaged = |offset| KeysError::Damaged { path: path.to_owned(), offset };
        let records = bytes.strip_prefix(MAGIC).ok_or_else(|| damaged(0))?;
        let mut known = HashMap::new();
        let mut whole = MAGIC.len();
        for record in records.chunks(RECORD_BYTES) {
            match decode(record) {
                Some((id, key)) => drop(known.insert(id, key)),
                // Torn by a crash: nobody was told that it is there.
                None if whole + RECORD_BYTES >= bytes.len() => break,
                None => return Err(damaged(whole)),
            }
            whole += RECORD_BYTES;
        }
        let mut file = File::options().write(true).open(path).map_err(io)?;
        file.set_len(whole as u64).and_then(|()| file.seek(SeekFrom::End(0))).map_err(io)?;
        let (known, file) = (Mutex::new(known), Mutex::new(file));
        let (waiting, writing) = (Mutex::default(), tokio::sync::Mutex::default());
        Ok(Self(Arc::new(Shared { path: path.to_owned(), known, file, waiting, writing })))
    }

    /// A key, if it was not erased.
    pub(crate) fn get(&self, id: &KeyId) -> Option<Key> {
        lock(&self.0.known).get(id).copied()
    }

    /// Keys with these ids, new ones where there are none, on stable storage.
    pub(crate) async fn make(&self, ids: &[KeyId]) -> Result<Vec<Key>, KeysError> {
        let (keys, fresh) = self.found(ids)?;
        if fresh {
            // One writes for all who wait.
            let _turn = self.0.writing.lock().await;
            let waiting = lock(&self.0.waiting).clone();
            if !waiting.is_empty() {
                let shared = Arc::clone(&self.0);
                let written = tokio::task::spawn_blocking(move || shared.write(&waiting)).await;
                written
                    .map_err(io::Error::other)
                    .flatten()
                    .map_err(|error| self.failed(&error.to_string()))?;
            }
        }
        Ok(keys)
    }

    /// Keys with these ids, and whether one of them still has to be written.
    fn found(&self, ids: &[KeyId]) -> Result<(Vec<Key>, bool), KeysError> {
        // Held all the time, so that nobody makes another key for the same id.
        let mut waiting = lock(&self.0.waiting);
        let (mut keys, mut fresh) = (Vec::with_capacity(ids.len()), false);
        for id in ids {
            if let Some(key) = self.get(id) {
                keys.push(key);
                continue;
            }
            fresh = true;
            let waits = waiting.iter().find(|(waits, _)| waits == id).map(|(_, key)| *key);
            keys.push(match waits {
                Some(key) => key,
                None => {
                    let mut key = Key::default();
                    SystemRandom::new().fill(&mut key).map_err(|_| self.failed("no random numbers"))?;
                    waiting.push((*id, key));
                    key
                }
            });
        }
        Ok((keys, fresh))
    }

    /// Erases keys for ever.
    pub(crate) async fn erase(&self, ids: Vec<KeyId>) -> Result<(), KeysError> {
        let _turn = self.0.writing.lock().await;
        let shared = Arc::clone(&self.0);
        let erased = tokio::task::spawn_blocking(move || shared.erase(&ids)).await;
        erased.map_err(io::Error::other).flatten().map_err(|error| self.failed(&error.to_string()))
    }

    fn failed(&self, reason: &str) -> KeysError {
        KeysError::Io { path: self.0.path.clone(), reason: reason.to_owned() }
    }
}

impl Shared {
    fn write(&self, keys: &[(KeyId, Key)]) -> io::Result<()> {
        let bytes: Vec<u8> = keys.iter().flat_map(|(id, key)| encode(id, key)).collect();
        let mut file = lock(&self.file);
        file.write_all(&bytes)?;
        file.sync_data()?;
        // Known before it waits no more: there is no moment at which it is neither.
        lock(&self.known).extend(keys.iter().copied());
        lock(&self.waiting).drain(..keys.len());
        Ok(())
    }

    fn erase(&self, ids: &[KeyId]) -> io::Result<()> {
        let mut file = lock(&self.file);
        let mut left = lock(&self.known).clone();
        let before = left.len();
        left.retain(|id, _| !ids.contains(id));
        if left.len() == before {
            return Ok(());
        }
        replace(&self.path, &left)?;
        *file = File::options().append(true).open(&self.path)?;
        *lock(&self.known) = left;
        Ok(())
    }
}

/// Writes a file with these keys in the place of the one before.
fn replace(path: &Path, keys: &HashMap<KeyId, Key>) -> io::Result<()> {
    let part = path.with_extension("part");
    let _left_over = fs::remove_file(&part);
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&part)?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend(keys.iter().flat_map(|(id, key)| encode(id, key)));
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

fn encode(id: &KeyId, key: &Key) -> Vec<u8> {
    let record = [&id[..], key].concat();
    let checksum = crc32c::crc32c(&record);
    [&record[..], &checksum.to_be_bytes()].concat()
}

fn decode(record: &[u8]) -> Option<(KeyId, Key)> {
    let (id, rest) = record.split_first_chunk::<16>()?;
    let (key, checksum) = rest.split_first_chunk::<32>()?;
    let sound = crc32c::crc32c(&[&id[..], key].concat()).to_be_bytes() == *checksum;
    sound.then_some((*id, *key))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_lasts_until_it_is_erased() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        let keys = Keys::open(&path).unwrap();
        let made = keys.make(&[[1; 16], [2; 16]]).await.unwrap();
        assert_ne!(made[0], made[1]);
        assert_eq!(keys.make(&[[1; 16]]).await.unwrap(), made[..1]);
        drop(keys);
        let keys = Keys::open(&path).unwrap();
        assert_eq!((keys.get(&[1; 16]), keys.get(&[2; 16])), (Some(made[0]), Some(made[1])));
        keys.erase(vec![[1; 16], [9; 16]]).await.unwrap();
        keys.erase(vec![[1; 16]]).await.unwrap();
        let third = keys.make(&[[3; 16]]).await.unwrap();
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(32).any(|window| window == made[0]), "not a byte of it is left");
        let keys = Keys::open(&path).unwrap();
        assert_eq!((keys.get(&[1; 16]), keys.get(&[3; 16])), (None, Some(third[0])));
    }

    #[tokio::test]
    async fn a_torn_end_is_cut_off_and_damage_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        let made = Keys::open(&path).unwrap().make(&[[1; 16], [2; 16]]).await.unwrap();
        let whole = fs::read(&path).unwrap();
        for length in MAGIC.len() + RECORD_BYTES..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let keys = Keys::open(&path).unwrap();
            assert_eq!((keys.get(&[1; 16]), keys.get(&[2; 16])), (Some(made[0]), None), "{length}");
            let again = keys.make(&[[2; 16]]).await.unwrap();
            assert_eq!(Keys::open(&path).unwrap().get(&[2; 16]), Some(again[0]));
        }
        let mut damaged = whole.clone();
        damaged[20] ^= 1;
        fs::write(&path, damaged).unwrap();
        assert!(matches!(Keys::open(&path), Err(KeysError::Damaged { offset: 8, .. })));
    }
}
