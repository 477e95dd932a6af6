//! What the night was, in words and figures.
//!
//! Judges nothing. Invariant: whatever is a problem is printed, last and in full.

use std::time::Duration;

use crate::flat::{Sample, halves};
use crate::fleet::Round;
use crate::{Findings, Night};

/// Measurements that are shown.
const SHOWN: usize = 16;

/// One round, as soon as it is over.
pub fn row(at: Duration, number: usize, round: &Round) {
    let [published, acknowledged, recorded, lost, duplicated] =
        ["published", "acknowledged", "recorded", "lost", "duplicated"].map(|figure| round.count(figure));
    let problem = round.problem.as_deref().unwrap_or("well");
    println!(
        "{:>5} s  round {number:>2}  {:<45} presses {published:>5}, acknowledged {acknowledged}, recorded {recorded}, \
         lost {lost}, doubled {duplicated}: {problem}",
        at.as_secs(),
        round.name
    );
}

/// Everything.
pub fn print(night: &Night, findings: &Findings) {
    let sum = |figure| findings.rounds.iter().map(|round| round.count(figure)).sum::<u64>();
    println!("\n| what | figure |\n| --- | --- |");
    println!("| rounds | {} |", findings.rounds.len());
    println!(
        "| presses sent, acknowledged, recorded | {}, {}, {} |",
        sum("published"),
        sum("acknowledged"),
        sum("recorded")
    );
    println!("| lost, doubled | {}, {} |", sum("lost"), sum("duplicated"));
    let slowest = findings.starts.iter().max().copied().unwrap_or_default();
    println!("| kills, slowest start after one | {}, {slowest:.1?} |", findings.starts.len());
    let tally = night.tally.lock().unwrap();
    println!(
        "| commands answered, too late, tries unanswered, repeats with the first answer | {}, {}, {}, {} |",
        tally.commands, tally.refused, tally.unanswered, tally.confirmed
    );
    let range =
        |counts: Vec<u32>| format!("{} to {}", counts.iter().min().unwrap(), counts.iter().max().unwrap());
    let alerts = range(night.alerts.iter().map(|console| console.look(|view| view.watches)).collect());
    let devices = range(night.devices.iter().map(|console| console.look(|view| view.watches)).collect());
    println!("| consoles of alerts, watches of each | {}, {alerts} |", night.alerts.len());
    println!("| consoles of call points, watches of each | {}, {devices} |", night.devices.len());
    if let (Some([first, second]), Some(last)) = (halves(&findings.samples), findings.samples.last()) {
        println!("| events, alerts | {}, {} |", last.events, last.alerts);
        println!(
            "| disk for an event, first half, second half | {:.0} B, {:.0} B |",
            first.bytes_per_event(),
            second.bytes_per_event()
        );
        let (grown, new) = (second.memory as i64 - first.memory as i64, second.alerts - first.alerts);
        println!(
            "| most memory, first half, second half | {}, {} MiB: {} B for each of {new} new alerts |",
            first.memory >> 20,
            second.memory >> 20,
            grown / i64::try_from(new.max(1)).unwrap()
        );
    }
    samples(&findings.samples);
    println!("\n{}", findings.browsers.trim());
    for problem in &findings.problems {
        println!("PROBLEM {problem}");
    }
    println!("\n{}", if findings.problems.is_empty() { "a quiet night" } else { "not a quiet night" });
}

fn samples(samples: &[Sample]) {
    println!("\n| at, s | memory, MiB | disk, MiB | events | alerts |\n| --- | --- | --- | --- | --- |");
    for sample in samples.iter().step_by(samples.len().div_ceil(SHOWN).max(1)).chain(samples.last()) {
        let Sample { at, memory, disk, events, alerts } = sample;
        println!("| {} | {} | {} | {events} | {alerts} |", at.as_secs(), memory >> 20, disk >> 20);
    }
}
