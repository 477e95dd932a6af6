//! What a run measured. Latency counts from when a press was meant to leave, so a system that holds up its own
//! testers does not look fast (no coordinated omission).

mod html;

use std::collections::{BTreeMap, HashMap};

use hdrhistogram::Histogram;
use serde::Serialize;
use sos_proto::event::v1::RecordedEvent;

use crate::recorder::{Stories, Story};
use crate::system::Sightings;

pub use html::page;

/// The figures of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Presses that left for the broker.
    pub published: u64,
    /// Presses that the broker acknowledged.
    pub acknowledged: u64,
    /// Presses that are in the log.
    pub recorded: u64,
    /// Presses that a console was shown.
    pub seen: u64,
    /// Presses that were acknowledged and are not in the log.
    pub lost: u64,
    /// Presses that are in the log more than once.
    pub duplicated: u64,
    /// From the intended moment to the broker's acknowledgement.
    pub press_to_puback_us: Quantiles,
    /// From the intended moment to the receipt.
    pub press_to_receipt_us: Quantiles,
    /// From the intended moment to the console.
    pub press_to_console_us: Quantiles,
    /// For plots.
    #[serde(skip)]
    pub series: Vec<Series>,
}

/// Some quantiles, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// Half of all.
    pub p50: u64,
    /// 90 %.
    pub p90: u64,
    /// 99 %.
    pub p99: u64,
    /// 99.9 %.
    pub p999: u64,
    /// The longest.
    pub max: u64,
}

/// One latency, for plots.
#[derive(Debug, Clone)]
pub struct Series {
    /// What was measured.
    pub name: &'static str,
    /// Quantile and microseconds, ascending.
    pub quantiles: Vec<(f64, u64)>,
    /// For each second the median, the 99th percentile and the longest, in microseconds.
    pub seconds: Vec<(u64, Quantiles)>,
}

impl Report {
    /// What became of the presses of a run.
    pub(crate) fn of(stories: &Stories, events: &[RecordedEvent], sightings: &Sightings) -> Self {
        let recorded = positions(events);
        let presses: Vec<_> = stories.all.values().filter(|story| story.what == "press").collect();
        let position =
            |story: &Story| recorded.get(&key(story)).and_then(|positions| positions.first()).copied();
        let seen_at = |story: &Story| first_sight(sightings.get(&story.call_point)?, position(story)?);
        let count =
            |counts: &dyn Fn(&Story) -> bool| presses.iter().filter(|story| counts(story)).count() as u64;
        let since = |at: &dyn Fn(&Story) -> Option<u64>| {
            let waits = presses.iter().filter_map(|story| Some((story.meant_at, at(story)?)));
            waits.map(|(meant, at)| (meant, at.saturating_sub(meant))).collect::<Vec<_>>()
        };
        let series = [
            Series::of("press → PUBACK", &since(&|story| story.acked_at)),
            Series::of("press → receipt", &since(&|story| story.receipt_at)),
            Series::of("press → console", &since(&seen_at)),
        ];
        let [puback, receipt, console] = series.each_ref().map(|(_, quantiles)| *quantiles);
        Self {
            published: count(&|story| story.sent_at.is_some()),
            acknowledged: count(&|story| story.acked_at.is_some()),
            recorded: count(&|story| position(story).is_some()),
            seen: count(&|story| seen_at(story).is_some()),
            lost: count(&|story| story.acked_at.is_some() && position(story).is_none()),
            duplicated: count(&|story| {
                recorded.get(&key(story)).is_some_and(|positions| positions.len() > 1)
            }),
            press_to_puback_us: puback,
            press_to_receipt_us: receipt,
            press_to_console_us: console,
            series: series.into_iter().map(|(series, _)| series).collect(),
        }
    }
}

/// What makes a message the same: call point, boot id, sequence.
pub(crate) type Key = (String, String, u64);

pub(crate) fn key(story: &Story) -> Key {
    (story.call_point.clone(), story.boot_id.clone(), story.sequence)
}

/// Where each numbered message is in the log.
pub(crate) fn positions(events: &[RecordedEvent]) -> HashMap<Key, Vec<u64>> {
    let mut positions: HashMap<Key, Vec<u64>> = HashMap::new();
    for recorded in events {
        let Some(event) = &recorded.event else { continue };
        let Some(origin) = event.origin.as_ref().filter(|origin| origin.sequence > 0) else { continue };
        let call_point = format!("{}/{}", event.site_id, event.device_id);
        let key = (call_point, origin.boot_id.clone(), origin.sequence);
        positions.entry(key).or_default().push(recorded.position);
    }
    positions
}

/// When a console was first shown an alert of the call point that holds what is at a position.
fn first_sight(sightings: &[(u64, u64)], position: u64) -> Option<u64> {
    sightings.iter().find(|(shown, _)| *shown >= position).map(|(_, at)| *at)
}

impl Series {
    /// Of moments and how long was waited from there.
    fn of(name: &'static str, waits: &[(u64, u64)]) -> (Self, Quantiles) {
        let mut all = histogram();
        let mut by_second: BTreeMap<u64, Histogram<u64>> = BTreeMap::new();
        for (meant, wait) in waits {
            all.saturating_record(*wait);
            by_second.entry(meant / 1_000_000).or_insert_with(histogram).saturating_record(*wait);
        }
        let quantiles = all.iter_quantiles(4).map(|step| (step.quantile(), step.value_iterated_to()));
        let seconds = by_second.iter().map(|(second, waits)| (*second, Quantiles::of(waits)));
        let series = Self { name, quantiles: quantiles.collect(), seconds: seconds.collect() };
        (series, Quantiles::of(&all))
    }
}

impl Quantiles {
    pub(crate) fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile);
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: histogram.max() }
    }
}

/// Up to an hour, with three digits.
#[expect(clippy::expect_used, reason = "bounds that are written down here and are sound")]
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("sound bounds")
}
