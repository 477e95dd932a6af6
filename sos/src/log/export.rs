//! `sos log export`: the log as lines of JSON, which `sos log import` makes the same log of, byte by byte.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use sos_eventlog::{EventLog, READ_BATCHES_MAX, export};

/// Writes the events between two positions.
pub async fn run(
    log: &dyn EventLog,
    output: Option<PathBuf>,
    from: u64,
    to: Option<u64>,
) -> anyhow::Result<()> {
    match output {
        None => write(log, io::stdout().lock(), from, to).await,
        Some(path) => {
            let file = File::create(&path).with_context(|| format!("failed to create {}", path.display()))?;
            write(log, file, from, to).await
        }
    }
}

async fn write(log: &dyn EventLog, sink: impl Write, from: u64, to: Option<u64>) -> anyhow::Result<()> {
    anyhow::ensure!(from >= 1, "--from: positions begin at 1");
    let head = log.head().await?;
    let to = to.unwrap_or(head.position).min(head.position);
    let mut sink = BufWriter::new(sink);
    let mut next = from;
    while next <= to {
        let records = log.read_records(next, READ_BATCHES_MAX).await?;
        anyhow::ensure!(!records.is_empty(), "the log ends at position {}, before its head", next - 1);
        for record in records.iter().take_while(|record| record.first <= to) {
            next = export::lines(record, from, to, &head, &mut sink).context("failed to write the export")?;
        }
    }
    sink.flush().context("failed to write the export")
}
