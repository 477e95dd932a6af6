//! How a replay shows how far it is; decides nothing.

use indicatif::{ProgressBar, ProgressStyle};

use crate::recorder::Count;
use crate::replay::Summary;

/// Told how far a replay is.
pub trait Progress {
    /// The file was read; so many presses follow under this boot id.
    fn started(&mut self, boot_id: &str, presses: usize);
    /// One more press is answered or given up; the summary so far.
    fn counted(&mut self, summary: &Summary);
    /// Nothing more follows.
    fn ended(&mut self);
}

/// Shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn started(&mut self, _boot_id: &str, _presses: usize) {}
    fn counted(&mut self, _summary: &Summary) {}
    fn ended(&mut self) {}
}

/// A bar on standard error; nothing where that is no terminal.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// A bar that appears when the replay starts.
    #[must_use]
    pub fn new() -> Self {
        Self { bar: ProgressBar::hidden() }
    }
}

impl Default for Bar {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress for Bar {
    fn started(&mut self, boot_id: &str, presses: usize) {
        let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {per_sec} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        self.bar = ProgressBar::new(presses as u64).with_style(style).with_prefix(boot_id.to_owned());
    }

    fn counted(&mut self, summary: &Summary) {
        self.bar.set_position(summary.acknowledged + summary.failed);
        if summary.failed > 0 {
            self.bar.set_message(format!("{} failed", summary.failed));
        }
    }

    fn ended(&mut self) {
        self.bar.abandon();
    }
}

/// Shows on standard error how far a load is, where that is a terminal; `expected` is how many presses there
/// will be, if that is known.
pub fn count_bar(expected: Option<u64>) -> impl FnMut(Count) + Send + 'static {
    let bar = expected.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let style = ProgressStyle::with_template("{wide_bar} {pos} acknowledged {per_sec} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = bar.with_style(style);
    move |count: Count| {
        bar.set_position(count.acknowledged);
        let open = count.published.saturating_sub(count.acknowledged);
        if open > 0 && count.acknowledged.is_multiple_of(64) {
            bar.set_message(format!("{open} open"));
        }
    }
}
