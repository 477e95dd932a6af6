//! Durable appends, against the same bytes written to a file and synced: appended to a file that grows, and
//! written into one that has its size already, which spares the file system its own journal.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use sos_eventlog::{Append, EventLog as _, LocalLog, Record};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::press::press;
use crate::report;

/// Rounds, each of them the log and then the file; the middle ratio counts.
const ROUNDS: usize = 9;

/// Length of one half of a round.
const ROUND: Duration = Duration::from_millis(700);

/// Measures with one appender and with 64.
pub fn bench(dir: &Path) -> anyhow::Result<()> {
    for appenders in [1, 64] {
        let (mut logs, mut sizes, mut files) = (vec![], vec![], [vec![], vec![]]);
        for round in 0..ROUNDS {
            let data = dir.join(format!("append-{appenders}-{round}"));
            let (log, records) = with_log(&data, appenders)?;
            for (grows, rates) in [true, false].into_iter().zip(&mut files) {
                rates.push((log, with_file(&data.join("raw"), &records, grows)?));
            }
            std::fs::remove_dir_all(data)?;
            logs.push(log);
            sizes.push(records.iter().map(|r| r.events as f64).sum::<f64>() / records.len() as f64);
        }
        let (log, size) = (report::median(logs), report::median(sizes));
        for (against, rates) in ["append + fdatasync", "the same, file of full size"].iter().zip(files) {
            let ratio = report::median(rates.iter().map(|(log, file)| log / file).collect());
            let file = report::median(rates.into_iter().map(|(_, file)| file).collect());
            report::row(
                &format!("durable appends, {appenders} at a time, {size:.1} events a batch"),
                &format!("{log:.0} events/s"),
                &format!("{against}: {file:.0} events/s"),
                &format!("{ratio:.2}"),
                "≥ 0.7",
            );
        }
    }
    Ok(())
}

/// A record batch as it was written, with the number of its events.
struct Written {
    record: Record,
    events: usize,
}

/// Appends for a while. Answers with events a second, and what was written.
fn with_log(data: &Path, appenders: u64) -> anyhow::Result<(f64, Vec<Written>)> {
    let runtime = Runtime::new()?;
    let log = LocalLog::open(data)?;
    let started = Instant::now();
    let done: u64 = runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for device in 0..appenders {
            let log = log.clone();
            tasks.spawn(async move {
                let mut sequence = 0;
                while started.elapsed() < ROUND {
                    sequence += 1;
                    log.append(Append::one(press(device, sequence))).await?;
                }
                anyhow::Ok(sequence)
            });
        }
        let mut done = 0;
        while let Some(ended) = tasks.join_next().await {
            done += ended??;
        }
        anyhow::Ok(done)
    })?;
    let rate = done as f64 / started.elapsed().as_secs_f64();
    let written = runtime.block_on(async {
        let (mut written, mut next) = (Vec::new(), 1);
        while next <= done {
            for record in log.read_records(next, 64).await? {
                let batch = record.decode()?;
                next = batch.end();
                written.push(Written { record, events: batch.events().count() });
            }
        }
        log.close().await;
        anyhow::Ok(written)
    })?;
    Ok((rate, written))
}

/// Writes the same record batches to a file, and syncs each. Answers with events a second.
fn with_file(path: &Path, records: &[Written], grows: bool) -> anyhow::Result<f64> {
    let mut file = File::create(path)?;
    if !grows {
        let bytes = records.iter().map(|written| written.record.bytes.len()).sum();
        file.write_all(&vec![0; bytes])?;
        file.rewind()?;
        file.sync_all()?;
    }
    let started = Instant::now();
    let mut events = 0;
    for written in records {
        if started.elapsed() >= ROUND {
            break;
        }
        file.write_all(&written.record.bytes)?;
        file.sync_data()?;
        events += written.events;
    }
    Ok(events as f64 / started.elapsed().as_secs_f64())
}
