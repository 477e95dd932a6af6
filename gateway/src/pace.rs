//! How fast one connection may go on: beyond its pace, what is periodic is shed, and everything else waits.
//!
//! Invariant: a press is never shed. Who presses too fast waits for himself alone (P3, P10).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many seconds' worth of messages may come at once: a hundred connections that all use it up at one moment must
/// not hold up the others for longer than that takes.
const BURST_S: u32 = 1;

/// Connections that are remembered before those that went on slowly are forgotten (P10).
const KEPT: usize = 120_000;

/// The paces of all connections: for each, the time up to which its messages are paid for.
pub(crate) struct Paces {
    /// Between two messages; nothing for as fast as they come.
    interval: Option<Duration>,
    paid_until: Mutex<HashMap<String, Instant>>,
}

/// What to do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Take it now.
    Take,
    /// Take it after this time.
    Wait(Duration),
    /// It can be done without.
    Shed,
}

impl Paces {
    /// So many messages a second for each; 0 for as many as come.
    pub fn new(per_second: u32) -> Self {
        let interval = (per_second > 0).then(|| Duration::from_secs(1) / per_second);
        Self { interval, paid_until: Mutex::default() }
    }

    /// Judges a message that comes now. What can be done without is shed when half the burst is used up, so that
    /// the other half is there for a press.
    pub fn judge(&self, connection: &str, can_do_without: bool, now: Instant) -> Verdict {
        let Some(interval) = self.interval else { return Verdict::Take };
        let burst = Duration::from_secs(u64::from(BURST_S));
        let mut all = self.paid_until.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT {
            all.retain(|_, paid_until| *paid_until > now);
        }
        let paid_until = match all.get_mut(connection) {
            Some(paid_until) => paid_until,
            None => all.entry(connection.to_owned()).or_insert(now),
        };
        let ahead = paid_until.saturating_duration_since(now);
        if can_do_without && ahead > burst / 2 {
            return Verdict::Shed;
        }
        *paid_until = (*paid_until).max(now) + interval;
        match ahead.checked_sub(burst) {
            Some(wait) if !wait.is_zero() => Verdict::Wait(wait),
            _ => Verdict::Take,
        }
    }

    /// Counts so many messages more for a connection that was judged before.
    pub fn charge(&self, connection: &str, messages: u32) {
        let Some(interval) = self.interval else { return };
        let mut all = self.paid_until.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(paid_until) = all.get_mut(connection) {
            *paid_until += interval * messages;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_and_then_one_goes_at_its_pace() {
        let paces = Paces::new(10);
        let now = Instant::now();
        let press = |now| paces.judge("hall/door", false, now);
        for _ in 0..=10 {
            assert_eq!(press(now), Verdict::Take);
        }
        assert_eq!(press(now), Verdict::Wait(Duration::from_millis(100)));
        // The others do not notice.
        assert_eq!(paces.judge("hall/gate", false, now), Verdict::Take);
        assert_eq!(press(now + Duration::from_secs(60)), Verdict::Take);
        // What costs more than it is worth is paid for by who sent it.
        paces.charge("hall/door", 100);
        assert!(matches!(press(now + Duration::from_secs(60)), Verdict::Wait(_)));
        assert_eq!(paces.judge("hall/gate", false, now + Duration::from_secs(60)), Verdict::Take);
    }

    #[test]
    fn what_is_periodic_is_shed_before_a_press_waits() {
        let paces = Paces::new(10);
        let now = Instant::now();
        let health = || paces.judge("hall/door", true, now);
        let taken = (0..1_000).filter(|_| health() == Verdict::Take).count();
        assert_eq!(taken, 6);
        assert_eq!(paces.judge("hall/door", false, now), Verdict::Take);
        let free = Paces::new(0);
        assert!((0..10_000).all(|_| free.judge("hall/door", true, now) == Verdict::Take));
    }
}
