//! What happens to a fleet, as a TOML file tells it. Unknown keys are refused, so that a misspelt one is not
//! silently without effect.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::faults::Faults;

/// The scenarios that come with the simulator, by name.
const BUILT_IN: [(&str, &str); 7] = [
    ("quiet-night", include_str!("../../scenarios/quiet-night.toml")),
    ("school-emergency", include_str!("../../scenarios/school-emergency.toml")),
    ("power-cut", include_str!("../../scenarios/power-cut.toml")),
    ("broker-restart", include_str!("../../scenarios/broker-restart.toml")),
    ("prankster", include_str!("../../scenarios/prankster.toml")),
    ("bad-firmware", include_str!("../../scenarios/bad-firmware.toml")),
    ("wrong-clocks", include_str!("../../scenarios/wrong-clocks.toml")),
];

/// A scenario.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is about, for people.
    pub about: String,
    /// Virtual call points.
    pub devices: usize,
    /// Call points at one site.
    #[serde(default = "per_site")]
    pub per_site: usize,
    /// How long it takes.
    pub seconds: u64,
    /// Hour of the day at which it begins: schools press by day, squares at night.
    #[serde(default = "noon")]
    pub hour: u8,
    /// Presses in earnest of the whole fleet in an hour, spread by chance.
    #[serde(default)]
    pub presses_per_hour: f64,
    /// Seconds between two health reports of a call point; 0 for none.
    #[serde(default)]
    pub health_s: u64,
    /// Self-tests of the whole fleet in an hour.
    #[serde(default)]
    pub self_tests_per_hour: f64,
    /// Faults of the whole fleet in an hour: tamper, and a battery that runs low.
    #[serde(default)]
    pub faults_per_hour: f64,
    /// Connections of the whole fleet that are lost in an hour, and made again soon.
    #[serde(default)]
    pub reconnects_per_hour: f64,
    /// Chance that somebody presses again, and again, out of impatience.
    #[serde(default)]
    pub impatience: f64,
    /// Seconds by which the clocks of the call points are wrong.
    #[serde(default)]
    pub clock_off_s: i64,
    /// What goes wrong on the way.
    #[serde(default)]
    pub faults: Faults,
    /// What happens at a time.
    #[serde(default)]
    pub event: Vec<Happening>,
    /// What must hold afterwards, besides that nothing is lost or doubled.
    #[serde(default)]
    pub must: Must,
}

/// Something that happens to some of the fleet.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Happening {
    /// When it begins.
    pub at_s: f64,
    /// Within how long all of it has happened.
    #[serde(default)]
    pub within_s: f64,
    /// What.
    pub what: What,
    /// To how many sites, chosen by chance; 0 for all.
    #[serde(default)]
    pub sites: usize,
    /// How often to each call point there.
    #[serde(default = "once")]
    pub times: u32,
    /// For `vanish`: how long.
    #[serde(default)]
    pub for_s: f64,
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Somebody presses.
    Press,
    /// Somebody takes it back.
    Cancel,
    /// The connection is gone without a word, for a while.
    Vanish,
    /// Bytes that nobody can read.
    Garbage,
}

/// What must hold afterwards.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Must {
    /// At least so many press alerts were opened or pressed again.
    pub press_alerts_min: u64,
    /// At most so many press alerts were opened or pressed again.
    pub press_alerts_max: Option<u64>,
    /// At least so many technical alerts were opened or changed.
    pub technical_alerts_min: u64,
    /// At most so many of these are open at the end.
    pub technical_alerts_open_max: Option<u64>,
    /// At most so many technical alerts were opened or changed.
    pub technical_alerts_max: Option<u64>,
}

fn per_site() -> usize {
    20
}

fn noon() -> u8 {
    12
}

fn once() -> u32 {
    1
}

/// Why there is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("{name:?} is neither a file nor one of {}", names())]
    Missing {
        /// What was asked for.
        name: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no scenario.
    #[error("{name}: {reason}")]
    Wrong {
        /// Which.
        name: String,
        /// Line and key, and what is wrong there.
        reason: String,
    },
}

