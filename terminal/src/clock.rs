//! The server's clock, as heard in its heartbeats. The machine's own is never shown: it may be wrong.

use std::time::Duration;

use jiff::tz::TimeZone;
use sos_proto::time::{self, Timestamp};

/// Time since the console was started, by a clock that nobody can set.
pub type Moment = Duration;

/// The server's clock.
#[derive(Debug)]
pub struct Clock {
    zone: TimeZone,
    /// What it said last in microseconds since 1970, and when that was heard.
    heard: Option<(i64, Moment)>,
}

impl Clock {
    /// A clock that was not heard yet, and the time zone to write times in.
    pub fn new(zone: TimeZone) -> Self {
        Self { zone, heard: None }
    }

    pub fn hear(&mut self, server_time: Option<&Timestamp>, now: Moment) {
        if let Some(micros) = server_time.and_then(time::micros) {
            self.heard = Some((micros, now));
        }
    }

    /// What the server's clock says at a moment, which may be past, in microseconds since 1970.
    pub fn at(&self, moment: Moment) -> Option<i64> {
        let (micros, heard) = self.heard?;
        let signed = |moment: Moment| i64::try_from(moment.as_micros()).unwrap_or(i64::MAX);
        Some(micros.saturating_add(signed(moment)).saturating_sub(signed(heard)))
    }

    /// How long ago something was.
    pub fn age(&self, of: Option<&Timestamp>, now: Moment) -> Option<Duration> {
        let age = self.at(now)?.saturating_sub(of.and_then(time::micros)?);
        Some(Duration::from_micros(u64::try_from(age).unwrap_or(0)))
    }

    /// Hours, minutes and seconds; `-` where the clock was not heard yet.
    pub fn time(&self, micros: Option<i64>) -> String {
        self.written(micros, "%H:%M:%S")
    }

    /// The time with its zone.
    pub fn time_and_zone(&self, micros: Option<i64>) -> String {
        self.written(micros, "%H:%M:%S %Z")
    }

    /// Date and time; `-` where it is unknown.
    pub fn moment(&self, timestamp: Option<&Timestamp>) -> String {
        self.written(timestamp.and_then(time::micros), "%Y-%m-%d %H:%M:%S")
    }

    /// The same without the year.
    pub fn day_and_time(&self, timestamp: Option<&Timestamp>) -> String {
        self.written(timestamp.and_then(time::micros), "%m-%d %H:%M:%S")
    }

    fn written(&self, micros: Option<i64>, format: &str) -> String {
        let moment = micros.and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok());
        let moment = moment.map(|moment| moment.to_zoned_datetime(self.zone.clone()));
        moment.map_or_else(|| "-".to_owned(), |moment| moment.strftime(format).to_string())
    }
}

/// A length of time in at most six characters.
pub fn length(of: Duration) -> String {
    let seconds = of.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m{:02}s", seconds % 60),
        (0, ..) => format!("{hours}h{:02}m", minutes % 60),
        (1..100, ..) => format!("{days}d{:02}h", hours % 24),
        _ => format!("{days}d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_count_by_the_servers_clock() {
        let mut clock = Clock::new(TimeZone::UTC);
        let raised = time::timestamp(1_000_000_000);
        assert_eq!(clock.age(Some(&raised), Moment::from_secs(9)), None);
        clock.hear(Some(&time::timestamp(1_060_000_000)), Moment::from_secs(7));
        assert_eq!(clock.age(Some(&raised), Moment::from_secs(9)), Some(Duration::from_secs(62)));
        assert_eq!(clock.time(clock.at(Moment::from_secs(6))), "00:17:39");
        // A server whose clock was set back makes nothing younger than new.
        clock.hear(Some(&time::timestamp(0)), Moment::from_secs(10));
        assert_eq!(clock.age(Some(&raised), Moment::from_secs(11)), Some(Duration::ZERO));
    }

    #[test]
    fn lengths_are_short() {
        let written =
            [0, 59, 60, 3_599, 3_600, 86_399, 86_400, 8_640_000].map(|s| length(Duration::from_secs(s)));
        assert_eq!(written, ["0s", "59s", "1m00s", "59m59s", "1h00m", "23h59m", "1d00h", "100d"]);
    }
}
