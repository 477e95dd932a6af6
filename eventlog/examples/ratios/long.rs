//! A long log: how fast it is read and opened, and what it takes of memory and disk.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::StreamExt as _;
use sos_eventlog::{Append, EventLog, LocalLog, StoppedLog};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::press::press;
use crate::report;

/// Builds a log of so many events, and measures it in processes of their own.
pub fn bench(dir: &Path, events: u64) -> anyhow::Result<()> {
    let data = dir.join("long");
    run("fill", &data, events)?;
    let raw: u64 = run("scan", &data, 0)?.parse().context("bytes of record batches")?;
    let disk = disk(&data)?;
    let size = format!("{:.1} million events", events as f64 / 1e6);
    report::row(
        &format!("disk, {size}"),
        &format!("{:.0} MB", disk as f64 / 1e6),
        &format!("record batches: {:.0} MB", raw as f64 / 1e6),
        &format!("{:.2}", disk as f64 / raw as f64),
        "≤ 1.6",
    );
    let clean = run("open", &data, 0)?;
    report::row(&format!("open after a clean stop, {size}"), &clean, "", "", "≤ 1 s");
    kill_while_appending(&data)?;
    report::row(&format!("open after kill -9, {size}"), &run("open", &data, 0)?, "", "", "≤ 1 s");
    Ok(())
}

/// What a process does that is measured alone.
pub fn child(task: &str, data: &Path, number: u64) -> anyhow::Result<()> {
    let runtime = Runtime::new()?;
    match task {
        "fill" => runtime.block_on(fill(data, number)),
        "scan" => runtime.block_on(scan(data)),
        "open" => {
            let started = Instant::now();
            let log = LocalLog::open(data)?;
            println!("{:.2} s", started.elapsed().as_secs_f64());
            runtime.block_on(log.close());
            Ok(())
        }
        "append" => {
            let log = LocalLog::open(data)?;
            println!("open");
            runtime.block_on(append(&log, 1 << 40..u64::MAX))
        }
        other => anyhow::bail!("no task is called {other}"),
    }
}

async fn fill(data: &Path, events: u64) -> anyhow::Result<()> {
    let log = LocalLog::open(data)?;
    let mut tasks = JoinSet::new();
    for part in 0..8 {
        let log = log.clone();
        tasks.spawn(async move { append(&log, part * events / 8..(part + 1) * events / 8).await });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    log.close().await;
    drop(log);
    // Sealing that the close put off is done by the next start.
    let log = LocalLog::open(data)?;
    while unsealed(data)? > 1 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    log.close().await;
    Ok(())
}

async fn append(log: &LocalLog, numbers: std::ops::Range<u64>) -> anyhow::Result<()> {
    let mut numbers = numbers.peekable();
    while numbers.peek().is_some() {
        let events = numbers.by_ref().take(64).map(|number| press(number % 90_000, number)).collect();
        log.append(Append { events, expected: Vec::new() }).await?;
    }
    Ok(())
}

/// Reads and decodes everything.
async fn scan(data: &Path) -> anyhow::Result<()> {
    let log = StoppedLog::open(data)?;
    let head = log.head().await?.position;
    let started = Instant::now();
    let mut batches = log.follow(1);
    let mut events = 0;
    while let Some(batch) = batches.next().await {
        events += batch?.events().count() as u64;
    }
    anyhow::ensure!(events == head, "{events} of {head} events read");
    let took = started.elapsed().as_secs_f64();
    let rate = format!("{:.2} million events/s", events as f64 / took / 1e6);
    report::row("decoded scan, segments checked and opened", &rate, "", "", "≥ 1 million/s");
    let peak = format!("{:.0} MB", peak_memory()? as f64 / 1e6);
    report::row("peak resident memory of that scan", &peak, "", "", "≤ 150 MB");
    let mut raw = 0;
    let mut next = 1;
    while next <= head {
        for record in log.read_records(next, 64).await? {
            raw += record.bytes.len();
            next = record.decode()?.end();
        }
    }
    eprintln!("{raw}");
    Ok(())
}

/// Runs a task to its end. Answers with the last line it wrote: to standard error if it reports rows itself.
fn run(task: &str, data: &Path, number: u64) -> anyhow::Result<String> {
    let mut child = start(task, data, number)?;
    let (mut rows, mut last) = (String::new(), String::new());
    child.stdout.take().context("its output")?.read_to_string(&mut rows)?;
    child.stderr.take().context("its errors")?.read_to_string(&mut last)?;
    anyhow::ensure!(child.wait()?.success(), "{task} failed: {last}");
    if last.is_empty() {
        return Ok(rows.trim().to_owned());
    }
    print!("{rows}");
    Ok(last.trim().to_owned())
}

fn start(task: &str, data: &Path, number: u64) -> anyhow::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["child", task]).arg(data).arg(number.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().context("failed to start this program again")
}

/// Kills a process with `kill -9` that appends as fast as it can.
fn kill_while_appending(data: &Path) -> anyhow::Result<()> {
    let mut child = start("append", data, 0)?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("its output")?).read_line(&mut line)?;
    std::thread::sleep(Duration::from_secs(1));
    child.kill()?;
    child.wait()?;
    Ok(())
}

fn unsealed(data: &Path) -> anyhow::Result<usize> {
    let segments = fs::read_dir(data.join("segments"))?.collect::<Result<Vec<_>, _>>()?;
    Ok(segments.iter().filter(|segment| !segment.path().join("seal").exists()).count())
}

/// Bytes that a directory takes of the disk.
fn disk(dir: &Path) -> anyhow::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let here = entry.metadata()?;
        bytes += if here.is_dir() { disk(&entry.path())? } else { here.blocks() * 512 };
    }
    Ok(bytes)
}

/// The most memory this process ever had, in bytes.
fn peak_memory() -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
    let kib: u64 = peak.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kib * 1024)
}
