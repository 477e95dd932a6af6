//! Reads single events of the log by their positions.

use std::sync::Arc;

use prost::Message as _;
use sos_eventlog::{Batch, EventLog, ReadError};
use sos_proto::event::v1::RecordedEvent;

use crate::config::{TIMELINE_BYTES_MAX, TIMELINE_EVENTS_MAX};

/// The events at these positions, which must be ascending. Neighbours share a read.
pub(crate) async fn read(log: &dyn EventLog, positions: &[u64]) -> Result<Vec<RecordedEvent>, ReadError> {
    let mut found = Vec::with_capacity(positions.len());
    while let Some(&from) = positions.get(found.len()) {
        let before = found.len();
        for batch in log.read(from).await? {
            pick(&batch, positions, &mut found);
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
    use super::*;
    use sos_proto::event::v1::{AlertNoted, Event, event::Body};

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
