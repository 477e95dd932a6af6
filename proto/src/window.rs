//! When an exercise or a test goes on, for whoever folds the log.

use crate::registry::v1::{Window, WindowKind};
use crate::time;

impl Window {
    /// Whether it goes on at a time of the log, in microseconds.
    #[must_use]
    pub fn is_in_force(&self, now: i64) -> bool {
        self.ends_at.as_ref().and_then(time::micros).is_some_and(|end| now < end)
    }
}

/// What goes on at a call point: its own window comes before that of its site.
#[must_use]
pub fn kind_at(of_point: Option<&Window>, of_site: Option<&Window>, now: i64) -> Option<WindowKind> {
    let in_force = |window: Option<&Window>| window.filter(|w| w.is_in_force(now)).map(Window::kind);
    in_force(of_point).or_else(|| in_force(of_site)).filter(|kind| *kind != WindowKind::Unspecified)
}
