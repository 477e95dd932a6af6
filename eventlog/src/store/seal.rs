//! What is known of a segment that is not written any more: where it begins and ends in the chain, and the
//! digest of each of its files. `docs/log-format.md` has the bytes.
//!
//! A seal makes every byte of a segment count, also those that sled does not use (P11).

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::{Sealed, StoreError, Tail, files};
use crate::record::Hash;
use crate::{Head, POSITION_MAX};

/// The file of a sealed segment, which is never written again.
pub(super) const SEAL: &str = "seal";

/// The file of a segment that was closed cleanly and may be written again.
pub(super) const CLOSED: &str = "closed";

const MAGIC: &[u8; 8] = b"SOSSEAL1";

/// Most bytes of a seal; its files are counted in tens.
const SEAL_BYTES_MAX: u64 = 1024 * 1024;

/// What is known of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seal {
    pub first: u64,
    pub sealed: Sealed,
    files: Vec<FileDigest>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct FileDigest {
    name: String,
    bytes: u64,
    digest: Hash,
}

impl Seal {
    /// Digests the files of a segment as they are.
    pub fn of(dir: &Path, first: u64, sealed: Sealed) -> io::Result<Self> {
        let names = files::list(dir)?.into_iter().filter(|name| !is_ours(name));
        let files = names.map(|name| FileDigest::of(dir, name)).collect::<io::Result<_>>()?;
        Ok(Self { first, sealed, files })
    }

    /// Digests the one file that a segment was moved to.
    pub fn of_file(path: &Path, first: u64, sealed: Sealed) -> io::Result<Self> {
        let name =
            path.to_str().ok_or_else(|| io::Error::other(format!("{} is no UTF-8", path.display())))?;
        let file = FileDigest::of(Path::new(""), name.to_owned())?;
        Ok(Self { first, sealed, files: vec![file] })
    }

    /// The one file of a segment that was moved.
    pub fn only_file(&self) -> Option<PathBuf> {
        match &self.files[..] {
            [file] => Some(PathBuf::from(&file.name)),
            _ => None,
        }
    }

    /// Checks that the file that a segment was moved to is the one that was sealed.
    pub fn check_file(&self, path: &Path) -> Result<(), StoreError> {
        let now = Self::of_file(path, self.first, self.sealed)
            .map_err(|e| StoreError::failed(format!("cannot read {}", path.display()), &e))?;
        if now == *self {
            return Ok(());
        }
        Err(StoreError::damaged(format!("{} is not what was written", path.display())))
    }

    /// Makes the files durable that it names, and the directories that hold them.
    pub fn sync_files(&self, dir: &Path) -> io::Result<()> {
        for file in &self.files {
            let path = dir.join(&file.name);
            File::open(&path)?.sync_all()?;
            files::sync_parent(&path)?;
        }
        files::sync_dir(dir)
    }

    /// Checks that the files are those that were sealed: none changed, none missing, none added.
    pub fn check(&self, dir: &Path) -> Result<(), StoreError> {
        let now = Self::of(dir, self.first, self.sealed)
            .map_err(|e| StoreError::failed(format!("cannot read {}", dir.display()), &e))?;
        let damaged =
            |what: &str, name: &str| Err(StoreError::damaged(format!("{} {what}", dir.join(name).display())));
        for file in &self.files {
            match now.files.iter().find(|f| f.name == file.name) {
                None => return damaged("is missing", &file.name),
                Some(found) if found != file => return damaged("is not what was written", &file.name),
                Some(_) => {}
            }
        }
        match now.files.iter().find(|f| !self.files.iter().any(|known| known.name == f.name)) {
            Some(added) => damaged("was added", &added.name),
            None => Ok(()),
        }
    }

