//! The order in which things changed, newest last.
//!
//! Invariant: no longer than twice what it orders, and a few. A thing that changes again leaves its old place
//! behind as an empty one, and empty places are cleared away once they are half of all (P10).

/// Places that are never worth clearing away.
const SLACK: usize = 64;

/// The order of the newest changes of numbered things.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Position in the log and what changed there, ascending by both.
    places: Vec<(u64, u32)>,
    /// Newest position of each thing, by number; 0 for none.
    newest: Vec<u64>,
    things: usize,
}

impl Changes {
    /// Notes that something changed; positions never descend.
    pub(super) fn note(&mut self, position: u64, number: u32) {
        let index = number as usize;
        if index >= self.newest.len() {
            self.newest.resize(index + 1, 0);
        }
        let Some(newest) = self.newest.get_mut(index) else { return };
        if *newest == position {
            return;
        }
        if *newest == 0 {
            self.things += 1;
        }
        *newest = position;
        // Several things that change at one position are in the order of their numbers.
        let behind =
            self.places.iter().rposition(|place| *place < (position, number)).map_or(0, |last| last + 1);
        self.places.insert(behind, (position, number));
        if self.places.len() > 2 * self.things + SLACK {
            let newest = &self.newest;
            self.places.retain(|place| is_newest(newest, place));
        }
    }

    /// What changed behind a place in this order.
    pub(super) fn after(&self, place: (u64, u32)) -> impl Iterator<Item = (u64, u32)> {
        let first = self.places.partition_point(|other| *other <= place);
        let behind = self.places.get(first..).unwrap_or_default();
        behind.iter().filter(|place| is_newest(&self.newest, place)).copied()
    }

    /// Position of the newest change of something; 0 for none.
    pub(super) fn newest(&self, number: u32) -> u64 {
        self.newest.get(number as usize).copied().unwrap_or(0)
    }
}

fn is_newest(newest: &[u64], (position, number): &(u64, u32)) -> bool {
    newest.get(*number as usize) == Some(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_at_its_newest_place() {
        let mut changes = Changes::default();
        for position in 1..=1_000 {
            changes.note(position, u32::try_from(position % 3).unwrap());
        }
        changes.note(1_001, 7);
        changes.note(1_001, 1);
        changes.note(1_001, 1);
        let all: Vec<_> = changes.after((0, 0)).collect();
        assert_eq!(all, [(998, 2), (999, 0), (1_001, 1), (1_001, 7)]);
        assert_eq!(changes.after((999, 0)).collect::<Vec<_>>(), all[2..]);
        assert_eq!(changes.after((1_001, 1)).collect::<Vec<_>>(), all[3..]);
        assert!(changes.places.len() <= 2 * 4 + SLACK, "P10");
        assert_eq!((changes.newest(7), changes.newest(8)), (1_001, 0));
    }
}
