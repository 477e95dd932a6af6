//! What the configuration says about alerts: part of what live state is folded by.

use sos_proto::alert::v1::{Alert, AlertKind, AlertPriority};
use sos_proto::device::v1::Category;
use sos_proto::registry::v1::SiteKind;

/// How alerts are judged. The same log and the same rules give the same state (P4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// How urgent alerts are. The first rule that fits counts; where none does, a press is HIGH and a
    /// technical alert what follows from its cause. An alert never becomes less urgent.
    pub priorities: Vec<PriorityRule>,
}

/// How urgent some alerts are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PriorityRule {
    /// Only alerts of this kind.
    pub kind: Option<AlertKind>,
    /// Only alerts of this category.
    pub category: Option<Category>,
    /// Only alerts at this kind of site.
    pub site_kind: Option<SiteKind>,
    /// Only alerts with at least so many presses.
    pub presses_min: u64,
    /// How urgent they are.
    pub priority: AlertPriority,
}

impl Default for Rules {
    fn default() -> Self {
        let priorities = vec![PriorityRule {
            kind: Some(AlertKind::Press),
            presses_min: 3,
            priority: AlertPriority::Critical,
            ..PriorityRule::default()
        }];
        Self { priorities }
    }
}

impl Rules {
    /// How urgent an alert is now; `otherwise` where no rule fits it.
    pub(super) fn priority(
        &self,
        alert: &Alert,
        site_kind: SiteKind,
        otherwise: AlertPriority,
    ) -> AlertPriority {
        let rule = self.priorities.iter().find(|rule| rule.fits(alert, site_kind));
        rule.map_or(otherwise, |rule| rule.priority).max(alert.priority())
    }

    /// Tells rules apart.
    pub(super) fn digest(&self) -> [u8; 32] {
        *blake3::hash(format!("{} {self:?}", env!("CARGO_PKG_VERSION")).as_bytes()).as_bytes()
    }
}

impl PriorityRule {
    fn fits(&self, alert: &Alert, site_kind: SiteKind) -> bool {
        self.kind.is_none_or(|kind| kind == alert.kind())
            && self.category.is_none_or(|category| category == alert.category())
            && self.site_kind.is_none_or(|kind| kind == site_kind)
            && alert.press_count >= self.presses_min
    }
}
