//! The order of an operator's list: what needs somebody most comes first.

use crate::alert::v1::{Alert, AlertState, AlertStatus};

/// How urgent an open alert is among others: the smaller, the more. Alerts that are equally urgent are in order
/// of opening, the oldest first.
///
/// In earnest before exercises, what was not shelved before what was, the higher priority first; then what
/// nobody has, the more escalated first, then what asks for its owner again, then the rest.
#[must_use]
pub fn urgency(alert: &Alert) -> u64 {
    let is_exercise = alert.status() != AlertStatus::Actual;
    let is_shelved = alert.shelving.is_some();
    let priority = u8::try_from(i32::from(alert.priority())).unwrap_or(0);
    let has_owner = alert.state() != AlertState::Raised;
    let level = u16::try_from(alert.escalation_level).unwrap_or(u16::MAX);
    let parts = [
        (u64::from(is_exercise), 1),
        (u64::from(is_shelved), 1),
        (u64::from(u8::MAX - priority), 8),
        (u64::from(has_owner), 1),
        (u64::from(u16::MAX - level), 16),
        (u64::from(!alert.attention), 1),
    ];
    parts.into_iter().fold(0, |key, (part, bits)| key << bits | part)
}

#[cfg(test)]
mod tests {
    use crate::alert::v1::{AlertPriority, Shelving};

    use super::*;

    #[test]
    fn the_most_urgent_comes_first() {
        let alert = |priority: AlertPriority, state: AlertState| Alert {
            priority: priority.into(),
            state: state.into(),
            status: AlertStatus::Actual.into(),
            ..Alert::default()
        };
        let (high, raised) = (AlertPriority::High, AlertState::Raised);
        let ordered = [
            alert(AlertPriority::Critical, AlertState::Acknowledged),
            Alert { escalation_level: 2, ..alert(high, raised) },
            alert(high, raised),
            Alert { attention: true, ..alert(high, AlertState::Acknowledged) },
            alert(high, AlertState::Acknowledged),
            alert(AlertPriority::Low, raised),
            Alert { shelving: Some(Shelving::default()), ..alert(high, raised) },
            Alert { status: AlertStatus::Test.into(), ..alert(AlertPriority::Critical, raised) },
        ];
        let keys: Vec<_> = ordered.iter().map(urgency).collect();
        assert!(keys.is_sorted_by(|one, next| one < next), "{keys:?}");
    }
}
