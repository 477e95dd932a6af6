//! What the log is, as the store tells at the start: how far it came, and what the writer must know of it.
//!
//! Nothing is written here. Invariant: what is recovered is what was acknowledged, or an error that names
//! the first position that is not (P1, P4, P11).

use std::io;
use std::path::PathBuf;

use crate::index::Index;
use crate::record::Chain;
use crate::store::{Ended, Store, StoreError, Tail};
use crate::{Batch, Head, ReadError};

/// What a store tells at the start.
pub(crate) struct Recovered {
    pub tail: Tail,
    pub index: Index,
    /// Segments that ended and wait to be sealed, by first position.
    pub unsealed: Vec<u64>,
}

/// Follows the seals as far as the index in `index_dir` knows the log, then reads the rest and checks it.
pub(crate) fn recover(store: &impl Store, index_dir: Option<PathBuf>) -> Result<Recovered, ReadError> {
    let ended = store.ended();
    let (mut index, covered) = Index::open(index_dir, &ended).map_err(|e| index_error(&e))?;
    let tail = walk(store, &ended, covered, |step| match step {
        Step::Batch(batch) => {
            index.learn(batch);
            Ok(())
        }
        Step::End(first, tail) => {
            index.freeze(first, tail);
            index.layers().persist().map_err(|e| index_error(&e))
        }
    })?;
    let unsealed = ended.iter().filter(|ended| ended.seal.is_none()).map(|ended| ended.first).collect();
    Ok(Recovered { tail, index, unsealed })
}

/// The end of the log, where nothing else of it has to be known: seals are believed.
pub(crate) fn end(store: &impl Store) -> Result<Tail, ReadError> {
    let ended = store.ended();
    let sealed = ended.iter().map_while(|ended| ended.seal).last();
    walk(store, &ended, sealed.map(|seal| seal.tail).unwrap_or_default(), |_| Ok(()))
}

/// What a walk comes by.
enum Step<'a> {
    Batch(&'a Batch),
    /// The segment that began there ends here.
    End(u64, Tail),
}

/// Follows the seals up to `covered`, then reads the rest and checks it.
fn walk(
    store: &impl Store,
    ended: &[Ended],
    covered: Tail,
    mut visit: impl FnMut(Step) -> Result<(), ReadError>,
) -> Result<Tail, ReadError> {
    let mut tail = follow_seals(ended, covered)?;
    let mut chain = Chain::from(tail.head);
    let mut behind = ended.iter().skip_while(|ended| ended.last <= covered.head.position).peekable();
    for record in store.scan(tail.head.position + 1) {
        let next = chain.head().position + 1;
        let record = record.map_err(|e| e.read_at(next))?;
        if record.first < next {
            // What holds the position before, where nothing is behind it.
            continue;
        }
        let batch = chain.take(&record)?;
        visit(Step::Batch(&batch))?;
        tail = Tail { head: chain.head(), recorded_at: batch.recorded_at() };
        if let Some(segment) = behind.next_if(|segment| segment.last <= tail.head.position) {
            end_of_segment(segment, tail)?;
            visit(Step::End(segment.first, tail))?;
        }
    }
    if let Some(segment) = behind.next() {
        let position = tail.head.position + 1;
        let reason = format!("the segment that begins at position {} is cut or missing", segment.first);
        return Err(ReadError::Damaged { position, reason });
    }
    reaches(tail.head, anchored(store, tail.head)?)?;
    Ok(tail)
}

/// Follows the chain of seals up to `covered`, without reading what is sealed.
fn follow_seals(ended: &[Ended], covered: Tail) -> Result<Tail, ReadError> {
    let mut tail = Tail::default();
    for segment in ended.iter().take_while(|ended| ended.last <= covered.head.position) {
        let position = tail.head.position + 1;
        let reason = match &segment.seal {
            Some(seal) if segment.first == position && seal.previous == tail.head.hash => {
                tail = seal.tail;
                continue;
            }
            Some(_) if segment.first != position => format!("the next stored position is {}", segment.first),
            _ => "the segment before it is not the one that was sealed".to_owned(),
        };
        return Err(ReadError::Damaged { position, reason });
    }
    Ok(tail)
}

/// A segment that was read ends as its seal says, and where the next begins.
fn end_of_segment(segment: &Ended, tail: Tail) -> Result<(), ReadError> {
    let sealed = segment.seal.is_none_or(|seal| seal.tail == tail);
    if sealed && segment.last == tail.head.position {
        return Ok(());
    }
    let reason = "the segment does not end as it was sealed".to_owned();
    Err(ReadError::Damaged { position: segment.first, reason })
}

/// How far the log must reach, as far as that is known.
fn anchored(store: &impl Store, end: Head) -> Result<Option<Head>, ReadError> {
    match store.anchored() {
        Ok(Some(head)) => Ok(Some(head)),
        Ok(None) if end.position == 0 => Ok(None),
        Ok(None) => {
            tracing::error!(
                "the anchor is missing: nothing here tells whether the end of the log was cut off"
            );
            Ok(None)
        }
        Err(StoreError::Damaged { reason, .. }) => {
            tracing::error!(%reason, "nothing here tells whether the end of the log was cut off");
            Ok(None)
        }
        Err(error) => Err(error.read_at(end.position)),
    }
}

/// P1, P11: a log that is shorter than its anchor has lost what was acknowledged.
fn reaches(end: Head, anchored: Option<Head>) -> Result<(), ReadError> {
    let Some(anchored) = anchored else { return Ok(()) };
    if end.position < anchored.position {
        let reason = format!("the log ends here, but had reached position {}", anchored.position);
        return Err(ReadError::Damaged { position: end.position + 1, reason });
    }
    if end.position == anchored.position && end.hash != anchored.hash {
        let reason = "the newest batch is not the one that was acknowledged".to_owned();
        return Err(ReadError::Damaged { position: end.position, reason });
    }
    Ok(())
}

fn index_error(error: &io::Error) -> ReadError {
    ReadError::Unavailable(format!("the index cannot be used: {error}"))
}
