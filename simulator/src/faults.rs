//! What goes wrong between a simulated call point and its broker, on purpose. Chance grows from a seed, so the
//! same run has the same misfortunes.

use std::time::Duration;

use serde::Deserialize;

/// How much goes wrong. Chances are from 0 to 1, of each publish.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// Milliseconds that every publish waits.
    pub latency_ms: u64,
    /// Up to so many milliseconds more.
    pub jitter_ms: u64,
    /// It is sent twice.
    pub duplicate: f64,
    /// It is sent after the one behind it.
    pub reorder: f64,
    /// The connection is cut right after it, so that its acknowledgement is lost.
    pub reset: f64,
}

/// What happens to one publish.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Misfortune {
    pub(crate) delay: Duration,
    pub(crate) duplicate: bool,
    pub(crate) reset: bool,
}

impl Faults {
    /// What is wrong with it: the name of a field, and why.
    pub(crate) fn fault(&self) -> Option<(&'static str, String)> {
        let chances = [("duplicate", self.duplicate), ("reorder", self.reorder), ("reset", self.reset)];
        let wrong = chances.into_iter().find(|(_, chance)| !(0.0..=1.0).contains(chance));
        wrong.map(|(name, chance)| (name, format!("{chance} is not from 0 to 1")))
    }

    /// Whether the next publish waits for the one behind it.
    pub(crate) fn reorders(&self, chance: &mut fastrand::Rng) -> bool {
        hit(self.reorder, chance)
    }

    /// What happens to the next publish.
    pub(crate) fn next(&self, chance: &mut fastrand::Rng) -> Misfortune {
        let (duplicate, reset) = (hit(self.duplicate, chance), hit(self.reset, chance));
        let jitter = if self.jitter_ms == 0 { 0 } else { chance.u64(0..=self.jitter_ms) };
        Misfortune { delay: Duration::from_millis(self.latency_ms + jitter), duplicate, reset }
    }
}

fn hit(probability: f64, chance: &mut fastrand::Rng) -> bool {
    probability > 0.0 && chance.f64() < probability
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_has_the_same_misfortunes() {
        let faults = Faults { jitter_ms: 9, duplicate: 0.5, reorder: 0.5, reset: 0.1, ..Faults::default() };
        let of = |seed| {
            let mut chance = fastrand::Rng::with_seed(seed);
            (0..100).map(|_| faults.next(&mut chance)).collect::<Vec<_>>()
        };
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert_eq!(Faults::default().next(&mut fastrand::Rng::with_seed(1)), Misfortune::default());
        assert_eq!(Faults { reset: 1.5, ..Faults::default() }.fault().unwrap().0, "reset");
    }
}
