//! The witness file: one signed head a line, only ever appended to, so that it may live where nothing can be
//! changed any more.
//!
//! Invariant: a line that was appended stays as it is. A line that a crash cut short is marked as torn before
//! the next one, and nothing else in the file is passed over.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::{SignedHead, WitnessError, sync_parent};

/// Most bytes of a line. A signed head has 367 at most; the rest is room for marks of torn lines (P10).
const LINE_BYTES_MAX: u64 = 512;

/// Ends a line that was cut short. More than one byte, so that no single changed byte makes a whole line one.
const TORN: &[u8] = b" torn\n";

/// A witness file to append to. One process at a time may have it.
#[derive(Debug)]
pub struct WitnessFile {
    path: PathBuf,
    file: File,
}

impl WitnessFile {
    /// Opens the file to append to it, and makes it where there is none.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn open(path: &Path) -> Result<Self, WitnessError> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path);
        let file = file.and_then(|file| sync_parent(path).map(|()| file));
        let file = file.map_err(WitnessError::io("open the witness file", path))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a line, and returns when it is on stable storage.
    ///
    /// # Errors
    /// If it is not known to be on stable storage, or `signed_at` is outside the years 1 to 9999.
    pub fn append(&mut self, head: &SignedHead) -> Result<(), WitnessError> {
        self.write(head).map_err(WitnessError::io("append to the witness file", &self.path))
    }

    fn write(&mut self, head: &SignedHead) -> io::Result<()> {
        let mut bytes = self.completion()?.to_vec();
        bytes.extend(head.to_line()?);
        bytes.push(b'\n');
        self.file.write_all(&bytes)?;
        self.file.sync_data()
    }

    /// What the last line lacks. Looked up each time: a full disk tears a line without a crash.
    fn completion(&self) -> io::Result<&'static [u8]> {
        let Some(last) = self.file.metadata()?.len().checked_sub(1) else { return Ok(b"") };
        let mut byte = [0];
        self.file.read_exact_at(&mut byte, last)?;
        Ok(match byte {
            [b'\n'] => b"",
            [b'}'] => b"\n",
            _ => TORN,
        })
    }
}

/// Reads a witness file and checks it: every signature, all with one key, namely `key` if it is given, and
/// positions that never go backwards nor have two digests. Without `key` this shows only that the lines are
/// one signer's, not whose.
///
/// # Errors
/// If the file cannot be read, or at the first line that cannot be trusted.
pub fn read(path: &Path, key: Option<[u8; 32]>) -> Result<Vec<SignedHead>, WitnessError> {
    let reading = || WitnessError::io("read the witness file", path);
    let mut file = BufReader::new(File::open(path).map_err(reading())?);
    let mut heads = Vec::new();
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let mut limited = file.by_ref().take(LINE_BYTES_MAX);
        if limited.read_until(b'\n', &mut bytes).map_err(reading())? == 0 {
            break;
        }
        let untrusted = |reason| WitnessError::Line { path: path.to_owned(), line, reason };
        let Some(head) = parse(&bytes).map_err(untrusted)? else { continue };
        let first: Option<&SignedHead> = heads.first();
        let key = key.or(first.map(|first| first.key));
        follow(key, heads.last(), &head).map_err(untrusted)?;
        heads.push(head);
    }
    Ok(heads)
}

/// The head of a line with its end; nothing for a torn line.
fn parse(bytes: &[u8]) -> Result<Option<SignedHead>, String> {
    let (line, torn) = match (bytes.strip_suffix(TORN), bytes.strip_suffix(b"\n")) {
        (Some(line), _) => (line, true),
        (None, Some(line)) => (line, false),
        (None, None) if bytes.len() as u64 == LINE_BYTES_MAX => return Err("it is too long".to_owned()),
        (None, None) => (bytes, true),
    };
    // A brace ends every whole line, and only those: P11 is not given up for a line without its end.
    if torn && !line.contains(&b'}') {
        return Ok(None);
    }
    SignedHead::from_line(line).map(Some)
}