    /// The seal in a file; nothing where there is no file.
    pub fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let bytes = match std::fs::metadata(path).map(|m| m.len()) {
            Ok(bytes) if bytes > SEAL_BYTES_MAX => {
                return Err(StoreError::damaged(format!("{} is too large", path.display())));
            }
            Ok(_) => std::fs::read(path),
            Err(error) => Err(error),
        };
        match bytes {
            Ok(bytes) => Self::decode(&bytes)
                .map(Some)
                .ok_or_else(|| StoreError::damaged(format!("{} is not what was written", path.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::failed(format!("cannot read {}", path.display()), &error)),
        }
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let Sealed { previous, tail } = self.sealed;
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&self.first.to_be_bytes());
        bytes.extend_from_slice(&tail.head.position.to_be_bytes());
        bytes.extend_from_slice(&previous);
        bytes.extend_from_slice(&tail.head.hash);
        bytes.extend_from_slice(&tail.recorded_at.to_be_bytes());
        bytes.extend_from_slice(&u32::try_from(self.files.len()).unwrap_or(u32::MAX).to_be_bytes());
        for file in &self.files {
            bytes.extend_from_slice(&u16::try_from(file.name.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend_from_slice(file.name.as_bytes());
            bytes.extend_from_slice(&file.bytes.to_be_bytes());
            bytes.extend_from_slice(&file.digest);
        }
        let digest = blake3::hash(&bytes);
        bytes.extend_from_slice(digest.as_bytes());
        bytes
    }

    /// Reads its bytes; nothing if one of them is not as it was written.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, digest) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
        if blake3::hash(body).as_bytes() != digest {
            return None;
        }
        let mut rest = Reader(body.strip_prefix(MAGIC)?);
        let first = rest.u64()?;
        let position = rest.u64()?;
        let previous = rest.array()?;
        let head = Head { position, hash: rest.array()? };
        let recorded_at = i64::from_be_bytes(rest.array()?);
        let mut files = Vec::new();
        for _ in 0..u32::from_be_bytes(rest.array()?) {
            let name = u16::from_be_bytes(rest.array()?);
            let name = String::from_utf8(rest.take(usize::from(name))?.to_vec()).ok()?;
            files.push(FileDigest { name, bytes: rest.u64()?, digest: rest.array()? });
        }
        let sealed = Sealed { previous, tail: Tail { head, recorded_at } };
        (rest.0.is_empty() && position <= POSITION_MAX).then_some(Self { first, sealed, files })
    }
}

impl FileDigest {
    fn of(dir: &Path, name: String) -> io::Result<Self> {
        let mut hasher = blake3::Hasher::new();
        let bytes = io::copy(&mut File::open(dir.join(&name))?, &mut hasher)?;
        Ok(Self { name, bytes, digest: *hasher.finalize().as_bytes() })
    }
}

fn is_ours(name: &str) -> bool {
    [SEAL, CLOSED].iter().any(|ours| name.strip_prefix(ours).is_some_and(|rest| matches!(rest, "" | ".part")))
}

/// Takes fields from the front of a slice.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(n)?;
        self.0 = tail;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.array()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal() -> Seal {
        let tail = Tail { head: Head { position: 9, hash: [3; 32] }, recorded_at: -5 };
        let files = vec![FileDigest { name: "db".to_owned(), bytes: 7, digest: [4; 32] }];
        Seal { first: 5, sealed: Sealed { previous: [2; 32], tail }, files }
    }

    /// The format is a contract: these bytes never change for version 1.
    #[test]
    fn golden_bytes() {
        let expected = [
            b"SOSSEAL1".to_vec(),
            5u64.to_be_bytes().to_vec(),
            9u64.to_be_bytes().to_vec(),
            vec![2; 32],
            vec![3; 32],
            (-5i64).to_be_bytes().to_vec(),
            1u32.to_be_bytes().to_vec(),
            2u16.to_be_bytes().to_vec(),
            b"db".to_vec(),
            7u64.to_be_bytes().to_vec(),
            vec![4; 32],
        ]
        .concat();
        let bytes = seal().encode();
        assert_eq!(bytes[..bytes.len() - 32], expected);
        assert_eq!(Seal::decode(&bytes), Some(seal()));
    }

    // P11: no byte of a seal can be changed unseen.
    #[test]
    fn any_changed_byte_is_found() {
        let good = seal().encode();
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 0x40;
            assert_eq!(Seal::decode(&bytes), None, "byte {at}");
            assert_eq!(Seal::decode(&good[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn changed_missing_and_added_files_are_named() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["conf", "db"] {
            std::fs::write(dir.path().join(name), name).unwrap();
        }
        let seal = Seal::of(dir.path(), 5, seal().sealed).unwrap();
        files::write_whole(&dir.path().join(SEAL), &seal.encode()).unwrap();
        let complaint = || seal.check(dir.path()).unwrap_err().to_string();
        seal.check(dir.path()).unwrap();
        std::fs::write(dir.path().join("db"), "dc").unwrap();
        assert!(complaint().ends_with("db is not what was written"), "{}", complaint());
        std::fs::remove_file(dir.path().join("db")).unwrap();
        assert!(complaint().ends_with("db is missing"), "{}", complaint());
        std::fs::write(dir.path().join("db"), "db").unwrap();
        std::fs::create_dir(dir.path().join("blobs")).unwrap();
        std::fs::write(dir.path().join("blobs/7"), "").unwrap();
        assert!(complaint().ends_with("blobs/7 was added"), "{}", complaint());
    }
}
