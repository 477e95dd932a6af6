//! `sos log backup`, `restore` and `import`: the same record batches in another directory, byte by byte.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sos_eventlog::export::Importer;
use sos_eventlog::store::Limits;
use sos_eventlog::{EventLog, READ_BATCHES_MAX, Replica, Scope, StoppedLog};

use super::{blocking, progress};
use crate::{Outcome, output};

/// Copies what is durable now, and verifies the copy. A directory that holds an earlier backup of the same log
/// gets what came since.
pub async fn backup(log: &dyn EventLog, dest: PathBuf) -> anyhow::Result<Outcome> {
    copy(log, open(dest.clone()).await?).await?;
    report("backed up to", dest).await
}

/// Fills a new log from a backup, and verifies it.
pub async fn restore(backup: PathBuf, data: PathBuf) -> anyhow::Result<Outcome> {
    let log = blocking(move || StoppedLog::open(&backup)).await?;
    copy(&log, empty(data.clone()).await?).await?;
    report("restored to", data).await
}

/// Fills a new log from an export, and verifies it.
pub async fn import(file: PathBuf, data: PathBuf) -> anyhow::Result<Outcome> {
    let source = File::open(&file).with_context(|| format!("failed to read {}", file.display()))?;
    let mut replica = empty(data.clone()).await?;
    let imported = blocking(move || {
        for record in Importer::new(BufReader::new(source)) {
            replica.take(&record?)?;
        }
        anyhow::Ok(replica.finish()?)
    });
    imported.await.with_context(|| format!("failed to import {}", file.display()))?;
    report("imported to", data).await
}

async fn copy(log: &dyn EventLog, mut replica: Replica) -> anyhow::Result<()> {
    let head = log.head().await?;
    anyhow::ensure!(
        replica.head().position <= head.position,
        "the backup reaches position {}, and the log only position {}",
        replica.head().position,
        head.position
    );
    let bar = progress("copying", head.position)?;
    let mut next = replica.head().position + 1;
    while next <= head.position {
        let records = log.read_records(next, READ_BATCHES_MAX).await?;
        anyhow::ensure!(!records.is_empty(), "the log ends at position {}, before its head", next - 1);
        replica = blocking(move || {
            for record in &records {
                replica.take(record)?;
            }
            anyhow::Ok(replica)
        })
        .await?;
        next = replica.head().position + 1;
        bar.set_position(replica.head().position);
    }
    bar.finish_and_clear();
    let copied = blocking(move || replica.finish()).await?;
    anyhow::ensure!(copied == head || copied.position > head.position, "the backup is of another log");
    Ok(())
}

async fn open(data: PathBuf) -> anyhow::Result<Replica> {
    blocking(move || Replica::open(&data, Limits::default())).await
}

async fn empty(data: PathBuf) -> anyhow::Result<Replica> {
    let path = data.clone();
    anyhow::ensure!(!holds_log(&data), "--data: {} holds an event log already", data.display());
    open(path).await
}

fn holds_log(data: &Path) -> bool {
    std::fs::read_dir(data.join("segments")).is_ok_and(|mut segments| segments.next().is_some())
}

async fn report(what: &str, data: PathBuf) -> anyhow::Result<Outcome> {
    let place = data.display().to_string();
    let bar = progress("verifying", 0)?;
    let shown = bar.clone();
    let verified = blocking(move || {
        sos_eventlog::verify(&data, &Scope::default(), |position, last| {
            shown.set_length(last);
            shown.set_position(position);
        })
    });
    let end = verified.await?;
    bar.finish_and_clear();
    output::line(&format!("{} events {what} {place} and verified", end.position));
    Ok(Outcome::Done)
}
