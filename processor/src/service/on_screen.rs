//! Which alerts a console shows that may stop fitting its filter, so that it is told once when one does.
//!
//! Invariant: holds no alert that is resolved or does not fit, so it never outgrows the open alerts (P10).

use std::collections::HashSet;

use crate::core::{AlertView, Filter, Opening};

/// What a console shows, as far as that must be remembered.
pub(super) struct OnScreen {
    /// Open alerts that fitted when the console was last told of them, or at the position where it resumed.
    fitting: HashSet<Opening>,
    /// What changed while the console was away is being told, whatever it is now.
    backlog: bool,
}

impl OnScreen {
    /// What a console shows that starts with an empty screen, or resumes with a backlog.
    pub(super) fn new(backlog: bool) -> Self {
        Self { fitting: HashSet::new(), backlog }
    }

    /// Everything that changed while the console was away was told.
    pub(super) fn end_backlog(&mut self) {
        self.backlog = false;
    }

    /// Whether the console is to be told of an alert: if it fits, or if the console may still show it from
    /// when it did.
    ///
    /// A resolved alert need not be remembered: it goes on fitting or not as long as it stays resolved, and
    /// once it was reopened it is always told.
    pub(super) fn note(&mut self, filter: &Filter, view: &AlertView) -> bool {
        if !filter.fits_for_good(&view.alert) {
            return false;
        }
        if !filter.can_stop_fitting() {
            return true;
        }
        let fits = filter.fits(&view.alert);
        // An alert that does not fit as it was opened was never shown.
        let in_backlog = self.backlog && view.alert.revision > 1;
        let may_be_shown = self.fitting.remove(&view.opening) || in_backlog || view.reopened;
        if fits && view.is_open() {
            self.fitting.insert(view.opening);
        }
        fits || may_be_shown
    }
}

#[cfg(test)]
mod tests {
    use sos_proto::alert::v1::AlertState;
    use sos_proto::device::v1::{Category, Press};
    use sos_proto::event::v1::event::Body;
    use sos_proto::event::v1::{
        AlertAcknowledged, AlertNoted, AlertReopened, AlertResolved, Disposition, Event,
    };

    use super::*;
    use crate::core::{State, evolve};

    /// One call point's alerts, and what a console is told of them.
    struct Console {
        state: State,
        alert_id: String,
        filter: Filter,
        screen: OnScreen,
    }

    impl Console {
        fn new(filter: &Filter, backlog: bool) -> Self {
            let (state, alert_id) = (State::default(), String::new());
            Self { state, alert_id, filter: filter.clone(), screen: OnScreen::new(backlog) }
        }

        /// Whether the console is told of the alert that this changes.
        fn told(&mut self, body: Body) -> bool {
            let position = self.state.position() + 1;
            let event = Event {
                event_id: format!("e{position}"),
                device_id: "door".into(),
                alert_id: self.alert_id.clone(),
                actor: "asel".into(),
                body: Some(body),
                ..Event::default()
            };
            let changed = evolve(&mut self.state, position, 0, &event).unwrap();
            let view = &*self.state.view(changed).unwrap();
            self.alert_id.clone_from(&view.alert.alert_id);
            self.screen.note(&self.filter, view)
        }
    }

    fn press() -> Body {
        Body::Press(Press::default())
    }

    fn acknowledged() -> Body {
        Body::AlertAcknowledged(AlertAcknowledged {})
    }

    fn noted() -> Body {
        Body::AlertNoted(AlertNoted::default())
    }

    fn resolved() -> Body {
        let disposition = Disposition::Genuine.into();
        Body::AlertResolved(AlertResolved { disposition, ..AlertResolved::default() })
    }

    fn only(state: AlertState) -> Filter {
        Filter { states: vec![state], ..Filter::default() }
    }

    // P10: whatever a console asks for, closed alerts cost it nothing.
    #[test]
    fn memory_does_not_grow_with_resolved_alerts() {
        let filters = [
            Filter::default(),
            only(AlertState::Raised),
            only(AlertState::Acknowledged),
            only(AlertState::Resolved),
            Filter { categories: vec![Category::Unspecified], ..Filter::default() },
            Filter { owner: Some("asel".into()), ..Filter::default() },
        ];
        for (filter, backlog) in filters.iter().flat_map(|filter| [(filter, false), (filter, true)]) {
            let mut console = Console::new(filter, backlog);
            let mut most = 0;
            for body in (0..300).flat_map(|_| [press(), acknowledged(), noted(), resolved(), noted()]) {
                console.told(body);
                most = most.max(console.screen.fitting.len());
            }
            assert_eq!(console.screen.fitting.len(), 0, "{filter:?}");
            let stays = !filter.can_stop_fitting() || *filter == only(AlertState::Resolved);
            assert_eq!(most, usize::from(!stays), "{filter:?}");
        }
    }

    #[test]
    fn what_stops_fitting_is_told_once() {
        let mut raised = Console::new(&only(AlertState::Raised), false);
        let told = [press(), acknowledged(), noted(), resolved(), press()].map(|body| raised.told(body));
        assert_eq!(told, [true, true, false, false, true]);
        let mut closed = Console::new(&only(AlertState::Resolved), false);
        let reopened = Body::AlertReopened(AlertReopened::default());
        let told = [press(), acknowledged(), resolved(), reopened].map(|body| closed.told(body));
        assert_eq!(told, [false, false, true, true]);
    }

    #[test]
    fn a_backlog_is_told_but_for_what_never_fitted() {
        let mut raised = Console::new(&only(AlertState::Acknowledged), true);
        let told = [press(), press(), acknowledged(), resolved()].map(|body| raised.told(body));
        assert_eq!(told, [false, true, true, true]);
        assert!(raised.told(noted()));
        raised.screen.end_backlog();
        assert!(!raised.told(noted()));
    }
}
