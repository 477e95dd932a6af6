//! What a run meant, sent, and heard: one line of JSON for each fact, in the order in which they became known.
//! `sos simulate verify` compares it with what the system says.
//!
//! Invariant: a line is whole or not there, so a ledger of a run that was killed can be read up to its end.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Version of the lines.
const VERSION: u32 = 1;

/// One fact. Times are microseconds since the run began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// The first line.
    Run(Run),
    /// Something is to be published at a time.
    Meant(Meant),
    /// It left for the broker.
    Sent {
        /// Which.
        n: u64,
        /// When.
        at: u64,
    },
    /// The broker acknowledged it.
    Acked {
        /// Which.
        n: u64,
        /// When.
        at: u64,
    },
    /// A receipt came for it.
    Receipt {
        /// Which.
        n: u64,
        /// When.
        at: u64,
        /// The event.
        event_id: String,
        /// Where it is in the log.
        position: u64,
        /// `RECEIPT_STATUS_…`.
        status: String,
    },
    /// The lamp of a call point was told to change.
    Lamp {
        /// Whose, `site/device`.
        call_point: String,
        /// When.
        at: u64,
        /// The alert.
        alert_id: String,
        /// `INDICATOR_…`.
        indicator: String,
    },
    /// The run came to its end, and nothing more follows.
    End {
        /// When.
        at: u64,
    },
}

/// What a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Version of the lines.
    pub version: u32,
    /// Its name, part of every boot id.
    pub name: String,
    /// What chance grew from.
    pub seed: u64,
    /// How far the log was when it began.
    pub head: u64,
}

impl Run {
    /// A run that begins now.
    pub(crate) fn new(name: &str, seed: u64, head: u64) -> Self {
        Self { version: VERSION, name: name.to_owned(), seed, head }
    }
}

/// Something that is to be published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meant {
    /// Its number in the run.
    pub n: u64,
    /// From where, `site/device`.
    pub call_point: String,
    /// The run of the firmware.
    pub boot_id: String,
    /// Its number within that.
    pub sequence: u64,
    /// What: `press`, `cancel`, `fault`, …
    pub what: String,
    /// When it should leave.
    pub at: u64,
}

/// Why a ledger cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The disk.
    #[error("cannot use the ledger {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{}: line {line}: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}

/// A ledger that is written.
pub(crate) struct Ledger {
    path: PathBuf,
    out: BufWriter<File>,
}

impl Ledger {
    /// Begins a ledger; an older one at this path is replaced.
    pub(crate) fn create(path: &Path) -> Result<Self, LedgerError> {
        let failed = |source| LedgerError::Io { path: path.to_owned(), source };
        let out = BufWriter::new(File::create(path).map_err(failed)?);
        Ok(Self { path: path.to_owned(), out })
    }

    /// Writes a fact down.
    pub(crate) fn write(&mut self, fact: &Fact) -> Result<(), LedgerError> {
        let failed = |source| LedgerError::Io { path: self.path.clone(), source };
        let mut line = serde_json::to_vec(fact).map_err(|e| failed(e.into()))?;
        line.push(b'\n');
        self.out.write_all(&line).map_err(failed)
    }

    /// Makes sure that everything is on disk.
    pub(crate) fn finish(mut self) -> Result<(), LedgerError> {
        let failed = |source| LedgerError::Io { path: self.path.clone(), source };
        self.out.flush().map_err(failed)?;
        self.out.get_ref().sync_all().map_err(failed)
    }
}

/// Reads a ledger. A last line that was cut off is left out.
pub(crate) fn read(path: &Path) -> Result<(Run, Vec<Fact>), LedgerError> {
    let failed = |source| LedgerError::Io { path: path.to_owned(), source };
    let wrong = |line, reason: String| LedgerError::Format { path: path.to_owned(), line, reason };
    let mut lines = BufReader::new(File::open(path).map_err(failed)?);
    let (mut run, mut facts, mut line, mut number) = (None, Vec::new(), Vec::new(), 0);
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).map_err(failed)? == 0 || line.last() != Some(&b'\n') {
            break;
        }
        number += 1;
        let fact: Fact = serde_json::from_slice(&line).map_err(|e| wrong(number, e.to_string()))?;
        match fact {
            Fact::Run(first) if number == 1 && first.version == VERSION => run = Some(first),
            Fact::Run(other) => return Err(wrong(number, format!("version {} here", other.version))),
            fact => facts.push(fact),
        }
    }
    let run = run.ok_or_else(|| wrong(1, "no ledger begins so".to_owned()))?;
    Ok((run, facts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Run {
        Run { version: VERSION, name: "r".into(), seed: 7, head: 3 }
    }

    #[test]
    fn a_ledger_reads_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger");
        let facts = [
            Fact::Meant(Meant {
                n: 1,
                call_point: "s/d".into(),
                boot_id: "b".into(),
                sequence: 1,
                what: "press".into(),
                at: 5,
            }),
            Fact::Sent { n: 1, at: 6 },
            Fact::Acked { n: 1, at: 7 },
            Fact::End { at: 8 },
        ];
        let mut ledger = Ledger::create(&path).unwrap();
        ledger.write(&Fact::Run(run())).unwrap();
        facts.iter().for_each(|fact| ledger.write(fact).unwrap());
        ledger.finish().unwrap();
        assert_eq!(read(&path).unwrap(), (run(), facts.to_vec()));

        // Killed in the middle of a line.
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.truncate(bytes.len() - 3);
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(read(&path).unwrap().1, facts[..3]);
    }

    #[test]
    fn another_file_is_named_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger");
        for (text, told) in [
            ("", "line 1: no ledger begins so"),
            ("latitude,longitude\n", "line 1: "),
            ("{\"sent\":{\"n\":1,\"at\":2}}\n", "line 1: no ledger begins so"),
            ("{\"run\":{\"version\":9,\"name\":\"r\",\"seed\":1,\"head\":0}}\n", "line 1: version 9 here"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
        assert!(read(&dir.path().join("nothing")).is_err());
    }
}
