//! Which segments there are, as the directory `<data>/segments` tells, also after a crash in the middle of
//! a change.
//!
//! A segment `N` is the directory `N`, or the file `N.archived` that says where it went. `N.new` is one in
//! the making and never counts. `N.old` is one that `N.new` was about to replace; it counts where `N` is
//! missing, because the crash came between the two renames.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::seal::{SEAL, Seal};
use super::{Sealed, StoreError, archiving, files};
use crate::POSITION_MAX;

/// A segment on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// Its directory.
    Dir(PathBuf),
    /// The file that says where it went.
    Archived(PathBuf),
}

/// A segment.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// Not sealed: the last, or one that ended and waits to be sealed.
    Open(PathBuf),
    /// Never written again.
    Sealed(PathBuf, Arc<Seal>),
    /// Moved to a compressed file.
    Archived(PathBuf, Arc<Seal>),
}

impl Part {
    /// Reads what is said of a segment.
    pub fn read(first: u64, found: Found) -> Result<Self, StoreError> {
        match found {
            Found::Archived(note) => {
                let (path, seal) = archiving::read_note(&note)?;
                Ok(Self::Archived(path, Arc::new(seal)))
            }
            Found::Dir(dir) => match Seal::read(&dir.join(SEAL))? {
                Some(seal) if seal.first == first => Ok(Self::Sealed(dir, Arc::new(seal))),
                Some(_) => Err(StoreError::damaged(format!("{} holds another segment", dir.display()))),
                None => Ok(Self::Open(dir)),
            },
        }
    }

    /// What its seal says; nothing where it is not sealed.
    pub fn seal(&self) -> Option<Sealed> {
        match self {
            Self::Open(_) => None,
            Self::Sealed(_, seal) | Self::Archived(_, seal) => Some(seal.sealed),
        }
    }
}

/// The directory of all segments.
pub(super) fn segments(data: &Path) -> PathBuf {
    data.join("segments")
}

/// The directory of the segment that begins at `first`.
pub(super) fn dir(data: &Path, first: u64) -> PathBuf {
    segments(data).join(format!("{first:020}"))
}

/// The segments by first position. Changes nothing.
pub(super) fn list(data: &Path) -> io::Result<BTreeMap<u64, Found>> {
    let mut found = BTreeMap::new();
    let names = match fs::read_dir(segments(data)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        names => names?,
    };
    for entry in names {
        let path = entry?.path();
        let Some((first, extension)) = parse(&path) else { continue };
        let weight = |found: &Found| match found {
            Found::Archived(_) => 2,
            Found::Dir(path) if path.extension().is_none() => 1,
            Found::Dir(_) => 0,
        };
        let part = match extension {
            "" | "old" => Found::Dir(path),
            "archived" => Found::Archived(path),
            _ => continue,
        };
        if found.get(&first).is_none_or(|known| weight(known) < weight(&part)) {
            found.insert(first, part);
        }
    }
    Ok(found)
}

/// Ends what a crash left half done.
pub(super) fn tidy(data: &Path) -> io::Result<()> {
    let segments = segments(data);
    files::create_dir(&segments)?;
    let counts = list(data)?;
    let paths = fs::read_dir(&segments)?.map(|e| Ok(e?.path())).collect::<io::Result<Vec<_>>>()?;
    for path in paths {
        let Some((first, extension)) = parse(&path) else { continue };
        match (counts.get(&first), extension) {
            (Some(Found::Dir(counting)), "old") if *counting == path => {
                fs::rename(&path, path.with_extension(""))?;
            }
            (Some(Found::Archived(_)), "") | (_, "new" | "old" | "part") => files::remove(&path)?,
            _ => {}
        }
    }
    files::sync_dir(&segments)
}

/// The first position that a name stands for, and what follows the number.
fn parse(path: &Path) -> Option<(u64, &str)> {
    let name = path.file_name()?.to_str()?;
    let (number, rest) = name.split_at_checked(20)?;
    let extension = if rest.is_empty() { "" } else { rest.strip_prefix('.')? };
    let first = number.parse().ok().filter(|first| *first <= POSITION_MAX)?;
    Some((first, extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes directories (`1`) and files (`1.archived`), and tells which count, before and after tidying.
    fn check(names: &[&str], counting: &[&str], left: &[&str]) {
        let data = tempfile::tempdir().unwrap();
        for name in names {
            let (number, rest) = name.split_at(1);
            let path = segments(data.path()).join(format!("{number:0>20}{rest}"));
            if rest == ".archived" {
                fs::write(path, "").unwrap();
            } else {
                fs::create_dir_all(path).unwrap();
            }
        }
        let shown = |path: &Path| path.file_name().unwrap().to_str().unwrap()[19..].to_owned();
        let listed: Vec<_> = list(data.path()).unwrap().into_values().collect();
        let listed: Vec<_> = listed.iter().map(|(Found::Dir(p) | Found::Archived(p))| shown(p)).collect();
        assert_eq!(listed, counting, "{names:?}");
        tidy(data.path()).unwrap();
        let mut there: Vec<_> =
            fs::read_dir(segments(data.path())).unwrap().map(|e| shown(&e.unwrap().path())).collect();
        there.sort();
        assert_eq!(there, left, "{names:?}");
    }

    // P1: a crash at any step of a change leaves each segment once, and nothing half made counts.
    #[test]
    fn a_crash_between_two_steps_loses_no_segment() {
        check(&["1", "2"], &["1", "2"], &["1", "2"]);
        check(&["1", "1.new"], &["1"], &["1"]);
        check(&["1.old", "1.new"], &["1.old"], &["1"]);
        check(&["1", "1.old"], &["1"], &["1"]);
        check(&["1", "1.archived", "2"], &["1.archived", "2"], &["1.archived", "2"]);
        check(&["1.new"], &[], &[]);
    }
}
