//! By when somebody must have done something about an alert, and what happens if not (P8). Pure: the time
//! comes from outside, and everything else from the log.

use std::time::Duration;

use sos_proto::alert::v1::{Alert, AlertKind, AlertState, AlertStatus};
use sos_proto::device::v1::Category;
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{AlertAckExpired, AlertEscalated, AlertUnshelved, EscalationUnheard};
use sos_proto::time;

use super::busy_units;
use super::state::{AlertView, Cause};

/// How long an alert may wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadlines {
    /// How alerts escalate that nobody takes. The first rule that fits an alert counts; one that none fits
    /// never escalates.
    pub escalation: Vec<EscalationRule>,
    /// How long an owner may have an alert without a next step while no unit is on its way or at work.
    pub acknowledgement: Duration,
}

/// How some alerts escalate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EscalationRule {
    /// Only alerts of this kind.
    pub kind: Option<AlertKind>,
    /// Only alerts of this category.
    pub category: Option<Category>,
    /// Only alerts of this site.
    pub site_id: Option<String>,
    /// Time from the beginning of the ringing to each level, ascending.
    pub levels: Vec<Duration>,
}

impl Default for Deadlines {
    fn default() -> Self {
        let rule = |kind, seconds: [u64; 2]| EscalationRule {
            kind,
            levels: seconds.map(Duration::from_secs).to_vec(),
            ..EscalationRule::default()
        };
        Self {
            // EN 50518: of hold-up alarms, 80 % within 30 s and 98.5 % within 60 s.
            escalation: vec![rule(Some(AlertKind::Press), [30, 60]), rule(None, [90, 180])],
            acknowledgement: Duration::from_secs(600),
        }
    }
}

impl EscalationRule {
    fn fits(&self, alert: &Alert) -> bool {
        self.kind.is_none_or(|kind| kind == alert.kind())
            && self.category.is_none_or(|category| category == alert.category())
            && self.site_id.as_ref().is_none_or(|site| *site == alert.site_id)
    }
}

impl Deadlines {
    /// When something must happen to an alert unless it changes before, in microseconds of the log's time.
    pub(crate) fn due(&self, view: &AlertView) -> Option<i64> {
        if let Some(shelving) = view.alert.shelving.as_ref().filter(|_| view.is_open()) {
            return shelving.until.as_ref().and_then(time::micros);
        }
        match view.alert.state() {
            AlertState::Raised => self.levels(view).map(|(_, at)| at).next(),
            AlertState::Acknowledged if busy_units(&view.alert).next().is_none() => {
                Some(after(view.acted_at, self.acknowledgement))
            }
            _ => None,
        }
    }

    /// What happens to an alert at this time of the log, if something is due. Of several levels that have
    /// passed, only the highest is told.
    pub(crate) fn overdue(&self, view: &AlertView, now: i64) -> Option<Body> {
        if self.due(view)? > now {
            return None;
        }
        if view.alert.shelving.is_some() {
            return Some(Body::AlertUnshelved(AlertUnshelved {}));
        }
        if view.alert.state() == AlertState::Acknowledged {
            return Some(Body::AlertAckExpired(AlertAckExpired { owner: view.alert.owner.clone() }));
        }
        let (level, _) = self.levels(view).take_while(|(_, at)| *at <= now).last()?;
        Some(Body::AlertEscalated(AlertEscalated { level, reason: String::new() }))
    }

    /// The levels that an alert has not reached, each with its time.
    fn levels<'a>(&'a self, view: &'a AlertView) -> impl Iterator<Item = (u32, i64)> + 'a {
        let rule = self.escalation.iter().find(|rule| rule.fits(&view.alert));
        let levels = rule.map(|rule| rule.levels.as_slice()).unwrap_or_default();
        // An alert that rings again goes through all levels again, above those it has.
        let numbers = (1..).map(|level| view.ringing_level.saturating_add(level));
        let all = numbers.zip(levels.iter().map(|level| after(view.ringing_since, *level)));
        all.filter(|(level, _)| *level > view.alert.escalation_level)
    }
}

/// What is to be recorded beside an escalation of which nobody hears. Exercises alarm nobody, and that nobody
/// hears is not told of itself.
pub(crate) fn unheard(view: &AlertView, body: &Body) -> Option<EscalationUnheard> {
    let Body::AlertEscalated(escalated) = body else { return None };
    let is_told = view.causes.contains_key(&Cause::Unheard.key());
    let alarms = view.alert.status() == AlertStatus::Actual && !is_told;
    alarms.then_some(EscalationUnheard { level: escalated.level })
}

fn after(time: i64, wait: Duration) -> i64 {
    time.saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX))
}
