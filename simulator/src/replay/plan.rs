//! What a replay is going to do: the presses in the order of the file, each with its number and its time.
//! Sends nothing.

use std::time::Duration;

use jiff::civil::DateTime;

use super::{Config, Error};
use crate::calls::{self, Call};
use crate::config::{CONNECTIONS_MAX, ConfigError, Run};
use crate::numbering::Numbering;

/// A checked replay.
#[derive(Debug)]
pub(super) struct Plan {
    /// Names the run.
    pub(super) run: Run,
    /// The boot id of every press.
    pub(super) boot_id: String,
    /// In the order of the file.
    pub(super) presses: Vec<Press>,
}

/// One press to come.
#[derive(Debug, PartialEq)]
pub(super) struct Press {
    /// The recorded call.
    pub(super) call: Call,
    /// Its number at its call point.
    pub(super) sequence: u64,
    /// When it is due, counted from the start of the replay; never before the press in front of it.
    pub(super) due: Duration,
}

impl Plan {
    /// Checks the settings and reads the file.
    pub(super) fn read(config: &Config) -> Result<Self, Error> {
        if !(config.speed.is_finite() && config.speed >= 0.0) {
            return Err(ConfigError::Speed(config.speed).into());
        }
        if !(1..=CONNECTIONS_MAX).contains(&config.connections) {
            return Err(ConfigError::Connections(config.connections).into());
        }
        let given = config.run.as_deref().map(Run::parse).transpose()?;
        let file = || config.file.clone();
        let bytes = std::fs::read(&config.file).map_err(|source| Error::Read { file: file(), source })?;
        let calls = calls::parse(&bytes).map_err(|source| Error::Calls { file: file(), source })?;
        let run = given.unwrap_or_else(|| Run::of(&bytes));
        Ok(Self { boot_id: format!("replay-{}", run.as_str()), run, presses: presses(calls, config.speed) })
    }
}

fn presses(calls: Vec<Call>, speed: f64) -> Vec<Press> {
    let start = calls.first().map(|call| call.called_at).unwrap_or_default();
    let mut numbering = Numbering::default();
    let mut due = Duration::ZERO;
    let mut presses = Vec::with_capacity(calls.len());
    for call in calls {
        due = due.max(offset(start, call.called_at, speed));
        presses.push(Press { sequence: numbering.next(&call.call_point), call, due });
    }
    presses
}

/// The recorded time since `start`, shortened by `speed`; none at speed 0.
fn offset(start: DateTime, called_at: DateTime, speed: f64) -> Duration {
    if speed == 0.0 {
        return Duration::ZERO;
    }
    let recorded_s = called_at.duration_since(start).as_secs_f64().max(0.0);
    Duration::try_from_secs_f64(recorded_s / speed).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const CALLS: &str = "latitude,longitude,category,called_at,township,place\n\
        1,1,EMS: A,2016-01-15 12:00,X,ONE\n\
        1,1,EMS: B,2016-01-15 12:10,X,TWO\n\
        1,1,EMS: C,2016-01-15 12:05,Y,ONE\n\
        1,1,EMS: D,2016-01-15 13:00,X,ONE\n\
        1,1,EMS: E,2016-01-15 13:00,X,ONE\n";

    fn plan(change: impl FnOnce(&mut Config)) -> Result<Plan, Error> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(CALLS.as_bytes()).unwrap();
        let mut config = Config::new(file.path().to_owned(), "localhost:1883".into());
        change(&mut config);
        Plan::read(&config)
    }

    // P2: boot id and sequence are all that makes a press the same press.
    #[test]
    fn every_call_point_counts_from_one_in_the_order_of_the_file() {
        let plan = plan(|_| {}).unwrap();
        let numbers: Vec<_> = plan
            .presses
            .iter()
            .map(|p| (p.call.note.as_str(), p.call.call_point.to_string(), p.sequence))
            .collect();
        let expected = [
            ("EMS: A", "x/one", 1),
            ("EMS: B", "x/two", 1),
            ("EMS: C", "y/one", 1),
            ("EMS: D", "x/one", 2),
            ("EMS: E", "x/one", 3),
        ];
        assert_eq!(numbers, expected.map(|(note, call_point, n)| (note, call_point.to_owned(), n)));
    }

    // P2: the same file is the same run, wherever it lies.
    #[test]
    fn the_run_is_named_after_the_bytes_of_the_file() {
        let digest: String = blake3::hash(CALLS.as_bytes()).to_hex().chars().take(16).collect();
        assert_eq!(plan(|_| {}).unwrap().boot_id, format!("replay-{digest}"));
        assert_eq!(plan(|c| c.run = Some("week-3".into())).unwrap().boot_id, "replay-week-3");
    }

    #[test]
    fn the_recorded_spacing_is_divided_by_the_speed() {
        let due_s = |speed| -> Vec<u64> {
            plan(|c| c.speed = speed).unwrap().presses.iter().map(|p| p.due.as_secs()).collect()
        };
        assert_eq!(due_s(0.0), [0, 0, 0, 0, 0]);
        assert_eq!(due_s(1.0), [0, 600, 600, 3_600, 3_600], "a time that goes back is due at once");
        assert_eq!(due_s(60.0), [0, 10, 10, 60, 60]);
        assert_eq!(due_s(f64::MIN_POSITIVE)[1], u64::MAX, "beyond any clock, and no panic");
    }

    #[test]
    fn wrong_settings_are_named() {
        let fault = |change: fn(&mut Config)| plan(change).unwrap_err().to_string();
        assert_eq!(fault(|c| c.speed = -1.0), "speed -1 is not a finite number from 0 up");
        assert_eq!(fault(|c| c.speed = f64::NAN), "speed NaN is not a finite number from 0 up");
        assert_eq!(fault(|c| c.connections = 0), "0 connections are not 1 to 1000");
        assert_eq!(
            fault(|c| c.run = Some("A".into())),
            r#"run "A" is not 1 to 40 characters of [a-z0-9._-]"#
        );
        assert_eq!(fault(|c| c.file = "/nowhere/calls.csv".into()), "cannot read /nowhere/calls.csv");
    }
}
