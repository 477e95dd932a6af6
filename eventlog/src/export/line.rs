//! One line of an export, which is an event. Knows nothing of the lines around it.
//!
//! Invariant: a line that is taken says exactly what was understood of it; nothing in it is ignored.

use std::fmt::Write as _;

use bytes::Bytes;
use prost::Message as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sos_proto::event::v1::{Event, RecordedEvent};
use sos_proto::time;

use super::LINE_BYTES_MAX;
use crate::Head;
use crate::record::Hash;

/// What is wrong with a line of an export.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file cannot be read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// Longer than [`LINE_BYTES_MAX`].
    #[error("it is longer than {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// No JSON, or not of an event.
    #[error("{reason}, at byte {column}")]
    Json {
        /// What the reader of JSON says.
        reason: String,
        /// Where in the line, from 1.
        column: usize,
    },
    /// A field that no export has, or a value in a form that none has.
    #[error("field {0:?} is unknown or missing, or not as an export writes it")]
    Field(String),
    /// A line was removed, moved or repeated.
    #[error("position {found} where {expected} was expected")]
    Position {
        /// What follows the position before, or 1.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// The export began within a record batch, so that it cannot be imported.
    #[error("an event outside a batch: the export does not begin where a batch does")]
    OutsideBatch,
    /// The events of a record batch share the moment at which they became durable.
    #[error("the event was recorded at another time than its batch")]
    RecordedAt,
    /// The record batch is larger than the log writes.
    #[error("the batch is larger than any that the log writes")]
    BatchTooLarge,
    /// The record batch that begins here is not the one that was exported, or the next names another.
    #[error("the batch at position {position} cannot be reproduced byte by byte")]
    Batch {
        /// Its first position.
        position: u64,
    },
    /// The head is not where it says.
    #[error("the head names position {named}, and stands at {reached}")]
    Head {
        /// What the head names.
        named: u64,
        /// The position of the event that carries it.
        reached: u64,
    },
    /// The end is missing.
    #[error("the file ends without naming its head: it was cut")]
    Cut,
    /// Something was added.
    #[error("the file goes on behind its head")]
    BehindHead,
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        let text = error.to_string();
        // It names a place in what it was given, which is always line 1.
        let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
        Self::Json { reason: reason.to_owned(), column: error.column() }
    }
}

/// What the line of an event says.
#[derive(Debug)]
pub(super) struct EventLine {
    pub position: u64,
    pub recorded_at: i64,
    /// Digest of the record batch before, where this event is the first of its batch.
    pub previous: Option<Hash>,
    /// The end of the export, where this is its last event.
    pub head: Option<Head>,
    /// The event in protobuf.
    pub encoded: Bytes,
}

/// The keys of ours: none may become a field of `RecordedEvent`.
#[derive(Deserialize)]
struct Marks {
    encoded: Option<String>,
    batch: Option<BatchMark>,
    head: Option<HeadMark>,
}

#[derive(Serialize, Deserialize)]
struct BatchMark {
    previous: String,
}

/// The position is a string, as 64-bit numbers are in proto3 JSON.
#[derive(Serialize, Deserialize)]
struct HeadMark {
    position: String,
    hash: String,
}

#[derive(Serialize)]
struct EventForm {
    #[serde(flatten)]
    recorded: RecordedEvent,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoded: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<BatchMark>,
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<HeadMark>,
}

impl EventLine {
    /// The line, which says all of the event and can be read again.
    pub fn text(&self) -> Result<Vec<u8>, Fault> {
        match Event::decode(self.encoded.clone()).map(|event| self.with(Some(event))) {
            // Read back at once. JSON has no place for infinities, for numbers that an enum of ours does
            // not have and for fields of a newer version, and reading rounds some `float`s twice.
            Ok(Ok(line)) if parse(&line).is_ok_and(|read| read.encoded == self.encoded) => Ok(line),
            _ => self.with(None),
        }
    }

    /// The line with the event in JSON, or else in hex.
    fn with(&self, event: Option<Event>) -> Result<Vec<u8>, Fault> {
        let encoded = event.is_none().then(|| hex(&self.encoded));
        let recorded_at = Some(time::timestamp(self.recorded_at));
        let recorded = RecordedEvent { position: self.position, recorded_at, event };
        let batch = self.previous.map(|previous| BatchMark { previous: hex(&previous) });
        let head = self
            .head
            .map(|Head { position, hash }| HeadMark { position: position.to_string(), hash: hex(&hash) });
        let mut line = serde_json::to_vec(&EventForm { recorded, encoded, batch, head })?;
        line.push(b'\n');
        if line.len() > LINE_BYTES_MAX { Err(Fault::TooLong) } else { Ok(line) }
    }
}

/// Reads a line.
pub(super) fn parse(text: &[u8]) -> Result<EventLine, Fault> {
    let marks: Marks = serde_json::from_slice(text)?;
    let RecordedEvent { position, recorded_at, event } = serde_json::from_slice(text)?;
    let recorded_at = recorded_at.as_ref().and_then(time::micros).ok_or_else(|| unfit("recordedAt"))?;
    let previous = marks.batch.map(|mark| digest(&mark.previous).ok_or_else(|| unfit("batch.previous")));
    let previous = previous.transpose()?;
    let head = marks.head.map(|mark| {
        let position = mark.position.parse().map_err(|_| unfit("head.position"))?;
        Ok::<_, Fault>(Head { position, hash: digest(&mark.hash).ok_or_else(|| unfit("head.hash"))? })
    });
    let head = head.transpose()?;
    let (event, encoded) = match marks.encoded {
        Some(text) => (None, bytes(&text).ok_or_else(|| unfit("encoded"))?),
        None => {
            let event = event.unwrap_or_default();
            let encoded = event.encode_to_vec();
            (Some(event), encoded)
        }
    };
    let line = EventLine { position, recorded_at, previous, head, encoded: encoded.into() };
    check_form(text, &line.with(event)?)?;
    Ok(line)
}

fn unfit(field: &str) -> Fault {
    Fault::Field(field.to_owned())
}

/// P11: the wire types ignore what they do not know, and take several forms of a value. An export has one
/// form, so any other is a change; only spaces and the order of keys may differ.
fn check_form(text: &[u8], exact: &[u8]) -> Result<(), Fault> {
    if text.trim_ascii_end() == exact.trim_ascii_end() {
        return Ok(());
    }
    let (given, exact) = (serde_json::from_slice(text)?, serde_json::from_slice(exact)?);
    difference(&given, &exact, String::new()).map_or(Ok(()), |field| Err(Fault::Field(field)))
}

/// The path of a field that is not the same in both.
fn difference(given: &Value, exact: &Value, path: String) -> Option<String> {
    let (Value::Object(given), Value::Object(exact)) = (given, exact) else {
        return (given != exact).then_some(path);
    };
    given.keys().chain(exact.keys()).find_map(|key| {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (given.get(key), exact.get(key)) {
            (Some(given), Some(exact)) => difference(given, exact, path),
            _ => Some(path),
        }
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Never fails: a String grows.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let (pairs, []) = hex.as_bytes().as_chunks::<2>() else { return None };
    // Signs and capitals that pass here are not of the form that is checked.
    pairs.iter().map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn digest(hex: &str) -> Option<Hash> {
    bytes(hex)?.try_into().ok()
}
