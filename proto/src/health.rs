//! What a health report means, for whoever reads it.

use crate::device::v1::DeviceHealth;
use crate::registry::v1::DeviceCondition;

/// A battery with no more charge than this is low, in percent.
const BATTERY_LOW: u32 = 20;

/// A battery with no more charge than this does not carry a call, in percent.
const BATTERY_EMPTY: u32 = 5;

impl DeviceHealth {
    /// Whether the battery needs care.
    #[must_use]
    pub fn battery_is_low(&self) -> bool {
        self.battery_percent.is_some_and(|percent| percent <= BATTERY_LOW)
    }

    /// How well the call point is.
    #[must_use]
    pub fn condition(&self) -> DeviceCondition {
        let on_battery = self.mains != Some(true);
        if on_battery && self.battery_percent.is_some_and(|percent| percent <= BATTERY_EMPTY) {
            DeviceCondition::Failed
        } else if self.battery_is_low() || self.mains == Some(false) {
            DeviceCondition::Degraded
        } else {
            DeviceCondition::Good
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_follows_from_battery_and_mains() {
        use DeviceCondition::{Degraded, Failed, Good};
        let of = |battery_percent, mains| {
            DeviceHealth { battery_percent, mains, ..Default::default() }.condition()
        };
        assert_eq!(of(None, None), Good);
        assert_eq!(of(Some(21), Some(true)), Good);
        assert_eq!(of(Some(20), Some(true)), Degraded);
        assert_eq!(of(None, Some(false)), Degraded);
        assert_eq!(
            (of(Some(5), Some(true)), of(Some(5), Some(false)), of(Some(5), None)),
            (Degraded, Failed, Failed)
        );
    }
}
