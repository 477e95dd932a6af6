//! Reads single events of the log by their positions.

use std::sync::Arc;

use prost::Message as _;
use sos_eventlog::{Batch, EventLog, READ_BATCHES_MAX, ReadError};
use sos_proto::event::v1::RecordedEvent;

use crate::config::{TIMELINE_BYTES_MAX, TIMELINE_EVENTS_MAX};

/// The events at these positions, which must be ascending. Neighbours share a read: it is of one stored batch
/// where the next position lies elsewhere, and of ever more batches as long as the positions go on where the
/// last read ended.
pub(crate) async fn read(log: &dyn EventLog, positions: &[u64]) -> Result<Vec<RecordedEvent>, ReadError> {
    let mut found = Vec::with_capacity(positions.len());
    let (mut end, mut batches_max) = (0, 1);
    while let Some(&from) = positions.get(found.len()) {
        batches_max = if from == end { READ_BATCHES_MAX.min(batches_max * 2) } else { 1 };
        let before = found.len();
        for batch in log.read(from, batches_max).await? {
            pick(&batch, positions, &mut found);
            end = batch.end();
        }
        if found.len() == before {
            return Err(ReadError::Damaged { position: from, reason: "the position is missing".to_owned() });
        }
    }
    Ok(found)
}

fn pick(batch: &Arc<Batch>, positions: &[u64], found: &mut Vec<RecordedEvent>) {
    let wanted = |found: &[RecordedEvent]| positions.get(found.len()).copied();
    if wanted(found).is_none_or(|position| position >= batch.end()) {
        return;
    }
    for recorded in batch.recorded() {
        if wanted(found) == Some(recorded.position) {
            found.push(recorded);
        }
    }
}

/// The positions of a timeline that is shown: the opening event and the newest ones.
pub(crate) fn shown(positions: &[u64]) -> Vec<u64> {
    let left_out = positions.len().saturating_sub(TIMELINE_EVENTS_MAX);
    let newest = positions.iter().skip(1 + left_out);
    positions.first().into_iter().chain(newest).copied().collect()
}

/// Leaves out the oldest events behind the opening one until the rest fits into an answer (P10).
pub(crate) fn cut(events: Vec<RecordedEvent>) -> Vec<RecordedEvent> {
    let mut bytes: usize = events.iter().map(RecordedEvent::encoded_len).sum();
    let mut kept = Vec::with_capacity(events.len());
    for (index, event) in events.into_iter().enumerate() {
        if index > 0 && bytes > TIMELINE_BYTES_MAX {
            bytes -= event.encoded_len();
        } else {
            kept.push(event);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::future::BoxFuture;
    use futures::stream::{self, BoxStream, StreamExt as _};
    use sos_eventlog::{Append, AppendError, Appended, Head, Record};
    use sos_proto::event::v1::{AlertNoted, Event, event::Body};

    use super::*;

    /// Holds batches of these sizes, and notes what is asked of it.
    struct Asked {
        sizes: Vec<usize>,
        reads: Mutex<Vec<(u64, usize)>>,
    }

    impl EventLog for Asked {
        fn append(&self, _: Append) -> BoxFuture<'_, Result<Vec<Appended>, AppendError>> {
            Box::pin(async { Ok(Vec::new()) })
        }

        fn read_records(&self, _: u64, _: usize) -> BoxFuture<'_, Result<Vec<Record>, ReadError>> {
            Box::pin(async { Ok(Vec::new()) })
        }

        fn read(&self, from: u64, batches_max: usize) -> BoxFuture<'_, Result<Vec<Arc<Batch>>, ReadError>> {
            self.reads.lock().unwrap().push((from, batches_max));
            let mut first = 1;
            let batches = self.sizes.iter().map(|size| {
                let batch = Batch::new(first, 0, vec![Event::default(); *size]);
                first = batch.end();
                Arc::new(batch)
            });
            let found = batches.filter(|batch| batch.end() > from).take(batches_max).collect();
            Box::pin(async { Ok(found) })
        }

        fn follow(&self, _: u64) -> BoxStream<'static, Result<Arc<Batch>, ReadError>> {
            stream::empty().boxed()
        }

        fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
            Box::pin(async { Ok(Head::default()) })
        }
    }

    /// The reads, each with its first position and how many batches it may bring.
    async fn reads(sizes: &[usize], positions: &[u64]) -> Vec<(u64, usize)> {
        let log = Asked { sizes: sizes.to_vec(), reads: Mutex::default() };
        let found = read(&log, positions).await.unwrap();
        assert_eq!(found.iter().map(|event| event.position).collect::<Vec<_>>(), positions);
        log.reads.into_inner().unwrap()
    }

    #[tokio::test]
    async fn a_read_brings_little_that_is_not_asked_for() {
        assert_eq!(reads(&[1; 30], &[2, 9, 30]).await, [(2, 1), (9, 1), (30, 1)]);
        let row: Vec<u64> = (3..=30).collect();
        assert_eq!(reads(&[1; 30], &row).await, [(3, 1), (4, 2), (6, 4), (10, 8), (18, 16)]);
        assert_eq!(reads(&[10; 4], &[2, 9, 11, 40]).await, [(2, 1), (11, 2), (40, 1)]);
        let log = Asked { sizes: vec![1], reads: Mutex::default() };
        assert!(matches!(read(&log, &[1, 2]).await, Err(ReadError::Damaged { position: 2, .. })));
    }

    #[test]
    fn a_long_timeline_keeps_its_opening_and_its_end() {
        let few: Vec<u64> = (1..=1_000).collect();
        assert_eq!(shown(&few), few);
        let many: Vec<u64> = (1..=5_000).collect();
        let shown = shown(&many);
        assert_eq!((shown.len(), shown[0], shown[1], shown[999]), (1_000, 1, 4_002, 5_000));
        assert_eq!(super::shown(&[]), [0_u64; 0]);
    }

    #[test]
    fn a_heavy_timeline_is_cut_behind_its_opening() {
        let heavy = |position| {
            let note = "x".repeat(TIMELINE_BYTES_MAX / 4);
            let body = Some(Body::AlertNoted(AlertNoted { note }));
            RecordedEvent {
                position,
                event: Some(Event { body, ..Event::default() }),
                ..RecordedEvent::default()
            }
        };
        let kept = cut((1..=6).map(heavy).collect());
        assert_eq!(kept.iter().map(|event| event.position).collect::<Vec<_>>(), [1, 5, 6]);
    }
}
