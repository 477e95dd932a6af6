//! The log as lines of JSON, which [`Importer`] makes the same record batches from again.
//!
//! One line an event: `sos.event.v1.RecordedEvent` in canonical proto3 JSON. The first event of a record
//! batch also carries `"batch": {"previous": …}`, the digest of the record batch before; the last event
//! also carries `"head": {"position": …, "hash": …}`. An event of which JSON cannot say all, or not exactly, is given as its
//! protobuf in hex: `"encoded"` instead of `"event"`. It is neither the stored form nor the wire form.
//!
//! Invariant: what is written can be read again byte by byte, or is not written (P11).

mod import;
mod line;

use std::io;

use crate::record::{self, Record};
use crate::{Head, ReadError};
use line::EventLine;

pub use import::{ImportError, Importer};
pub use line::Fault;

/// Longest line in bytes, with its end. A longer one is neither written nor read.
pub const LINE_BYTES_MAX: usize = 256 * 1024;

/// Why nothing of a record batch was written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The record batch is damaged.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An event cannot be written as a line.
    #[error("the event at position {position} has no form as a line: {fault}")]
    Event {
        /// Where it is.
        position: u64,
        /// Why not.
        fault: Fault,
    },
    /// The stored bytes are not in the form that this version writes.
    #[error("the batch at position {position} cannot be reproduced byte by byte")]
    Batch {
        /// Its first position.
        position: u64,
    },
    /// The sink refused.
    #[error(transparent)]
    Write(#[from] io::Error),
}

/// Writes the events of a record batch at the positions `from` to `to`, both included, one a line. The event
/// at the position of `head`, with which the export ends, carries it. Answers with the position behind the
/// batch.
///
/// # Errors
/// See [`ExportError`].
pub fn lines(
    record: &Record,
    from: u64,
    to: u64,
    head: &Head,
    sink: &mut impl io::Write,
) -> Result<u64, ExportError> {
    let (batch, previous) = (record.decode()?, record.previous()?);
    let recorded_at = batch.recorded_at();
    let events = record.encoded()?;
    // P11: better no export than one that turns out to be none when it is needed.
    if record::encode(record.first, recorded_at, &previous, events.iter().map(AsRef::as_ref)) != record.bytes
    {
        return Err(ExportError::Batch { position: record.first });
    }
    let mut text = Vec::new();
    for (position, encoded) in (record.first..=to).zip(events).filter(|(position, _)| *position >= from) {
        let previous = (position == record.first).then_some(previous);
        let head = (position == head.position).then_some(*head);
        let line = EventLine { position, recorded_at, previous, head, encoded };
        text.extend(line.text().map_err(|fault| ExportError::Event { position, fault })?);
    }
    sink.write_all(&text)?;
    Ok(batch.end())
}

#[cfg(test)]
mod tests;
