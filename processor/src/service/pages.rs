//! Pages of sites and call points in order of their names.
//!
//! Invariant: a token is the last name on a page, so what comes or goes meanwhile neither repeats nor hides
//! anything else.

use super::status::InvalidField;

/// A site, and a call point of it; either may be empty.
type Name<'a> = (&'a str, &'a str);

/// What has a name behind `after`, in order, as much as a page holds; and the token of the next page.
pub(super) fn page<'a, T>(
    named: impl Iterator<Item = (Name<'a>, &'a T)>,
    after: &(String, String),
    page_size: usize,
) -> (Vec<&'a T>, String) {
    let after = (after.0.as_str(), after.1.as_str());
    let mut behind: Vec<_> = named.filter(|(name, _)| *name > after).collect();
    let more = behind.len() > page_size;
    if more {
        // Only what is on the page must be in order.
        behind.select_nth_unstable_by_key(page_size, |(name, _)| *name);
        behind.truncate(page_size);
    }
    behind.sort_unstable_by_key(|(name, _)| *name);
    let last = behind.last().filter(|_| more);
    let token = last.map(|((site, device), _)| format!("{site}/{device}")).unwrap_or_default();
    (behind.into_iter().map(|(_, thing)| thing).collect(), token)
}

/// The name behind which a page begins.
pub(super) fn token(text: &str) -> Result<(String, String), InvalidField> {
    if text.is_empty() {
        return Ok(Default::default());
    }
    let invalid = || InvalidField { field: "page_token", reason: "is no page token".to_owned() };
    let (site, device) = text.split_once('/').ok_or_else(invalid)?;
    Ok((site.to_owned(), device.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_everything_once_in_order() {
        let names = [("b", "2"), ("a", "9"), ("b", "1"), ("a", ""), ("c", "1")];
        let things: Vec<_> = names.iter().map(|name| (*name, name)).collect();
        for size in 1..7 {
            let mut found: Vec<&(&str, &str)> = Vec::new();
            let mut after = (String::new(), String::new());
            loop {
                let (on_page, next) = page(things.iter().copied(), &after, size);
                assert!(on_page.len() <= size);
                found.extend(on_page);
                if next.is_empty() {
                    break;
                }
                after = token(&next).unwrap();
            }
            assert_eq!(found, [&("a", ""), &("a", "9"), &("b", "1"), &("b", "2"), &("c", "1")], "{size}");
        }
        assert!(token("nonsense").is_err());
    }
}
