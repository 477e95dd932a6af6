//! How long to wait before the next try: the retry advice for firmware. Sleeps nowhere.

use std::time::Duration;

/// Pauses after the first failed tries, in seconds; afterwards [`STEADY_S`].
const FIRST_S: [f64; 4] = [1.0, 2.0, 4.0, 8.0];

/// Pause after every later failed try, in seconds.
const STEADY_S: f64 = 10.0;

/// Largest part of a pause that chance adds or takes away, so that a crowd does not come back at once.
const JITTER: f64 = 0.2;

/// The pauses between the tries of one message: 1, 2, 4, 8 s, then 10 s, each ±20 %.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    failed: usize,
}

impl Pauses {
    /// The pause after one more failed try.
    pub(crate) fn next(&mut self, chance: &mut fastrand::Rng) -> Duration {
        let pause_s = FIRST_S.get(self.failed).copied().unwrap_or(STEADY_S);
        self.failed += 1;
        Duration::from_secs_f64(pause_s * (1.0 + JITTER * (2.0 * chance.f64() - 1.0)))
    }
}

/// Chance that is the same for the same name, and differs between names.
pub(crate) fn chance_of(name: &str) -> fastrand::Rng {
    let digest = blake3::hash(name.as_bytes());
    let seed = digest.as_bytes().iter().take(8).fold(0, |seed: u64, byte| seed << 8 | u64::from(*byte));
    fastrand::Rng::with_seed(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_follow_the_advice() {
        for name in ["a", "b", "c"] {
            let (mut pauses, mut chance) = (Pauses::default(), chance_of(name));
            for advised in [1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0] {
                let pause = pauses.next(&mut chance).as_secs_f64();
                assert!(
                    (advised * 0.8..=advised * 1.2).contains(&pause),
                    "{pause} s for {advised} s, chance {name}"
                );
            }
        }
    }

    #[test]
    fn two_names_do_not_come_back_together() {
        let first = |name| Pauses::default().next(&mut chance_of(name));
        assert_eq!(first("sos-sim-x-1"), first("sos-sim-x-1"));
        assert_ne!(first("sos-sim-x-1"), first("sos-sim-x-2"));
    }
}
