//! `append DIR COUNT [SEGMENT_EVENTS]`: appends events one after another, and says `answered N` after each
//! answer, in one system call, so that a trace shows what reached the disk before.

use std::path::Path;

use anyhow::Context as _;
use sos_eventlog::store::Limits;
use sos_eventlog::{Append, EventLog as _, LocalLog};
use sos_proto::event::v1::Event;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let (dir, count, segment_events) = match &args[..] {
        [dir, count] => (dir, count, None),
        [dir, count, segment_events] => (dir, count, Some(segment_events)),
        _ => anyhow::bail!("usage: append DIR COUNT [SEGMENT_EVENTS]"),
    };
    let mut limits = Limits::default();
    if let Some(events) = segment_events {
        limits.segment_events = events.parse().context("SEGMENT_EVENTS")?;
    }
    let log = LocalLog::open_with(Path::new(dir), limits)?;
    let begin = log.head().await?.position + 1;
    for number in begin..begin + count.parse::<u64>().context("COUNT")? {
        let event =
            Event { event_id: format!("event-{number}"), request_id: number.to_string(), ..Event::default() };
        for answer in log.append(Append::one(event)).await? {
            say(&format!("answered {}\n", answer.position))?;
        }
    }
    log.close().await;
    Ok(())
}

/// Writes a line to standard output in one call; standard output is flushed at each line's end.
fn say(line: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    Ok(std::io::stdout().write_all(line.as_bytes())?)
}