/// Checks a head against the key it should have and the head before it (P11).
fn follow(key: Option<[u8; 32]>, previous: Option<&SignedHead>, head: &SignedHead) -> Result<(), String> {
    if key.is_some_and(|key| key != head.key) {
        return Err("it is signed with another key".to_owned());
    }
    match previous {
        Some(previous) if head.position < previous.position => {
            Err(format!("position {} comes after {}", head.position, previous.position))
        }
        Some(previous) if head.position == previous.position && head.hash != previous.hash => {
            Err(format!("position {} has another digest than before", head.position))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Signer;
    use super::*;
    use crate::Head;
    use std::fs;
    use tempfile::TempDir;

    struct Scene {
        dir: TempDir,
        signer: Signer,
    }

    impl Scene {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let signer = Signer::open(&dir.path().join("key")).unwrap();
            Self { dir, signer }
        }

        fn path(&self) -> PathBuf {
            self.dir.path().join("witness")
        }

        fn sign(&self, position: u64, byte: u8) -> SignedHead {
            self.signer.sign(&Head { position, hash: [byte; 32] }, 1_700_000_000_000_001)
        }

        fn append(&self, heads: &[SignedHead]) {
            let mut file = WitnessFile::open(&self.path()).unwrap();
            heads.iter().for_each(|head| file.append(head).unwrap());
        }

        /// The first line that is not trusted, and why.
        fn untrusted(&self, key: Option<[u8; 32]>) -> (usize, String) {
            match read(&self.path(), key) {
                Err(WitnessError::Line { path, line, reason }) if path == self.path() => (line, reason),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn heads_come_back() {
        let scene = Scene::new();
        scene.append(&[]);
        assert_eq!(read(&scene.path(), None).unwrap(), []);
        let heads = [scene.sign(1, 1), scene.sign(1, 1), scene.sign(u64::MAX, 2)];
        scene.append(&heads[..2]);
        scene.append(&heads[2..]);
        assert_eq!(read(&scene.path(), None).unwrap(), heads);
        assert_eq!(read(&scene.path(), Some(scene.signer.public_key())).unwrap(), heads);
    }

    #[test]
    fn a_missing_file_is_an_error() {
        let found = read(&Scene::new().path(), None);
        assert!(matches!(found, Err(WitnessError::Io { .. })), "{found:?}");
    }

    // P11: whatever byte of the file is changed, the file is not trusted, and the line is named.
    #[test]
    fn any_changed_byte_is_found() {
        let scene = Scene::new();
        scene.append(&[scene.sign(1, 1), scene.sign(2, 2), scene.sign(3, 3)]);
        let bytes = fs::read(scene.path()).unwrap();
        let mut line = 1;
        for at in 0..bytes.len() {
            for flip in [0x01, 0x20, bytes[at], bytes[at] ^ b'\n'] {
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                if changed != bytes {
                    fs::write(scene.path(), changed).unwrap();
                    assert_eq!(scene.untrusted(None).0, line, "byte {at} ^ {flip:#04x}");
                }
            }
            line += usize::from(bytes[at] == b'\n');
        }
    }

    /// A kill at any byte of an append loses that line and no other, now and after further appends.
    #[test]
    fn a_torn_last_line_is_passed_over() {
        let scene = Scene::new();
        let heads = [scene.sign(1, 1), scene.sign(2, 2), scene.sign(3, 3)];
        scene.append(&heads[..1]);
        let first = fs::read(scene.path()).unwrap();
        scene.append(&heads[1..2]);
        let both = fs::read(scene.path()).unwrap();
        for cut in first.len()..both.len() {
            // Without its newline only, a line is whole.
            let whole = if cut == both.len() - 1 { &heads[..2] } else { &heads[..1] };
            fs::write(scene.path(), &both[..cut]).unwrap();
            assert_eq!(read(&scene.path(), None).unwrap(), whole, "cut at {cut}");
            scene.append(&heads[2..]);
            assert_eq!(read(&scene.path(), None).unwrap(), [whole, &heads[2..]].concat(), "cut at {cut}");
        }
    }

    /// Nor does a second kill, while the torn line is completed, make the file unreadable.
    #[test]
    fn what_completes_a_torn_line_may_be_torn_itself() {
        let scene = Scene::new();
        let head = scene.sign(1, 1);
        scene.append(&[head]);
        let whole = fs::read(scene.path()).unwrap();
        for (first_cut, kept) in [(20, &[][..]), (whole.len() - 1, &[head][..])] {
            fs::write(scene.path(), &whole[..first_cut]).unwrap();
            scene.append(&[scene.sign(2, 2)]);
            let both = fs::read(scene.path()).unwrap();
            for cut in first_cut..both.len() - 2 {
                fs::write(scene.path(), &both[..cut]).unwrap();
                assert_eq!(read(&scene.path(), None).unwrap(), kept, "cut at {first_cut}, then {cut}");
                scene.append(&[scene.sign(3, 3)]);
                let heads = [kept, &[scene.sign(3, 3)]].concat();
                assert_eq!(read(&scene.path(), None).unwrap(), heads, "cut at {first_cut}, then {cut}");
            }
        }
    }

    #[test]
    fn what_is_not_torn_is_not_passed_over() {
        let scene = Scene::new();
        scene.append(&[scene.sign(1, 1)]);
        let first = fs::read(scene.path()).unwrap();
        for junk in [&b"\n"[..], b"{\"position\":\"2\"\n", b"{}", b"{} torn\n", &[b'x'; 600]] {
            fs::write(scene.path(), [&first[..], junk].concat()).unwrap();
            assert_eq!(scene.untrusted(None).0, 2, "{junk:?}");
        }
    }

    // P11: lines that are genuine one by one, but not the history of one log, are found.
    #[test]
    fn positions_go_forwards_and_have_one_digest() {
        let scene = Scene::new();
        scene.append(&[scene.sign(2, 2), scene.sign(3, 3), scene.sign(2, 2)]);
        assert_eq!(scene.untrusted(None), (3, "position 2 comes after 3".to_owned()));

        let scene = Scene::new();
        scene.append(&[scene.sign(2, 2), scene.sign(2, 3)]);
        assert_eq!(scene.untrusted(None), (2, "position 2 has another digest than before".to_owned()));
    }

    // P11: who can write the witness file but has no key cannot replace it.
    #[test]
    fn another_key_is_found() {
        let (scene, other) = (Scene::new(), Scene::new());
        let another = "it is signed with another key".to_owned();
        scene.append(&[scene.sign(1, 1), other.sign(2, 2)]);
        assert_eq!(scene.untrusted(None), (2, another.clone()));
        assert_eq!(scene.untrusted(Some(scene.signer.public_key())), (2, another.clone()));
        assert_eq!(scene.untrusted(Some(other.signer.public_key())), (1, another));
    }
}
