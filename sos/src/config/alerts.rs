//! How long alerts may wait and how urgent they are, as it is configured.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sos_processor::{Deadlines, EscalationRule, PriorityRule, Rules};
use sos_proto::alert::v1::{AlertKind, AlertPriority};
use sos_proto::device::v1::Category;
use sos_proto::registry::v1::SiteKind;

/// Most levels of one rule.
const LEVELS_MAX: usize = 10;

/// How long alerts may wait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    /// Seconds that an owner may have an alert without a next step; then it rings again.
    pub acknowledgement_expires_s: u64,
    /// How alerts escalate that nobody takes. The first rule that fits counts; without one, they do not.
    pub escalation: Vec<Rule>,
    /// How urgent alerts are. The first rule that fits counts; without one, a press is high, and a technical
    /// alert what follows from its cause. An alert never becomes less urgent.
    pub priority: Vec<Priority>,
}

/// How urgent some alerts are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Priority {
    /// Only alerts of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Only alerts of this category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Help>,
    /// Only alerts at this kind of site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site_kind: Option<Premises>,
    /// Only alerts with at least so many presses.
    #[serde(default)]
    pub presses_min: u64,
    /// How urgent they are.
    pub priority: Urgency,
}

/// What kind of place a site is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Premises {
    /// School or kindergarten.
    School,
    /// Hospital or clinic.
    Hospital,
    /// Street, square, park, station.
    PublicPlace,
}

/// How urgent an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Urgency {
    /// Can wait.
    Low,
    /// Soon.
    Medium,
    /// Now.
    High,
    /// Before everything else.
    Critical,
}

/// How some alerts escalate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Only alerts of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Only alerts of this category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Help>,
    /// Only alerts of this site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Seconds from the beginning of the ringing to each level.
    pub after_s: Vec<u64>,
}

/// What raised an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Somebody pressed.
    Press,
    /// Something does not work.
    Technical,
}

/// The kind of help that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Help {
    /// A general call.
    General,
    /// Police.
    Police,
    /// Ambulance.
    Medical,
    /// Fire brigade.
    Fire,
}

impl Default for Alerts {
    fn default() -> Self {
        let Deadlines { escalation, acknowledgement } = Deadlines::default();
        let rule = |rule: EscalationRule| Rule {
            kind: rule.kind.map(|kind| if kind == AlertKind::Press { Kind::Press } else { Kind::Technical }),
            category: None,
            site: None,
            after_s: rule.levels.iter().map(Duration::as_secs).collect(),
        };
        Self {
            acknowledgement_expires_s: acknowledgement.as_secs(),
            escalation: escalation.into_iter().map(rule).collect(),
            // Whoever presses again and again is not to wait behind others.
            priority: vec![Priority {
                kind: Some(Kind::Press),
                category: None,
                site_kind: None,
                presses_min: 3,
                priority: Urgency::Critical,
            }],
        }
    }
}

impl Alerts {
    /// The same for the processor.
    pub fn deadlines(&self) -> Deadlines {
        Deadlines {
            escalation: self.escalation.iter().map(Rule::for_processor).collect(),
            acknowledgement: Duration::from_secs(self.acknowledgement_expires_s),
        }
    }

    /// How the processor judges alerts.
    pub fn rules(&self) -> Rules {
        Rules { priorities: self.priority.iter().map(Priority::for_processor).collect() }
    }

    /// What is wrong with it, each fault named by its key.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.acknowledgement_expires_s == 0 {
            faults.push("alerts.acknowledgement_expires_s: 0 is less than 1".to_owned());
        }
        for (number, rule) in self.escalation.iter().enumerate() {
            let key = format!("alerts.escalation[{number}]");
            if let Some(site) = rule.site.as_ref().filter(|site| !sos_proto::call_point::is_id(site)) {
                faults.push(format!("{key}.site: {site:?} does not match [a-z0-9][a-z0-9._-]{{0,63}}"));
            }
            if rule.after_s.len() > LEVELS_MAX {
                faults.push(format!("{key}.after_s: more than {LEVELS_MAX} levels"));
            }
            if !rule.after_s.is_sorted_by(|one, next| one < next) {
                faults.push(format!("{key}.after_s: {:?} does not ascend", rule.after_s));
            }
        }
        faults
    }
}

impl Rule {
    fn for_processor(&self) -> EscalationRule {
        EscalationRule {
            kind: self.kind.map(Kind::for_processor),
            category: self.category.map(Help::for_processor),
            site_id: self.site.clone(),
            levels: self.after_s.iter().copied().map(Duration::from_secs).collect(),
        }
    }
}

impl Priority {
    fn for_processor(&self) -> PriorityRule {
        PriorityRule {
            kind: self.kind.map(Kind::for_processor),
            category: self.category.map(Help::for_processor),
            site_kind: self.site_kind.map(|place| match place {
                Premises::School => SiteKind::School,
                Premises::Hospital => SiteKind::Hospital,
                Premises::PublicPlace => SiteKind::PublicPlace,
            }),
            presses_min: self.presses_min,
            priority: match self.priority {
                Urgency::Low => AlertPriority::Low,
                Urgency::Medium => AlertPriority::Medium,
                Urgency::High => AlertPriority::High,
                Urgency::Critical => AlertPriority::Critical,
            },
        }
    }
}

impl Kind {
    fn for_processor(self) -> AlertKind {
        match self {
            Self::Press => AlertKind::Press,
            Self::Technical => AlertKind::Technical,
        }
    }
}

impl Help {
    fn for_processor(self) -> Category {
        match self {
            Self::General => Category::Unspecified,
            Self::Police => Category::Police,
            Self::Medical => Category::Medical,
            Self::Fire => Category::Fire,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_processor() {
        assert_eq!(Alerts::default().deadlines(), Deadlines::default());
        assert_eq!(Alerts::default().rules(), Rules::default());
        assert_eq!(Alerts::default().faults(), [""; 0]);
    }

    #[test]
    fn faults_are_named_by_their_keys() {
        let rule = |site: &str, after_s: &[u64]| Rule {
            kind: None,
            category: None,
            site: Some(site.to_owned()),
            after_s: after_s.to_vec(),
        };
        let alerts = Alerts {
            acknowledgement_expires_s: 0,
            escalation: vec![
                rule("school-12", &[1, 2]),
                rule("School 12", &[]),
                rule("a", &[5, 5]),
                rule("a", &(0..11).collect::<Vec<_>>()),
            ],
            ..Alerts::default()
        };
        let faults = alerts.faults();
        let expected = [
            "alerts.acknowledgement_expires_s:",
            "alerts.escalation[1].site:",
            "alerts.escalation[2].after_s:",
            "alerts.escalation[3].after_s:",
        ];
        assert_eq!(faults.len(), expected.len(), "{faults:?}");
        for (fault, key) in faults.iter().zip(expected) {
            assert!(fault.starts_with(key), "{fault}");
        }
    }
}
