//! `kill -9` on the real thing: a process that appends to a log on disk is killed at random moments, again
//! and again.
//!
//! `SOS_KILL_ROUNDS` sets how often, `SOS_SEED` repeats the numbers of answers it is given before it dies.
#![expect(clippy::print_stdout, reason = "a failing run must tell its seed")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use fastrand::Rng;
use futures::TryStreamExt as _;
use sos_eventlog::{EventLog, LocalLog, Scope, StoppedLog, verify};

/// Answers that a process gives at most before it is killed: some segments of it.
const ANSWERS_MAX: usize = 3_000;

/// An event: boot id and sequence.
type Identity = (String, u64);

/// A process that does not outlive its test.
struct Ledger(Child);

impl Ledger {
    /// Starts the example, which `cargo test` builds beside this test.
    fn start(data: &Path, seed: u64) -> Self {
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().and_then(Path::parent).unwrap();
        let program = profile.join("examples").join("ledger");
        assert!(program.is_file(), "{} is missing: cargo build --example ledger", program.display());
        let mut command = Command::new(program);
        command.arg(data).arg(seed.to_string()).stdin(Stdio::null()).stdout(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// Kills it after so many answers. Answers with all that it gave.
    fn kill_after(mut self, answers: usize, seed: u64) -> Vec<(Identity, u64)> {
        let mut lines = BufReader::new(self.0.stdout.take().unwrap()).lines();
        let mut answered: Vec<_> = lines.by_ref().take(answers).map(|line| line.unwrap()).collect();
        assert_eq!(answered.len(), answers, "the process ended by itself");
        self.0.kill().unwrap();
        answered.extend(lines.map(|line| line.unwrap()));
        answered.iter().map(|line| parse(line, seed)).collect()
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn parse(line: &str, seed: u64) -> (Identity, u64) {
    let fields: Vec<u64> = line.split(' ').map(|field| field.parse().unwrap()).collect();
    let [appender, sequence, position] = fields[..] else { panic!("not an answer: {line:?}") };
    ((format!("{seed}/{appender}"), sequence), position)
}

/// Every event of the log, and where it is. None is there twice.
async fn read(data: &Path) -> HashMap<Identity, u64> {
    let log = StoppedLog::open(data).unwrap();
    let mut read = HashMap::new();
    let mut batches = log.follow(1);
    let mut next = 1;
    while let Some(batch) = batches.try_next().await.unwrap() {
        for (position, event) in batch.events() {
            assert_eq!(position, next);
            next += 1;
            let origin = event.origin.clone().unwrap();
            let identity = (origin.boot_id, origin.sequence);
            if let Some(first) = read.insert(identity.clone(), position) {
                panic!("{identity:?} is at {first} and at {position}");
            }
        }
    }
    assert_eq!(log.head().await.unwrap().position + 1, next);
    read
}

/// What is below `data` and belongs to something that was cut short.
fn left_over(data: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![data.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if [".new", ".old", ".part"].iter().any(|end| name.ends_with(end)) || name.starts_with("sos-log-")
            {
                found.push(path);
            } else if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found
}

async fn kill_again_and_again(rounds: u64, seed: u64) {
    let mut random = Rng::with_seed(seed);
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let mut answered = HashMap::new();
    for round in 1..=rounds {
        let seed = random.u64(..);
        let answers = Ledger::start(data, seed).kill_after(random.usize(1..ANSWERS_MAX), seed);
        answered.extend(answers);
        let head = verify(data, &Scope::default(), |_, _| {}).unwrap();
        let read = read(data).await;
        assert_eq!(head.position, read.len() as u64);
        for (identity, position) in &answered {
            assert_eq!(read.get(identity), Some(position), "round {round}: {identity:?}");
        }
    }
    let log = LocalLog::open(data).unwrap();
    log.close().await;
    drop(log);
    assert_eq!(left_over(data), [""; 0].map(PathBuf::from));
}

// P1, P2, P11: killed in the middle of whatever it does, a log is sound, holds what it answered where it
// answered, holds nothing twice, and its next start leaves nothing behind.
#[tokio::test]
async fn what_was_answered_survives_kill_minus_nine() {
    let from_env = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let seed = from_env("SOS_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("repeat with SOS_SEED={seed}");
    kill_again_and_again(from_env("SOS_KILL_ROUNDS").unwrap_or(5), seed).await;
}
