//! What somebody may do, in one word.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A role. Everybody has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks at alerts and the registry.
    Viewer,
    /// Handles alerts.
    Operator,
    /// Handles alerts, and holds exercises.
    Supervisor,
    /// Reads the log.
    Auditor,
    /// Tests the system: reads everything, and puts places into tests.
    Tester,
    /// Keeps the registry and who has access, and handles no alert.
    Admin,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Viewer, Self::Operator, Self::Supervisor, Self::Auditor, Self::Tester, Self::Admin];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Supervisor => "supervisor",
            Self::Auditor => "auditor",
            Self::Tester => "tester",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|role| role.as_str() == name);
        known.ok_or_else(|| {
            format!("{name:?} is no role: viewer, operator, supervisor, auditor, tester or admin")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_known_by_its_name() {
        let names = Role::ALL.map(|role| role.to_string());
        assert_eq!(names, ["viewer", "operator", "supervisor", "auditor", "tester", "admin"]);
        assert_eq!(names.map(|name| name.parse()), Role::ALL.map(Ok));
        assert!("Operator".parse::<Role>().is_err());
    }
}
