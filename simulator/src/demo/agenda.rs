//! When what happens in the demo town: a queue of steps by time. Knows no clock and sends nothing.
//!
//! Invariant: it never ends, and from the same seed it is the same.

use std::collections::BTreeMap;
use std::time::Duration;

use super::scenes::{OPENING, SCENES, Scene, Step};

/// Time between two health reports of a call point: a third of what the strictest class allows, and less.
const REPORT_INTERVAL: Duration = Duration::from_secs(25);

/// Time between the first reports of two call points: at once they would be more than one connection may send, and some
/// thrown away.
const REPORT_SPACING: Duration = Duration::from_millis(100);

/// The first scene after the opening.
const FIRST_SCENE: Duration = Duration::from_secs(15);

/// Pauses between scenes.
const PAUSE: std::ops::Range<f64> = 5.0..20.0;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Errand {
    /// A call point does something.
    Step(Step),
    /// A call point, by its number, reports how it is.
    Report(usize),
}

enum Entry {
    Errand(Errand),
    Scene,
}

/// What is to be done, in order of time.
pub(super) struct Agenda {
    chance: fastrand::Rng,
    /// By time since the start, then in the order in which it was written down.
    entries: BTreeMap<(Duration, usize), Entry>,
    written: usize,
    /// Scenes that are still to come in this round.
    bag: Vec<Scene>,
}

impl Agenda {
    /// A town of so many call points that opens with the steps that `fits` lets pass.
    pub(super) fn new(chance: fastrand::Rng, call_points: usize, fits: impl Fn(&Step) -> bool) -> Self {
        let mut agenda = Self { chance, entries: BTreeMap::new(), written: 0, bag: Vec::new() };
        agenda.play(Duration::ZERO, OPENING.iter().filter(|step| fits(step)));
        for (at, number) in (1..).map(|turn| REPORT_SPACING * turn).zip(0..call_points) {
            agenda.write(at, Entry::Errand(Errand::Report(number)));
        }
        agenda.write(FIRST_SCENE, Entry::Scene);
        agenda
    }

    fn write(&mut self, at: Duration, entry: Entry) {
        self.entries.insert((at, self.written), entry);
        self.written += 1;
    }

    fn play<'a>(&mut self, at: Duration, steps: impl Iterator<Item = &'a Step>) {
        for step in steps {
            self.write(at + Duration::from_millis(step.0), Entry::Errand(Errand::Step(*step)));
        }
    }

    fn draw(&mut self) -> Scene {
        if self.bag.is_empty() {
            self.bag = SCENES.to_vec();
            self.chance.shuffle(&mut self.bag);
        }
        self.bag.pop().unwrap_or_default()
    }
}

impl Iterator for Agenda {
    /// The next errand, and its time since the start.
    type Item = (Duration, Errand);

    fn next(&mut self) -> Option<(Duration, Errand)> {
        loop {
            let ((at, _), entry) = self.entries.pop_first()?;
            match entry {
                Entry::Scene => {
                    let scene = self.draw();
                    self.play(at, scene.iter());
                    let pause = PAUSE.start + (PAUSE.end - PAUSE.start) * self.chance.f64();
                    self.write(at + Duration::from_secs_f64(pause), Entry::Scene);
                }
                Entry::Errand(errand) => {
                    if matches!(errand, Errand::Report(_)) {
                        self.write(at + REPORT_INTERVAL, Entry::Errand(errand));
                    }
                    return Some((at, errand));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scenes::Act;
    use super::*;
    use crate::retry::chance_of;

    fn agenda(seed: &str) -> Agenda {
        Agenda::new(chance_of(seed), 1, |_| true)
    }

    #[test]
    fn the_town_never_sleeps_and_never_drowns() {
        let hour: Vec<_> = agenda("r").take_while(|(at, _)| at.as_secs() < 3_600).collect();
        assert!(hour.is_sorted_by_key(|(at, _)| *at));
        let is_press =
            |errand: &Errand| matches!(errand, Errand::Step((_, _, Act::Press(..) | Act::Silent(..))));
        let presses: Vec<_> = hour.iter().filter(|(_, errand)| is_press(errand)).map(|(at, _)| *at).collect();
        assert!((200..500).contains(&presses.len()), "{}", presses.len());
        // Between two presses there may be scenes without one.
        let longest = presses.windows(2).map(|two| two[1] - two[0]).max().unwrap();
        assert!(longest < Duration::from_secs(5 * 20), "{longest:?}");
    }

    #[test]
    fn every_round_has_every_scene() {
        let count = |act: Act| {
            let steps =
                agenda("r").take(400).filter(|(_, errand)| matches!(errand, Errand::Step(s) if s.2 == act));
            steps.count()
        };
        for scene in SCENES {
            assert!(count(scene[0].2) >= 2, "{scene:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out_of_the_opening() {
        let is_school = |step: &Step| step.1.starts_with("school-7/");
        let first = Agenda::new(chance_of("r"), 0, is_school).next().unwrap();
        assert!(matches!(first.1, Errand::Step((2_700, "school-7/hall", _))), "{first:?}");
    }
}
