//! Which sites somebody watches just now, so that an escalation that nobody hears is noticed.

use std::sync::{Arc, Mutex, PoisonError};

use sos_proto::alert::v1::Alert;

use crate::core::Filter;

/// The filters of all watching consoles.
#[derive(Debug, Default)]
pub(crate) struct OnDuty(Mutex<Vec<Arc<Filter>>>);

/// One console that watches, for as long as this lives.
pub(crate) struct Watcher {
    on_duty: Arc<OnDuty>,
    filter: Arc<Filter>,
}

impl OnDuty {
    /// A console begins to watch.
    pub(crate) fn arrive(self: &Arc<Self>, filter: &Filter) -> Watcher {
        let filter = Arc::new(filter.clone());
        self.filters().push(Arc::clone(&filter));
        Watcher { on_duty: Arc::clone(self), filter }
    }

    /// Whether somebody is shown an alert as it is now.
    pub(crate) fn sees(&self, alert: &Alert) -> bool {
        self.filters().iter().any(|filter| filter.fits(alert))
    }

    fn filters(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Filter>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut filters = self.on_duty.filters();
        if let Some(index) = filters.iter().position(|filter| Arc::ptr_eq(filter, &self.filter)) {
            filters.swap_remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_watched_as_long_as_somebody_watches_it() {
        let on_duty = Arc::new(OnDuty::default());
        let of = |site: &str| Filter { site_ids: [site.to_owned()].into(), ..Filter::default() };
        let alert = Alert { site_id: "hall".into(), ..Alert::default() };
        let elsewhere = on_duty.arrive(&of("school"));
        assert!(!on_duty.sees(&alert));
        let (one, two) = (on_duty.arrive(&of("hall")), on_duty.arrive(&of("hall")));
        assert!(on_duty.sees(&alert));
        drop(one);
        assert!(on_duty.sees(&alert));
        drop((two, elsewhere));
        assert!(!on_duty.sees(&alert));
        let everything = on_duty.arrive(&Filter::default());
        assert!(on_duty.sees(&alert));
        drop(everything);
    }
}