fn names() -> String {
    BUILT_IN.map(|(name, _)| name).join(", ")
}

impl Scenario {
    /// The scenario in a file, or that with this name.
    ///
    /// # Errors
    /// If there is none, or it cannot be understood.
    pub fn load(name: &Path) -> Result<Self, ScenarioError> {
        let built_in = BUILT_IN.iter().find(|(known, _)| Path::new(known) == name);
        let text = match built_in {
            Some((_, text)) => (*text).to_owned(),
            None => std::fs::read_to_string(name)
                .map_err(|source| ScenarioError::Missing { name: name.to_owned(), source })?,
        };
        Self::parse(&text).map_err(|reason| ScenarioError::Wrong { name: name.display().to_string(), reason })
    }

    fn parse(text: &str) -> Result<Self, String> {
        // The message of the parser has the line and the key.
        let scenario: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        scenario.fault().map_or(Ok(scenario), |(key, reason)| Err(format!("{key}: {reason}")))
    }

    /// What makes no sense: a key, and why.
    fn fault(&self) -> Option<(String, String)> {
        let rates = [
            ("presses_per_hour", self.presses_per_hour),
            ("reconnects_per_hour", self.reconnects_per_hour),
            ("self_tests_per_hour", self.self_tests_per_hour),
            ("faults_per_hour", self.faults_per_hour),
        ];
        if let Some((key, rate)) = rates.into_iter().find(|(_, rate)| !(0.0..=1e9).contains(rate)) {
            return Some((key.to_owned(), format!("{rate} is not from 0 to 1,000,000,000")));
        }
        if !(1..=super::DEVICES_MAX).contains(&self.devices) {
            return Some((
                "devices".to_owned(),
                format!("{} is not from 1 to {}", self.devices, super::DEVICES_MAX),
            ));
        }
        if self.per_site == 0 || self.hour > 23 || !(0.0..1.0).contains(&self.impatience) {
            let key = if self.per_site == 0 {
                "per_site"
            } else if self.hour > 23 {
                "hour"
            } else {
                "impatience"
            };
            return Some((key.to_owned(), "is out of range".to_owned()));
        }
        if let Some((key, reason)) = self.faults.fault() {
            return Some((format!("faults.{key}"), reason));
        }
        let odd = |h: &Happening| ![h.at_s, h.within_s, h.for_s].iter().all(|s| (0.0..=1e6).contains(s));
        let index = self.event.iter().position(odd)?;
        Some((format!("event[{index}]"), "at_s, within_s and for_s must be from 0 to 1,000,000".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_that_comes_with_us_can_be_read() {
        for (name, _) in BUILT_IN {
            Scenario::load(Path::new(name)).unwrap();
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_line_and_key() {
        let wrong = |more: &str| {
            let text = format!("about = \"x\"\ndevices = 10\nseconds = 5\n{more}\n");
            Scenario::parse(&text).unwrap_err()
        };
        let told = wrong("pressess_per_hour = 3");
        assert!(told.contains("line 4") && told.contains("pressess_per_hour"), "{told}");
        let told = wrong("hour = \"noon\"");
        assert!(told.contains("line 4") && told.contains("hour"), "{told}");
        let told = wrong("[[event]]\nat_s = 1\nwhat = \"dance\"");
        assert!(told.contains("line 6") && told.contains("dance"), "{told}");
        assert!(wrong("impatience = 1.5").starts_with("impatience: "));
        assert!(wrong("[faults]\nreset = 2.0").starts_with("faults.reset: "));
        assert!(wrong("[[event]]\nat_s = -1\nwhat = \"press\"").starts_with("event[0]: "));
        let missing = Scenario::load(Path::new("no-such")).unwrap_err().to_string();
        assert!(missing.contains("quiet-night, school-emergency"), "{missing}");
    }
}
