//! What a fleet is going to do, step by step. Pure: the same scenario and seed give the same steps.

use std::time::Duration;

use sos_proto::device::v1::{Category, FaultKind};
use sos_proto::registry::v1::SiteKind;

use super::scenario::{Happening, Scenario, What};
use super::towns::Point;

/// One thing that one call point does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    /// When, from the beginning.
    pub(crate) at: Duration,
    /// Which call point.
    pub(crate) point: usize,
    /// What.
    pub(crate) act: Act,
}

/// What a call point can do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Act {
    Press(Category),
    Cancel,
    SelfTest { passed: bool },
    Fault { kind: FaultKind, active: bool },
    Health { battery_percent: u32 },
    Garbage(Vec<u8>),
    Vanish(Duration),
}

/// Everything that happens, in order of time.
pub(crate) fn steps(scenario: &Scenario, points: &[Point], seed: u64) -> Vec<Step> {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut steps = Vec::new();
    daily_life(scenario, points, &mut chance, &mut steps);
    for happening in &scenario.event {
        happen(happening, points, &mut chance, &mut steps);
    }
    // Stable, so that what happens at one moment stays in the order in which it was told.
    steps.sort_by_key(|step| step.at);
    steps
}

fn daily_life(scenario: &Scenario, points: &[Point], chance: &mut fastrand::Rng, steps: &mut Vec<Step>) {
    let seconds = scenario.seconds as f64;
    let count = |per_hour: f64, chance: &mut fastrand::Rng| {
        let expected = per_hour * seconds / 3_600.0;
        expected as u64 + u64::from(chance.f64() < expected.fract())
    };
    let somewhen = |chance: &mut fastrand::Rng| Duration::from_secs_f64(chance.f64() * seconds);
    for _ in 0..count(scenario.presses_per_hour, chance) {
        let at = somewhen(chance);
        let point = awake(points, hour(scenario, at), chance);
        let act = Act::Press(category(chance));
        steps.push(Step { at, point, act: act.clone() });
        let mut again = at;
        while chance.f64() < scenario.impatience {
            again += Duration::from_millis(chance.u64(200..2_000));
            steps.push(Step { at: again, point, act: act.clone() });
        }
    }
    for _ in 0..count(scenario.self_tests_per_hour, chance) {
        let (at, point) = (somewhen(chance), chance.usize(..points.len()));
        steps.push(Step { at, point, act: Act::SelfTest { passed: chance.f64() > 0.01 } });
    }
    for _ in 0..count(scenario.faults_per_hour, chance) {
        let (at, point) = (somewhen(chance), chance.usize(..points.len()));
        let kind = if chance.bool() { FaultKind::Tamper } else { FaultKind::BatteryLow };
        steps.push(Step { at, point, act: Act::Fault { kind, active: true } });
        // Most are repaired before the end.
        let repaired = at + Duration::from_secs_f64(chance.f64() * seconds);
        steps.push(Step { at: repaired, point, act: Act::Fault { kind, active: false } });
    }
    for _ in 0..count(scenario.reconnects_per_hour, chance) {
        let (at, point) = (somewhen(chance), chance.usize(..points.len()));
        steps.push(Step { at, point, act: Act::Vanish(Duration::from_millis(chance.u64(50..3_000))) });
    }
    if scenario.health_s > 0 {
        for point in 0..points.len() {
            let mut at = chance.f64() * scenario.health_s as f64;
            let mut battery = chance.u32(60..=100) as f64;
            while at < seconds {
                let act = Act::Health { battery_percent: battery.max(1.0) as u32 };
                steps.push(Step { at: Duration::from_secs_f64(at), point, act });
                battery -= 0.01;
                at += scenario.health_s as f64;
            }
        }
    }
}

