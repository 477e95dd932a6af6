//! Consecutive events that became durable together.

use std::sync::Arc;

use sos_proto::event::v1::{Event, RecordedEvent};
use sos_proto::time;

/// Consecutive events that became durable together.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    first: u64,
    recorded_at: i64,
    events: Vec<Event>,
}

impl Batch {
    /// Events at `first` and the positions behind it.
    #[must_use]
    pub fn new(first: u64, recorded_at: i64, events: Vec<Event>) -> Self {
        Self { first, recorded_at, events }
    }

    /// Position of the first event.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Position behind the last event.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    /// When it became durable, in microseconds since 1970.
    #[must_use]
    pub fn recorded_at(&self) -> i64 {
        self.recorded_at
    }

    /// The events with their positions.
    pub fn events(&self) -> impl Iterator<Item = (u64, &Event)> {
        (self.first..).zip(&self.events)
    }

    /// The events as they travel.
    pub fn recorded(&self) -> impl Iterator<Item = RecordedEvent> {
        self.events().map(|(position, event)| RecordedEvent {
            position,
            recorded_at: Some(time::timestamp(self.recorded_at)),
            event: Some(event.clone()),
        })
    }

    /// The same batch without the positions before `from`.
    #[must_use]
    pub fn from_position(self: Arc<Self>, from: u64) -> Arc<Self> {
        let skipped = usize::try_from(from.saturating_sub(self.first)).unwrap_or(usize::MAX);
        if skipped == 0 {
            return self;
        }
        Arc::new(Self {
            first: self.first.max(from),
            recorded_at: self.recorded_at,
            events: self.events.iter().skip(skipped).cloned().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_begins_where_it_is_asked_to() {
        let events = ["a", "b", "c"].map(|id| Event { event_id: id.to_owned(), ..Event::default() });
        let batch = Arc::new(Batch::new(7, 1, events.to_vec()));
        for (from, first, ids) in [
            (0, 7, &["a", "b", "c"][..]),
            (7, 7, &["a", "b", "c"]),
            (8, 8, &["b", "c"]),
            (9, 9, &["c"]),
            (10, 10, &[]),
        ] {
            let rest = Arc::clone(&batch).from_position(from);
            let recorded: Vec<_> = rest.recorded().collect();
            let found: Vec<_> = rest.events().map(|(_, event)| event.event_id.as_str()).collect();
            assert_eq!((rest.first(), rest.end(), rest.recorded_at()), (first, 10, 1), "from {from}");
            assert_eq!(found, ids, "from {from}");
            assert!(recorded.iter().map(|event| event.position).eq(first..10), "from {from}");
        }
    }
}
