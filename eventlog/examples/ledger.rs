//! Appends to a log until it is killed, and tells of each answer: the process that `tests/kill.rs` kills.
//!
//! Invariant: a line is written only after its append was answered, with one `write`, so that whoever reads
//! it may rely on it.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use sos_eventlog::store::Limits;
use sos_eventlog::{Append, EventLog as _, LocalLog};
use sos_proto::event::v1::{DeviceOrigin, Event};
use tokio::task::JoinSet;

/// Appenders at the same time.
const APPENDERS: u32 = 16;

/// Small, so that segments end, are sealed and merged in the index all the time.
const LIMITS: Limits = Limits { segment_bytes: 64 * 1024 * 1024, segment_events: 300 };

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, seed] = arguments.as_slice() else { bail!("usage: ledger DIR SEED") };
    let log = LocalLog::open_with(Path::new(data), LIMITS)?;
    let mut tasks = JoinSet::new();
    for appender in 0..APPENDERS {
        tasks.spawn(append(log.clone(), format!("{seed}/{appender}"), appender));
    }
    let ended = tasks.join_next().await.context("there are no appenders")?;
    ended?.context("failed to append")
}

/// Appends numbered events for ever.
async fn append(log: LocalLog, boot_id: String, appender: u32) -> anyhow::Result<()> {
    for sequence in 1.. {
        let event = Event {
            event_id: format!("{boot_id}/{sequence}"),
            site_id: "ledger".to_owned(),
            device_id: appender.to_string(),
            origin: Some(DeviceOrigin { boot_id: boot_id.clone(), sequence, ..DeviceOrigin::default() }),
            ..Event::default()
        };
        let answers = log.append(Append::one(event)).await?;
        let answer = answers.first().context("there is no answer")?;
        anyhow::ensure!(!answer.duplicate, "{boot_id}/{sequence} is new");
        std::io::stdout()
            .lock()
            .write_all(format!("{appender} {sequence} {}\n", answer.position).as_bytes())?;
    }
    Ok(())
}
