//! The keys, in a file of their own: `<magic>`, then for each key its id, the key and a checksum.
//!
//! A crash leaves whole keys only: a torn end is cut off. Erasing writes a new file without the erased keys and puts it
//! in the place of the old one.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

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
    known: RwLock<HashMap<KeyId, Key>>,
    /// Ids that somebody waits for; who has the file writes for all of them.
    wanted: Mutex<Vec<KeyId>>,
    file: Mutex<Written>,
}

/// The file, as far as it is sound.
struct Written {
    file: File,
    /// Length of what is whole and on stable storage; nothing once that is not known any more.
    sound: Option<u64>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
            replace(path, &HashMap::new()).and_then(|(_, synced)| synced).map_err(io)?;
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
        let file = Mutex::new(Written { file, sound: Some(whole as u64) });
        let known = RwLock::new(known);
        Ok(Self(Arc::new(Shared { path: path.to_owned(), known, wanted: Mutex::default(), file })))
    }

    /// A key, if it was not erased.
    pub(crate) fn get(&self, id: &KeyId) -> Option<Key> {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner).get(id).copied()
    }

    /// Keys with these ids, new ones where there are none, on stable storage.
    pub(crate) async fn make(&self, ids: Vec<KeyId>) -> Result<Vec<Key>, KeysError> {
        // Goes on to its end, whoever waits for it.
        let shared = Arc::clone(&self.0);
        self.told(tokio::task::spawn_blocking(move || shared.make(&ids)).await)
    }

    /// Erases keys for ever.
    pub(crate) async fn erase(&self, ids: HashSet<KeyId>) -> Result<(), KeysError> {
        let shared = Arc::clone(&self.0);
        self.told(tokio::task::spawn_blocking(move || shared.erase(&ids)).await)
    }

    fn told<T>(&self, done: Result<io::Result<T>, tokio::task::JoinError>) -> Result<T, KeysError> {
        let failed =
            |error: io::Error| KeysError::Io { path: self.0.path.clone(), reason: error.to_string() };
        done.map_err(io::Error::other).flatten().map_err(failed)
    }
}

impl Shared {
    fn find(&self, ids: &[KeyId]) -> Option<Vec<Key>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        ids.iter().map(|id| known.get(id).copied()).collect()
    }

    fn make(&self, ids: &[KeyId]) -> io::Result<Vec<Key>> {
        if let Some(keys) = self.find(ids) {
            return Ok(keys);
        }
        lock(&self.wanted).extend(ids);
        let mut written = lock(&self.file);
        // Who had the file before may have written them, too.
        if let Some(keys) = self.find(ids) {
            return Ok(keys);
        }
        let mut wanted: BTreeSet<KeyId> = std::mem::take(&mut *lock(&self.wanted)).into_iter().collect();
        wanted.extend(ids);
        let mut fresh = Vec::with_capacity(wanted.len());
        for id in wanted.into_iter().filter(|id| self.find(&[*id]).is_none()) {
            let mut key = Key::default();
            SystemRandom::new().fill(&mut key).map_err(|_| io::Error::other("no random numbers"))?;
            fresh.push((id, key));
        }
        written.append(&fresh.iter().flat_map(|(id, key)| encode(id, key)).collect::<Vec<_>>())?;
        self.known.write().unwrap_or_else(PoisonError::into_inner).extend(fresh);
        self.find(ids).ok_or_else(|| io::Error::other("a key was not made"))
    }

    fn erase(&self, ids: &HashSet<KeyId>) -> io::Result<()> {
        let mut written = lock(&self.file);
        let mut left = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        let before = left.len();
        left.retain(|id, _| !ids.contains(id));
        if left.len() == before {
            return Ok(());
        }
        // From here on the old file is nobody's, even if its directory cannot be synced.
        let (new, synced) = replace(&self.path, &left)?;
        *written = new;
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = left;
        synced
    }
}

impl Written {
    /// Appends whole records, or nothing.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let sound = self.sound.ok_or_else(|| io::Error::other("a write has failed before"))?;
        let appended = self.file.write_all(bytes).and_then(|()| self.file.sync_data());
        if let Err(error) = appended {
            // What was written of them must not come before what is written next.
            let cut = self.file.set_len(sound).and_then(|()| self.file.seek(SeekFrom::Start(sound)));
            self.sound = cut.ok();
            return Err(error);
        }
        self.sound = Some(sound + bytes.len() as u64);
        Ok(())
    }
}

