//! `sos log archive`: sealed segments of a stopped log move to compressed files.

use std::path::PathBuf;

use anyhow::Context as _;
use sos_eventlog::store::{Limits, SegmentStore, Tail};

use super::{blocking, progress};
use crate::{Outcome, output};

/// Moves the segments that end before a position or a time.
pub async fn run(data: PathBuf, before: &str, dest: PathBuf) -> anyhow::Result<Outcome> {
    let before = Before::parse(before)?;
    let bar = progress("archiving", 0)?;
    let shown = bar.clone();
    let place = dest.display().to_string();
    let archived = blocking(move || {
        SegmentStore::read_only(&data)?;
        let store = SegmentStore::create(&data, Limits::default())?;
        anyhow::Ok(store.archive(
            &dest,
            |tail| before.holds(tail),
            |position| shown.set_position(position),
        )?)
    });
    let moved = archived.await?;
    bar.finish_and_clear();
    output::line(&moved.map_or_else(
        || "no sealed segment ends before that; nothing was moved".to_owned(),
        |moved| {
            let (first, last) = moved.into_inner();
            format!(
                "positions {first} to {last} were moved to {place}; keep it where it is: the log reads it"
            )
        },
    ));
    Ok(Outcome::Done)
}

enum Before {
    Position(u64),
    /// In microseconds since 1970.
    Time(i64),
}

impl Before {
    fn parse(text: &str) -> anyhow::Result<Self> {
        if let Ok(position) = text.parse() {
            return Ok(Self::Position(position));
        }
        let time: jiff::Timestamp = text.parse().with_context(|| {
            format!("--before: {text:?} is neither a position nor a time like 2026-01-31T00:00:00Z")
        })?;
        Ok(Self::Time(time.as_microsecond()))
    }

    fn holds(&self, tail: &Tail) -> bool {
        match self {
            Self::Position(position) => tail.head.position < *position,
            Self::Time(time) => tail.recorded_at < *time,
        }
    }
}
