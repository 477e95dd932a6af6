//! From the lines of an export back to record batches.
//!
//! It writes no log; whoever does also checks the chain. Invariant: a record batch is given only after
//! what follows it in the export has named its digest (P11).

use std::io::{BufRead, Read as _};

use bytes::Bytes;

use super::LINE_BYTES_MAX;
use super::line::{self, EventLine, Fault};
use crate::record::{self, Hash, Record};
use crate::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX};

/// Where an export is not what was written, and why.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct ImportError {
    /// The line, from 1; of a batch, its first one.
    pub line: u64,
    /// What is wrong there.
    pub fault: Fault,
}

/// Record batches from the lines of an export. Ends with the first error.
///
/// The first batch may be at any position, and names the digest of the one before it.
#[derive(Debug)]
pub struct Importer<R> {
    source: R,
    /// The line under way.
    text: Vec<u8>,
    /// Its number, from 1.
    number: u64,
    /// The position of the last event; 0 before the first.
    reached: u64,
    /// The batch under way.
    batch: Option<OpenBatch>,
    /// The last batch, where the one before it was given first.
    last: Option<Record>,
    ended: bool,
}

/// A batch of which more events may come.
#[derive(Debug)]
struct OpenBatch {
    line: u64,
    first: u64,
    recorded_at: i64,
    previous: Hash,
    events: Vec<Bytes>,
    event_bytes: usize,
}

impl<R: BufRead> Importer<R> {
    /// Reads an export from its first line on.
    pub fn new(source: R) -> Self {
        Self { source, text: Vec::new(), number: 0, reached: 0, batch: None, last: None, ended: false }
    }

    fn advance(&mut self) -> Result<Option<Record>, ImportError> {
        loop {
            if let Some(last) = self.last.take() {
                return Ok(Some(last));
            }
            if self.ended {
                return Ok(None);
            }
            if !self.read_line()? {
                return Err(self.fault(Fault::Cut));
            }
            let event = line::parse(&self.text).map_err(|fault| self.fault(fault))?;
            let closed = self.take(event)?;
            if closed.is_some() {
                return Ok(closed);
            }
        }
    }

    /// Reads the next line, however long it pretends to be. False: there is none.
    fn read_line(&mut self) -> Result<bool, ImportError> {
        self.number += 1;
        self.text.clear();
        let mut source = (&mut self.source).take(LINE_BYTES_MAX as u64 + 1);
        let read = source.read_until(b'\n', &mut self.text).map_err(|e| self.fault(e.into()))?;
        if read > LINE_BYTES_MAX {
            return Err(self.fault(Fault::TooLong));
        }
        self.text.pop_if(|byte| *byte == b'\n');
        Ok(read > 0)
    }

    /// Takes an event, and gives the batch that ends before it.
    fn take(&mut self, event: EventLine) -> Result<Option<Record>, ImportError> {
        let EventLine { position, recorded_at, previous, head, encoded } = event;
        let expected = if self.reached == 0 { position.max(1) } else { self.reached.saturating_add(1) };
        // The last number of all has none behind it.
        if position != expected || position == u64::MAX {
            return Err(self.fault(Fault::Position { expected, found: position }));
        }
        let mut closed = None;
        if let Some(previous) = previous {
            closed = self.close(&previous)?;
            let (line, events) = (self.number, Vec::new());
            self.batch =
                Some(OpenBatch { line, first: position, recorded_at, previous, events, event_bytes: 0 });
        }
        let batch = self.batch.as_mut().ok_or(Fault::OutsideBatch);
        let added = batch.and_then(|batch| batch.add(recorded_at, encoded));
        added.map_err(|fault| self.fault(fault))?;
        self.reached = position;
        if let Some(head) = head {
            if head.position != position {
                return Err(self.fault(Fault::Head { named: head.position, reached: position }));
            }
            self.last = self.close(&head.hash)?;
            if self.read_line()? {
                return Err(self.fault(Fault::BehindHead));
            }
            self.ended = true;
        }
        Ok(closed)
    }

    /// Ends the batch under way, and checks it against what follows it.
    fn close(&mut self, digest: &Hash) -> Result<Option<Record>, ImportError> {
        let Some(batch) = self.batch.take() else { return Ok(None) };
        let record = batch.record();
        // P11: the same bytes as before, or none.
        if record.hash() != *digest {
            let fault = Fault::Batch { position: batch.first };
            return Err(ImportError { line: batch.line, fault });
        }
        Ok(Some(record))
    }

    fn fault(&self, fault: Fault) -> ImportError {
        ImportError { line: self.number, fault }
    }
}

impl<R: BufRead> Iterator for Importer<R> {
    type Item = Result<Record, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance();
        if next.is_err() {
            self.ended = true;
            self.last = None;
        }
        next.transpose()
    }
}

impl OpenBatch {
    fn add(&mut self, recorded_at: i64, event: Bytes) -> Result<(), Fault> {
        if recorded_at != self.recorded_at {
            return Err(Fault::RecordedAt);
        }
        self.event_bytes += event.len();
        if self.events.len() == BATCH_EVENTS_MAX || self.event_bytes > BATCH_BYTES_MAX {
            return Err(Fault::BatchTooLarge);
        }
        self.events.push(event);
        Ok(())
    }

    fn record(&self) -> Record {
        let events = self.events.iter().map(AsRef::as_ref);
        let bytes = record::encode(self.first, self.recorded_at, &self.previous, events);
        Record { first: self.first, bytes: bytes.into() }
    }
}