/// Writes a file with these keys in the place of the one before, and answers with it, and whether that is known to
/// last.
fn replace(path: &Path, keys: &HashMap<KeyId, Key>) -> io::Result<(Written, io::Result<()>)> {
    let part = path.with_extension("part");
    let _left_over = fs::remove_file(&part);
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&part)?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend(keys.iter().flat_map(|(id, key)| encode(id, key)));
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    let synced = path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all());
    Ok((Written { file, sound: Some(bytes.len() as u64) }, synced))
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
        let made = keys.make(vec![[1; 16], [2; 16]]).await.unwrap();
        assert_ne!(made[0], made[1]);
        assert_eq!(keys.make(vec![[1; 16]]).await.unwrap(), made[..1]);
        drop(keys);
        let keys = Keys::open(&path).unwrap();
        assert_eq!((keys.get(&[1; 16]), keys.get(&[2; 16])), (Some(made[0]), Some(made[1])));
        keys.erase([[1; 16], [9; 16]].into()).await.unwrap();
        keys.erase([[1; 16]].into()).await.unwrap();
        let third = keys.make(vec![[3; 16]]).await.unwrap();
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(32).any(|window| window == made[0]), "not a byte of it is left");
        let keys = Keys::open(&path).unwrap();
        assert_eq!((keys.get(&[1; 16]), keys.get(&[3; 16])), (None, Some(third[0])));
    }

    #[tokio::test]
    async fn many_who_ask_together_get_the_same_keys_on_disk_even_if_some_give_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        let keys = Keys::open(&path).unwrap();
        let held = lock(&keys.0.file);
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..50_u8 {
            let keys = keys.clone();
            let id = [number % 10; 16];
            let made = tasks.spawn(async move { (id, keys.make(vec![id]).await.unwrap().remove(0)) });
            if number % 3 == 0 {
                made.abort();
            }
        }
        drop(held);
        let mut made = Vec::new();
        while let Some(one) = tasks.join_next().await {
            made.extend(one);
        }
        assert!(made.len() >= 30);
        let reopened = Keys::open(&path).unwrap();
        assert!(made.iter().all(|(id, key)| reopened.get(id) == Some(*key)));
    }

    #[tokio::test]
    async fn after_a_failed_write_the_file_is_as_sound_as_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        let keys = Keys::open(&path).unwrap();
        let first = keys.make(vec![[1; 16]]).await.unwrap();
        // A handle that may only be read stands for a disk that is full.
        let sound = std::mem::replace(&mut lock(&keys.0.file).file, File::open(&path).unwrap());
        assert!(keys.make(vec![[2; 16]]).await.is_err());
        assert_eq!(keys.get(&[2; 16]), None, "a key that is not on the disk is none");
        lock(&keys.0.file).file = sound;
        assert!(keys.make(vec![[2; 16]]).await.is_err(), "nobody knows what the file holds");
        let reopened = Keys::open(&path).unwrap();
        assert_eq!(reopened.get(&[1; 16]), Some(first[0]));
        assert!(reopened.make(vec![[2; 16]]).await.is_ok());
    }

    #[tokio::test]
    async fn a_torn_end_is_cut_off_and_damage_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        let made = Keys::open(&path).unwrap().make(vec![[1; 16], [2; 16]]).await.unwrap();
        let whole = fs::read(&path).unwrap();
        for length in MAGIC.len() + RECORD_BYTES..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let keys = Keys::open(&path).unwrap();
            assert_eq!((keys.get(&[1; 16]), keys.get(&[2; 16])), (Some(made[0]), None), "{length}");
            let again = keys.make(vec![[2; 16]]).await.unwrap();
            assert_eq!(Keys::open(&path).unwrap().get(&[2; 16]), Some(again[0]));
        }
        let mut damaged = whole.clone();
        damaged[20] ^= 1;
        fs::write(&path, damaged).unwrap();
        assert!(matches!(Keys::open(&path), Err(KeysError::Damaged { offset: 8, .. })));
    }
}