fn happen(happening: &Happening, points: &[Point], chance: &mut fastrand::Rng, steps: &mut Vec<Step>) {
    let chosen = sites(points, happening.sites, chance);
    for (point, of) in points.iter().enumerate() {
        if !chosen.is_empty() && !chosen.contains(&of.call_point.site()) {
            continue;
        }
        for _ in 0..happening.times {
            let at = Duration::from_secs_f64(happening.at_s + chance.f64() * happening.within_s);
            let act = match happening.what {
                What::Press => Act::Press(category(chance)),
                What::Cancel => Act::Cancel,
                What::Vanish => Act::Vanish(Duration::from_secs_f64(happening.for_s)),
                What::Garbage => Act::Garbage((0..chance.usize(1..200)).map(|_| chance.u8(..)).collect()),
            };
            steps.push(Step { at, point, act });
        }
    }
}

/// So many sites by chance; none for all.
fn sites<'a>(points: &'a [Point], count: usize, chance: &mut fastrand::Rng) -> Vec<&'a str> {
    let mut all: Vec<_> = points.iter().map(|point| point.call_point.site()).collect();
    all.dedup();
    if count == 0 || count >= all.len() {
        return Vec::new();
    }
    chance.shuffle(&mut all);
    all.truncate(count);
    all
}

/// A call point where somebody is at that hour: schools by day, hospitals round the clock, squares at night.
fn awake(points: &[Point], hour: u8, chance: &mut fastrand::Rng) -> usize {
    for _ in 0..100 {
        let number = chance.usize(..points.len());
        let likely = match (points.get(number).map(|point| point.kind), hour) {
            (Some(SiteKind::School), 8..18) => 1.0,
            (Some(SiteKind::School), _) => 0.02,
            (Some(SiteKind::PublicPlace), 20..24 | 0..4) => 1.0,
            (Some(SiteKind::PublicPlace), _) => 0.3,
            _ => 0.6,
        };
        if chance.f64() < likely {
            return number;
        }
    }
    chance.usize(..points.len())
}

fn hour(scenario: &Scenario, at: Duration) -> u8 {
    let hours = u64::from(scenario.hour) + at.as_secs() / 3_600;
    u8::try_from(hours % 24).unwrap_or(0)
}

fn category(chance: &mut fastrand::Rng) -> Category {
    match chance.u8(..10) {
        0..5 => Category::Police,
        5..8 => Category::Medical,
        8 => Category::Fire,
        _ => Category::Unspecified,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::towns::country;
    use super::*;

    fn plan(name: &str, seed: u64) -> (Vec<Point>, Vec<Step>) {
        let scenario = Scenario::load(Path::new(name)).unwrap();
        let points = country(scenario.devices, scenario.per_site).points;
        let steps = steps(&scenario, &points, seed);
        (points, steps)
    }

    #[test]
    fn the_same_seed_gives_the_same_history() {
        for name in ["quiet-night", "school-emergency", "bad-firmware"] {
            assert_eq!(plan(name, 7).1, plan(name, 7).1, "{name}");
            assert_ne!(plan(name, 7).1, plan(name, 8).1, "{name}");
        }
    }

    #[test]
    fn a_school_wide_emergency_is_at_one_site() {
        let (points, steps) = plan("school-emergency", 1);
        let pressed = steps.iter().filter(|step| matches!(step.act, Act::Press(_)));
        let sites: std::collections::BTreeSet<_> =
            pressed.map(|step| points[step.point].call_point.site()).collect();
        assert_eq!(sites.len(), 1);
        assert!(steps.is_sorted_by_key(|step| step.at));
    }

    #[test]
    fn schools_press_by_day_and_squares_at_night() {
        let points = country(2_000, 20).points;
        let share = |hour: u8, kind: SiteKind| {
            let mut chance = fastrand::Rng::with_seed(1);
            (0..1_000).filter(|_| points[awake(&points, hour, &mut chance)].kind == kind).count()
        };
        assert!(share(10, SiteKind::School) > 700);
        assert!(share(1, SiteKind::School) < 100);
        assert!(share(1, SiteKind::PublicPlace) > 400);
    }
}
