//! `sos log`: the event log of a stopped server, or of a running one.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use anyhow::Context as _;
use futures::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use sos_eventlog::store::{OpenError, SledStore};
use sos_eventlog::{
    Batch, Chain, EventLog, Head, LocalLog, READ_BATCHES_MAX, ReadError, RemoteLog, StartError,
};

use crate::alerts::event_line;
use crate::cli::{DEFAULT_GRPC, Format, LogArgs, LogCommand};
use crate::stop::Stop;
use crate::{Outcome, output, remote};

/// Runs `sos log`.
pub async fn run(args: LogArgs) -> anyhow::Result<Outcome> {
    let log: Arc<dyn EventLog> = match &args.data {
        Some(data) => {
            // Opening reads and checks everything, so a damaged log ends here.
            let data = data.clone();
            let open = move || LocalLog::start(SledStore::open(&data)?);
            match tokio::task::spawn_blocking(open).await? {
                Ok(log) => Arc::new(log),
                Err(
                    error @ (StartError::Read(ReadError::Damaged { .. })
                    | StartError::Open(OpenError::Damaged { .. })),
                ) if matches!(args.command, LogCommand::Verify) => {
                    return fault(&error);
                }
                Err(error) => return Err(error.into()),
            }
        }
        None => {
            let address = args.grpc.as_deref().unwrap_or(DEFAULT_GRPC);
            Arc::new(RemoteLog::new(remote::connect(address).await?))
        }
    };
    let done = match args.command {
        LogCommand::Info { format } => info(&*log, format).await,
        LogCommand::Tail { lines, no_follow, format } => tail(&*log, lines, !no_follow, format).await,
        LogCommand::Verify => return verify(&*log).await,
        LogCommand::Export { output: None, from, to } => export(&*log, io::stdout().lock(), from, to).await,
        LogCommand::Export { output: Some(path), from, to } => {
            let file = File::create(&path).with_context(|| format!("failed to create {}", path.display()))?;
            export(&*log, file, from, to).await
        }
    };
    done.map(|()| Outcome::Done)
}

/// The log is not what was written: names the first bad position.
fn fault(error: &dyn std::fmt::Display) -> anyhow::Result<Outcome> {
    output::remark(&format!("sos: {error}"));
    Ok(Outcome::Fault)
}

#[derive(Serialize)]
struct Info {
    position: u64,
    hash: String,
}

async fn info(log: &dyn EventLog, format: Format) -> anyhow::Result<()> {
    let Head { position, hash } = log.head().await?;
    let info = Info { position, hash: hash.iter().map(|b| format!("{b:02x}")).collect() };
    match format {
        Format::Json => output::json(&info)?,
        Format::Table => {
            output::line(&format!("position  {}", info.position));
            output::line(&format!("hash      {}", info.hash));
        }
    }
    Ok(())
}

async fn tail(log: &dyn EventLog, lines: u64, follow: bool, format: Format) -> anyhow::Result<()> {
    let head = log.head().await?.position;
    let mut next = (head + 1).saturating_sub(lines).max(1);
    let mut batches = log.follow(next);
    let stop = Stop::listen()?;
    while follow || next <= head {
        let batch = tokio::select! {
            batch = batches.next() => batch,
            () = stop.asked() => return Ok(()),
        };
        let batch = batch.context("the server ended the stream")??;
        for recorded in batch.recorded() {
            match format {
                Format::Json => output::json(&recorded)?,
                Format::Table => output::line(&event_line(&recorded)),
            }
        }
        next = batch.end();
    }
    Ok(())
}

/// P11: follows the chain from the first position to the head.
async fn verify(log: &dyn EventLog) -> anyhow::Result<Outcome> {
    let head = log.head().await?;
    let bar = ProgressBar::new(head.position).with_style(ProgressStyle::with_template(
        "verifying {wide_bar} {pos}/{len} events, {per_sec}, {eta} left",
    )?);
    let mut chain = Chain::default();
    while chain.head().position < head.position {
        let records = match log.read_records(chain.head().position + 1, READ_BATCHES_MAX).await {
            Ok(records) => records,
            Err(error @ ReadError::Damaged { .. }) => return fault(&error),
            Err(error) => return Err(error.into()),
        };
        if records.is_empty() {
            let position = chain.head().position + 1;
            return fault(&ReadError::Damaged {
                position,
                reason: "the log ends before its head".to_owned(),
            });
        }
        for record in &records {
            if let Err(error) = chain.take(record) {
                return fault(&error);
            }
            if chain.head().position == head.position && chain.head() != head {
                let reason = "the newest batch is not the one that the head names".to_owned();
                return fault(&ReadError::Damaged { position: record.first, reason });
            }
            bar.set_position(chain.head().position);
        }
    }
    bar.finish_and_clear();
    output::line(&format!(
        "{} events verified, nothing changed, removed, inserted or moved",
        chain.head().position
    ));
    Ok(Outcome::Done)
}

async fn export(log: &dyn EventLog, sink: impl Write, from: u64, to: Option<u64>) -> anyhow::Result<()> {
    anyhow::ensure!(from >= 1, "--from: positions begin at 1");
    let head = log.head().await?.position;
    let to = to.unwrap_or(head).min(head);
    let mut sink = BufWriter::new(sink);
    let mut next = from;
    while next <= to {
        let batches = log.read(next, READ_BATCHES_MAX).await?;
        anyhow::ensure!(!batches.is_empty(), "the log ends at position {}, before its head", next - 1);
        for batch in batches {
            write_batch(&mut sink, &batch, next, to)?;
            next = next.max(batch.end());
        }
    }
    sink.flush().context("failed to write the export")
}

/// Writes the events of a batch between two positions, one line of JSON each.
fn write_batch(sink: &mut impl Write, batch: &Batch, from: u64, to: u64) -> anyhow::Result<()> {
    for recorded in batch.recorded().filter(|r| (from..=to).contains(&r.position)) {
        serde_json::to_writer(&mut *sink, &recorded)?;
        sink.write_all(b"\n").context("failed to write the export")?;
    }
    Ok(())
}
