//! `sos log`: the event log of a stopped server, or of a running one.

mod archive;
mod copy;
mod export;
mod verify;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use futures::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use sos_eventlog::{EventLog, Head, RemoteLog, StoppedLog};

use crate::alerts::event_line;
use crate::cli::{AccessArgs, DEFAULT_GRPC, Format, LogArgs, LogCommand};
use crate::stop::Stop;
use crate::{Outcome, output, remote};

/// Runs `sos log`.
pub async fn run(args: LogArgs, access: &AccessArgs) -> anyhow::Result<Outcome> {
    let LogArgs { data, grpc, command } = args;
    match command {
        LogCommand::Verify(args) => match data {
            Some(data) => verify::stopped(data, args).await,
            None => verify::running(&*running(grpc.as_deref(), access).await?, args).await,
        },
        LogCommand::Backup { dest } => copy::backup(&*open(data, grpc.as_deref(), access).await?, dest).await,
        LogCommand::Restore { backup } => copy::restore(backup, target(data)?).await,
        LogCommand::Import { file } => copy::import(file, target(data)?).await,
        LogCommand::Archive { before, dest } => archive::run(target(data)?, &before, dest).await,
        LogCommand::Info { format } => done(info(&*open(data, grpc.as_deref(), access).await?, format).await),
        LogCommand::Tail { lines, no_follow, format } => {
            done(tail(&*open(data, grpc.as_deref(), access).await?, lines, !no_follow, format).await)
        }
        LogCommand::Export { output, from, to } => {
            done(export::run(&*open(data, grpc.as_deref(), access).await?, output, from, to).await)
        }
    }
}

fn done(result: anyhow::Result<()>) -> anyhow::Result<Outcome> {
    result.map(|()| Outcome::Done)
}

/// The log of a stopped server, or of a running one.
async fn open(
    data: Option<PathBuf>,
    grpc: Option<&str>,
    access: &AccessArgs,
) -> anyhow::Result<Arc<dyn EventLog>> {
    match data {
        Some(data) => Ok(Arc::new(blocking(move || StoppedLog::open(&data)).await?)),
        None => running(grpc, access).await,
    }
}

async fn running(grpc: Option<&str>, access: &AccessArgs) -> anyhow::Result<Arc<dyn EventLog>> {
    let link = remote::connect(grpc.unwrap_or(DEFAULT_GRPC), access).await;
    let link =
        link.map_err(|error| anyhow::anyhow!("{error:#} Where it was stopped, --data DIR reads its log"))?;
    Ok(Arc::new(RemoteLog::new(link)))
}

/// The directory of a command that writes one.
fn target(data: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    data.context("--data: say which directory")
}

/// Runs what blocks beside the runtime.
async fn blocking<T: Send + 'static, E: Into<anyhow::Error> + Send + 'static>(
    run: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(run).await?.map_err(Into::into)
}

/// A progress bar over events.
fn progress(doing: &str, events: u64) -> anyhow::Result<ProgressBar> {
    let style = format!("{doing} {{wide_bar}} {{pos}}/{{len}} events, {{per_sec}}, {{eta}} left");
    Ok(ProgressBar::new(events).with_style(ProgressStyle::with_template(&style)?))
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
