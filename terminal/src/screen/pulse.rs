//! Whether the screen shows how things are (P5), and when to connect again.
//!
//! Invariant: the screen is live only while the server is heard and the last head that it told is reached; three
//! seconds after that stops being true, it is stale.

use std::time::Duration;

use crate::clock::Moment;

/// A screen that hears nothing for so long, or stays behind the log for so long, is stale.
pub const STALE_AFTER: Duration = Duration::from_secs(3);

/// Time between two tries to connect.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// The same where the server says no: it may be of use to try again once a token or a role is another.
const REFUSED_INTERVAL: Duration = Duration::from_secs(5);

/// Longest wait for a connection, and for a watch to begin.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// How the connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// In words.
    pub reason: String,
    /// The server says no. Connecting again is no remedy by itself.
    pub is_final: bool,
}

/// How the screen stands to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It shows what is.
    Live,
    /// Not yet, or not any more, for a short while.
    CatchingUp,
    /// It may show what is no longer true.
    Stale {
        /// When that began to be so.
        since: Moment,
        /// Why, in words.
        reason: String,
    },
}

#[derive(Debug)]
enum Line {
    Connecting { since: Moment },
    Open { heard: Moment },
    Lost { retry_at: Moment },
}

/// Something told by the server that the screen has not reached.
#[derive(Debug)]
struct Behind {
    /// Nothing where the server has not said yet how far the log has come.
    head: Option<u64>,
    since: Moment,
}

/// The watch, as the screen hears it.
#[derive(Debug)]
pub struct Pulse {
    line: Line,
    /// Why the last connection ended, until there is one again.
    loss: Option<Loss>,
    behind: Option<Behind>,
    /// Resume from here.
    position: u64,
}

impl Pulse {
    /// At the start the screen knows nothing of what comes behind this position.
    #[must_use]
    pub fn new(position: u64, now: Moment) -> Self {
        let behind = Some(Behind { head: None, since: now });
        Self { line: Line::Connecting { since: now }, loss: None, behind, position }
    }

    /// Where to resume; 0 for a snapshot.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The watch begins.
    pub fn opened(&mut self, now: Moment) {
        self.line = Line::Open { heard: now };
        self.loss = None;
    }

    /// A step was heard; `head` is what a heartbeat told.
    pub fn heard(&mut self, position: u64, head: Option<u64>, now: Moment) {
        self.opened(now);
        // P5: during a snapshot it is 0, and says nothing.
        self.position = self.position.max(position);
        if self.behind.as_ref().and_then(|behind| behind.head).is_some_and(|head| head <= self.position) {
            self.behind = None;
        }
        let Some(head) = head else { return };
        match &mut self.behind {
            None if head > self.position => self.behind = Some(Behind { head: Some(head), since: now }),
            Some(Behind { head: None, .. }) if head <= self.position => self.behind = None,
            Some(Behind { head: unknown @ None, .. }) => *unknown = Some(head),
            // P5: it is behind until it reaches what it was told first, however far the log has come since.
            None | Some(_) => {}
        }
    }

    /// The watch is lost. What the server tells of the log from now on is not heard.
    pub fn lost(&mut self, loss: Loss, now: Moment) {
        let since = self.behind.as_ref().map(|behind| behind.since);
        let since = since.unwrap_or(match self.line {
            Line::Open { heard } => heard,
            Line::Connecting { .. } | Line::Lost { .. } => now,
        });
        self.behind = Some(Behind { head: None, since });
        let interval = if loss.is_final { REFUSED_INTERVAL } else { RETRY_INTERVAL };
        self.line = Line::Lost { retry_at: now + interval };
        self.loss = Some(loss);
    }

    /// The log of the server ends before the position: it is another log.
    pub fn start_over(&mut self) {
        self.position = 0;
    }

    /// The same, and it is connected again at once.
    pub fn restart(&mut self, now: Moment) {
        self.start_over();
        self.line = Line::Connecting { since: now };
    }

