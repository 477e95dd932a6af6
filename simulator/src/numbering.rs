//! Sequence numbers: 1, 2, 3 … for each call point on its own, in the order in which they are asked for.

use std::collections::HashMap;

use sos_proto::call_point::CallPoint;

/// Counts the messages of each call point within one boot id.
#[derive(Debug, Default)]
pub(crate) struct Numbering {
    last: HashMap<CallPoint, u64>,
}

impl Numbering {
    /// The next number of a call point.
    pub(crate) fn next(&mut self, call_point: &CallPoint) -> u64 {
        let last = self.last.entry(call_point.clone()).or_default();
        *last += 1;
        *last
    }
}
