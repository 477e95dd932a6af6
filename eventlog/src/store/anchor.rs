//! How far the log came, kept beside what it stores.
//!
//! sled takes a damaged end for a write that a crash cut short, and opens without it. The anchor knows
//! better: a log that is shorter than its anchor has lost what was acknowledged. It is written after the
//! log is durable and not synced itself, so it is never ahead of the log and costs no disk time; after a
//! power cut it may be behind.
//!
//! Two slots are written in turn, so that a write that is cut short leaves the other.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Head, POSITION_MAX};

/// Position, digest, CRC32C of both.
const SLOT_BYTES: usize = 8 + 32 + 4;

/// What an anchor file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchored {
    /// There is no file, or nothing was written to it yet.
    Nothing,
    /// The log had come so far.
    Reached(Head),
    /// Neither slot can be read, or one of them was changed.
    Damaged,
}

/// The file `head` in the directory of the log, open for writing.
#[derive(Debug)]
pub(super) struct Anchor {
    file: File,
    second: AtomicBool,
}

impl Anchor {
    /// Opens the file, and makes it where there is none. Its directory must be synced by the caller.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let slots = slots(&read_file(&file)?);
        let second = matches!(slots, [Slot::Head(one), Slot::Head(two)] if one.position > two.position)
            || matches!(slots, [Slot::Head(_), Slot::Empty | Slot::Damaged]);
        if file.metadata()?.len() < 2 * SLOT_BYTES as u64 {
            file.set_len(2 * SLOT_BYTES as u64)?;
            file.sync_all()?;
        }
        Ok(Self { file, second: AtomicBool::new(second) })
    }

    /// Remembers a head, over the older slot.
    pub fn write(&self, head: &Head) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(SLOT_BYTES);
        bytes.extend_from_slice(&head.position.to_be_bytes());
        bytes.extend_from_slice(&head.hash);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
        let second = self.second.fetch_xor(true, Ordering::Relaxed);
        self.file.write_all_at(&bytes, if second { SLOT_BYTES as u64 } else { 0 })
    }

    /// Makes it durable, at the end of a segment and of a run.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// What the anchor file at `path` says.
pub(super) fn read(path: &Path) -> io::Result<Anchored> {
    let bytes = match File::open(path) {
        Ok(file) => read_file(&file)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Anchored::Nothing),
        Err(error) => return Err(error),
    };
    if bytes.is_empty() {
        return Ok(Anchored::Nothing);
    }
    if bytes.len() != 2 * SLOT_BYTES {
        return Ok(Anchored::Damaged);
    }
    Ok(match slots(&bytes) {
        [Slot::Damaged, _] | [_, Slot::Damaged] => Anchored::Damaged,
        [Slot::Empty, Slot::Empty] => Anchored::Nothing,
        [Slot::Head(one), Slot::Head(two)] if two.position > one.position => Anchored::Reached(two),
        [Slot::Head(head), _] | [Slot::Empty, Slot::Head(head)] => Anchored::Reached(head),
    })
}

#[derive(Debug, Clone, Copy)]
enum Slot {
    Empty,
    Head(Head),
    Damaged,
}

fn slots(bytes: &[u8]) -> [Slot; 2] {
    let mut slots = bytes.chunks(SLOT_BYTES).map(slot);
    [(); 2].map(|()| slots.next().unwrap_or(Slot::Empty))
}

fn slot(bytes: &[u8]) -> Slot {
    if bytes.iter().all(|b| *b == 0) {
        return Slot::Empty;
    }
    let parse = || {
        let (body, crc) = bytes.split_at_checked(SLOT_BYTES - 4)?;
        let (position, hash) = body.split_at_checked(8)?;
        let crc = u32::from_be_bytes(crc.try_into().ok()?);
        let head =
            Head { position: u64::from_be_bytes(position.try_into().ok()?), hash: hash.try_into().ok()? };
        (crc == crc32c::crc32c(body) && head.position <= POSITION_MAX).then_some(head)
    };
    parse().map_or(Slot::Damaged, Slot::Head)
}

fn read_file(file: &File) -> io::Result<Vec<u8>> {
    // One byte more than there should be, so that a longer file is noticed.
    let mut bytes = vec![0; 2 * SLOT_BYTES + 1];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(position: u64) -> Head {
        Head { position, hash: [position as u8; 32] }
    }

    #[test]
    fn the_newest_of_two_slots_counts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("head");
        assert_eq!(read(&path).unwrap(), Anchored::Nothing);
        for position in 1..=5 {
            // Opened anew each time, so that the older slot is found again.
            Anchor::open(&path).unwrap().write(&head(position)).unwrap();
            assert_eq!(read(&path).unwrap(), Anchored::Reached(head(position)));
        }
    }

    // P11: no byte of it can be changed unseen.
    #[test]
    fn any_changed_byte_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("head");
        let anchor = Anchor::open(&path).unwrap();
        anchor.write(&head(1)).unwrap();
        anchor.write(&head(2)).unwrap();
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(read(&path).unwrap(), Anchored::Damaged, "byte {at}");
        }
        std::fs::write(&path, &good[..50]).unwrap();
        assert_eq!(read(&path).unwrap(), Anchored::Damaged);
    }
}
