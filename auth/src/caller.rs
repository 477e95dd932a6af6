//! Somebody who was recognised, and what they may see.

use std::collections::BTreeSet;

use crate::role::Role;

/// Longest name of somebody, in characters.
const NAME_CHARS_MAX: usize = 64;

/// Somebody who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Their name, as it goes into the log.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Where.
    pub scope: Scope,
    /// When they have to be recognised anew, in seconds since 1970; nothing for as long as the connection lasts.
    pub expires_at: Option<u64>,
}

/// Checks a name that is to go into the log as somebody's.
///
/// # Errors
/// What is wrong with it.
pub fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
        return Err(format!("must have 1 to {NAME_CHARS_MAX} characters"));
    }
    if name.chars().any(char::is_control) {
        return Err("must not hold control characters".to_owned());
    }
    Ok(())
}

/// The places that somebody may see: these sites, and all sites of these regions. Without any: all places.
///
/// What is out of scope does not exist for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Regions.
    pub regions: BTreeSet<String>,
    /// Sites.
    pub sites: BTreeSet<String>,
}

impl Scope {
    /// Whether it leaves nothing out.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.regions.is_empty() && self.sites.is_empty()
    }

    /// Whether a site, of a region if it is registered in one, is within it.
    #[must_use]
    pub fn has(&self, site_id: &str, region: &str) -> bool {
        self.is_everything()
            || self.sites.contains(site_id)
            || (!region.is_empty() && self.regions.contains(region))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_1_to_64_characters_and_none_of_control() {
        for good in ["a".to_owned(), "Әсел Қ.".to_owned(), "ә".repeat(64)] {
            assert_eq!(check_name(&good), Ok(()), "{good:?}");
        }
        for bad in [String::new(), "ә".repeat(65), "as\nel".to_owned(), "\u{7f}".to_owned()] {
            assert!(check_name(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_scope_has_its_sites_and_the_sites_of_its_regions() {
        let scope = Scope { regions: ["almaty".into()].into(), sites: ["school-1".into()].into() };
        assert!(scope.has("school-1", "") && scope.has("hall", "almaty"));
        assert!(!scope.has("hall", "") && !scope.has("hall", "astana"));
        assert!(Scope::default().has("hall", ""));
    }
}
