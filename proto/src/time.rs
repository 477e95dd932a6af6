//! Points in time on the wire, as microseconds since 1970-01-01T00:00:00Z. Reads no clock.

pub use pbjson_types::{Duration, Timestamp};

/// 0001-01-01T00:00:00Z, the first second that a protobuf timestamp can name.
const FIRST_SECOND: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z, the last.
const LAST_SECOND: i64 = 253_402_300_799;

/// The wire form of a point in time.
#[must_use]
pub fn timestamp(micros: i64) -> Timestamp {
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or(0);
    Timestamp { seconds: micros.div_euclid(1_000_000), nanos }
}

/// Microseconds since 1970, or nothing where the value is outside the years 1 to 9999 or malformed.
#[must_use]
pub fn micros(timestamp: &Timestamp) -> Option<i64> {
    let in_range = (FIRST_SECOND..=LAST_SECOND).contains(&timestamp.seconds)
        && (0..1_000_000_000).contains(&timestamp.nanos);
    in_range.then(|| timestamp.seconds * 1_000_000 + i64::from(timestamp.nanos / 1_000))
}

/// The wire form of a length of time.
#[must_use]
pub fn duration(micros: i64) -> Duration {
    let nanos = i32::try_from(micros % 1_000_000 * 1_000).unwrap_or(0);
    Duration { seconds: micros / 1_000_000, nanos }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_microsecond_comes_back(value in FIRST_SECOND * 1_000_000..=LAST_SECOND * 1_000_000) {
            prop_assert_eq!(micros(&timestamp(value)), Some(value));
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        assert_eq!(micros(&Timestamp { seconds: LAST_SECOND + 1, nanos: 0 }), None);
        assert_eq!(micros(&Timestamp { seconds: i64::MIN, nanos: 0 }), None);
        assert_eq!(micros(&Timestamp { seconds: 0, nanos: -1 }), None);
        assert_eq!(micros(&Timestamp { seconds: 0, nanos: 1_000_000_000 }), None);
    }
}
