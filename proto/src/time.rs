//! Points and lengths of time on the wire. Reads no clock.
//!
//! The two well-known types are ours because their canonical JSON form must be exact: UTC with a `Z`, and
//! 0, 3, 6 or 9 digits behind the point.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds behind the second, 0 to 999,999,999.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct Duration {
    /// Whole seconds.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds, of the same sign.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// 0001-01-01T00:00:00Z, the first second that a protobuf timestamp can name.
const FIRST_SECOND: i64 = -62_135_596_800;
/// 9999-12-30T22:00:00Z, the last that we take: what follows could not be shown in every time zone.
const LAST_SECOND: i64 = 253_402_207_200;

/// The last point in time that we take, in microseconds since 1970.
pub const MICROS_MAX: i64 = LAST_SECOND * 1_000_000;

/// The wire form of a point in time, given in microseconds since 1970.
#[must_use]
pub fn timestamp(micros: i64) -> Timestamp {
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or(0);
    Timestamp { seconds: micros.div_euclid(1_000_000), nanos }
}

/// Microseconds since 1970, or nothing where the value is outside the years 1 to 9999 or malformed.
#[must_use]
pub fn micros(timestamp: &Timestamp) -> Option<i64> {
    timestamp.is_valid().then(|| timestamp.seconds * 1_000_000 + i64::from(timestamp.nanos / 1_000))
}

/// The wire form of a length of time, given in microseconds.
#[must_use]
pub fn duration(micros: i64) -> Duration {
    let nanos = i32::try_from(micros % 1_000_000 * 1_000).unwrap_or(0);
    Duration { seconds: micros / 1_000_000, nanos }
}

impl Timestamp {
    fn is_valid(&self) -> bool {
        (FIRST_SECOND..=LAST_SECOND).contains(&self.seconds) && (0..1_000_000_000).contains(&self.nanos)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC; `invalid` where it is no point in time.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = jiff::Timestamp::new(self.seconds, 0).ok().filter(|_| self.is_valid());
        let Some(moment) = moment else { return f.write_str("invalid") };
        write!(f, "{}", moment.strftime("%Y-%m-%dT%H:%M:%S"))?;
        fraction(f, self.nanos.unsigned_abs())?;
        f.write_str("Z")
    }
}

impl fmt::Display for Duration {
    /// Seconds with an `s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.seconds < 0 || self.nanos < 0 { "-" } else { "" };
        write!(f, "{sign}{}", self.seconds.unsigned_abs())?;
        fraction(f, self.nanos.unsigned_abs())?;
        f.write_str("s")
    }
}

/// 0, 3, 6 or 9 digits behind the point.
fn fraction(f: &mut fmt::Formatter<'_>, nanos: u32) -> fmt::Result {
    match nanos {
        0 => Ok(()),
        n if n % 1_000_000 == 0 => write!(f, ".{:03}", n / 1_000_000),
        n if n % 1_000 == 0 => write!(f, ".{:06}", n / 1_000),
        n => write!(f, ".{n:09}"),
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.is_valid() {
            return Err(serde::ser::Error::custom("timestamp outside the years 1 to 9999"));
        }
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment: jiff::Timestamp = text.parse().map_err(D::Error::custom)?;
        // jiff gives both parts the same sign; the wire wants nanoseconds that count upwards.
        let (seconds, nanos) = match (moment.as_second(), moment.subsec_nanosecond()) {
            (seconds, nanos) if nanos < 0 => (seconds - 1, nanos + 1_000_000_000),
            parts => parts,
        };
        let timestamp = Self { seconds, nanos };
        if timestamp.is_valid() {
            Ok(timestamp)
        } else {
            Err(D::Error::custom("outside the years 1 to 9999"))
        }
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_duration(&text).ok_or_else(|| D::Error::custom("not of the form 1.5s"))
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.strip_suffix('s')?;
    let (sign, digits) = digits.strip_prefix('-').map_or((1, digits), |rest| (-1, rest));
    let (whole, behind) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || behind.len() > 9 || !all_digits(whole) || !all_digits(behind) {
        return None;
    }
    let nanos: i32 = format!("{behind:0<9}").parse().ok()?;
    Some(Duration { seconds: sign * whole.parse::<i64>().ok()?, nanos: i32::try_from(sign).ok()? * nanos })
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

        #[test]
        fn json_comes_back(seconds in FIRST_SECOND..=LAST_SECOND, nanos in 0..1_000_000_000i32) {
            let point = Timestamp { seconds, nanos };
            let text = serde_json::to_string(&point).unwrap();
            prop_assert_eq!(serde_json::from_str::<Timestamp>(&text).unwrap(), point);
        }

        #[test]
        fn lengths_come_back(micros in -1_000_000_000_000i64..1_000_000_000_000) {
            let text = serde_json::to_string(&duration(micros)).unwrap();
            prop_assert_eq!(serde_json::from_str::<Duration>(&text).unwrap(), duration(micros));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,30}") {
            let json = serde_json::to_string(&text).unwrap();
            let _ = serde_json::from_str::<Timestamp>(&json);
            let _ = serde_json::from_str::<Duration>(&json);
        }
    }

    #[test]
    fn json_is_canonical() {
        let json = |seconds, nanos| serde_json::to_string(&Timestamp { seconds, nanos }).unwrap();
        assert_eq!(json(0, 0), r#""1970-01-01T00:00:00Z""#);
        assert_eq!(json(-1, 500_000_000), r#""1969-12-31T23:59:59.500Z""#);
        assert_eq!(json(1_700_000_000, 1_000), r#""2023-11-14T22:13:20.000001Z""#);
        assert_eq!(json(FIRST_SECOND, 1), r#""0001-01-01T00:00:00.000000001Z""#);
        assert_eq!(json(LAST_SECOND, 999_999_999), r#""9999-12-30T22:00:00.999999999Z""#);
        let read: Timestamp = serde_json::from_str(r#""2023-11-15T03:13:20+05:00""#).unwrap();
        assert_eq!(read, Timestamp { seconds: 1_700_000_000, nanos: 0 });
        assert_eq!(serde_json::to_string(&duration(-1_500_000)).unwrap(), r#""-1.500s""#);
    }

    #[test]
    fn what_is_no_time_is_none() {
        assert_eq!(micros(&Timestamp { seconds: LAST_SECOND + 1, nanos: 0 }), None);
        assert_eq!(micros(&Timestamp { seconds: i64::MIN, nanos: 0 }), None);
        assert_eq!(micros(&Timestamp { seconds: 0, nanos: -1 }), None);
        assert_eq!(micros(&Timestamp { seconds: 0, nanos: 1_000_000_000 }), None);
        for text in ["yesterday", "-0001-01-01T00:00:00Z", ""] {
            assert!(serde_json::from_value::<Timestamp>(text.into()).is_err(), "{text}");
        }
    }
}