    /// Whether it is time to connect, or to give up a connection that says nothing.
    pub fn connects(&mut self, now: Moment) -> bool {
        match self.line {
            Line::Lost { retry_at } if now >= retry_at => {
                self.line = Line::Connecting { since: now };
                true
            }
            Line::Connecting { since } if now >= since + CONNECT_MAX => self.give_up("nobody answers", now),
            Line::Open { heard } if now >= heard + STALE_AFTER => self.give_up("nothing is heard", now),
            _ => false,
        }
    }

    fn give_up(&mut self, reason: &str, now: Moment) -> bool {
        self.lost(Loss { reason: reason.to_owned(), is_final: false }, now);
        false
    }

    /// How the screen stands to the log.
    pub fn standing(&self, now: Moment) -> Standing {
        let silent_since = match self.line {
            Line::Open { heard } => heard,
            Line::Connecting { .. } | Line::Lost { .. } => now,
        };
        let since = self.behind.as_ref().map_or(silent_since, |behind| behind.since.min(silent_since));
        let is_refused = self.loss.as_ref().is_some_and(|loss| loss.is_final);
        if is_refused || now >= since + STALE_AFTER {
            return Standing::Stale { since, reason: self.reason() };
        }
        if self.behind.is_none() { Standing::Live } else { Standing::CatchingUp }
    }

    fn reason(&self) -> String {
        if let Some(loss) = &self.loss {
            return loss.reason.clone();
        }
        match (&self.line, self.behind.as_ref().and_then(|behind| behind.head)) {
            (Line::Connecting { .. }, _) => "connecting".to_owned(),
            (_, Some(head)) => format!("the log is at {head}, this screen at {}", self.position),
            _ => "nothing is heard".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_secs(seconds)
    }

    fn is_stale(pulse: &Pulse, now: Moment) -> bool {
        matches!(pulse.standing(now), Standing::Stale { .. })
    }

    // P5: more than 3 s of silence is stale.
    #[test]
    fn silence_is_stale() {
        let mut pulse = Pulse::new(0, at(0));
        pulse.heard(0, None, at(1));
        assert_eq!(pulse.standing(at(2)), Standing::CatchingUp);
        pulse.heard(7, Some(7), at(2));
        assert_eq!(pulse.standing(at(4)), Standing::Live);
        let Standing::Stale { since, .. } = pulse.standing(at(5)) else { panic!("not stale") };
        assert_eq!(since, at(2));
    }

    // P5: so is a position that stays behind a head, and a log that grows all the time is no reason.
    #[test]
    fn a_head_that_is_not_reached_is_stale() {
        let mut pulse = Pulse::new(0, at(0));
        pulse.heard(7, Some(7), at(0));
        for second in 1..10 {
            pulse.heard(7 + second, Some(8 + second), at(second));
            assert!(!is_stale(&pulse, at(second)), "{second}");
        }
        for second in 10..13 {
            pulse.heard(16, Some(30), at(second));
        }
        assert!(is_stale(&pulse, at(13)));
        pulse.heard(30, None, at(13));
        assert_eq!(pulse.standing(at(13)), Standing::Live);
    }

    // P5: a connection that is back does not make a screen live that has not caught up.
    #[test]
    fn only_a_head_that_is_reached_ends_a_loss() {
        let mut pulse = Pulse::new(0, at(0));
        pulse.heard(7, Some(7), at(0));
        pulse.lost(Loss { reason: "gone".to_owned(), is_final: false }, at(1));
        assert!(!pulse.connects(at(1)));
        assert!(pulse.connects(at(2)));
        assert_eq!((pulse.position(), pulse.connects(at(2))), (7, false));
        pulse.opened(at(4));
        pulse.heard(8, None, at(4));
        assert!(is_stale(&pulse, at(4)));
        pulse.heard(8, Some(9), at(5));
        assert!(is_stale(&pulse, at(5)));
        pulse.heard(9, Some(9), at(5));
        assert_eq!(pulse.standing(at(5)), Standing::Live);
    }

    // P5: a broken snapshot starts again from 0.
    #[test]
    fn a_snapshot_has_no_position() {
        let mut pulse = Pulse::new(0, at(0));
        pulse.heard(0, None, at(1));
        pulse.lost(Loss { reason: "gone".to_owned(), is_final: true }, at(1));
        assert_eq!((pulse.position(), pulse.connects(at(5)), pulse.connects(at(6))), (0, false, true));
    }
}
