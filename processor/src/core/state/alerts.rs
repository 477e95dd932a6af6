//! All alerts, and the orders in which they are looked through.

use std::collections::BTreeSet;
use std::hash::BuildHasher as _;
use std::ops::Bound;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::changes::Changes;
use super::view::{AlertEntry, AlertView, Opening};

/// Number of an alert, in order of opening.
pub(crate) type AlertNumber = u32;

/// What a change did to an alert.
pub(super) struct Altered {
    pub opening: Opening,
    pub was_open: bool,
    pub is_open: bool,
}

/// All alerts.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    /// In order of opening.
    all: Vec<AlertEntry>,
    /// Numbers by id, each with the hash of its id: that is cheap to compare, and to grow by.
    numbers: HashTable<(AlertNumber, u64)>,
    hasher: DefaultHashBuilder,
    changes: Changes,
    open: BTreeSet<AlertNumber>,
}

impl Alerts {
    pub(super) fn get(&self, number: AlertNumber) -> Option<&AlertEntry> {
        self.all.get(number as usize)
    }

    pub(super) fn get_mut(&mut self, number: AlertNumber) -> Option<&mut AlertEntry> {
        self.all.get_mut(number as usize)
    }

    pub(super) fn all(&self) -> &[AlertEntry] {
        &self.all
    }

    pub(super) fn open_count(&self) -> usize {
        self.open.len()
    }

    pub(super) fn find(&self, alert_id: &str) -> Option<AlertNumber> {
        if alert_id.is_empty() {
            return None;
        }
        let hash = self.hasher.hash_one(alert_id);
        let same = |(number, of_id): &(AlertNumber, u64)| {
            *of_id == hash && self.get(*number).is_some_and(|entry| entry.view().alert.alert_id == alert_id)
        };
        self.numbers.find(hash, same).map(|(number, _)| *number)
    }

    pub(super) fn opened_at(&self, opening: Opening) -> Option<AlertNumber> {
        let index = self.all.binary_search_by_key(&opening, |entry| entry.opening).ok()?;
        index.try_into().ok()
    }

    /// Takes in all alerts of another time, in order of opening.
    pub(super) fn restore(&mut self, entries: Vec<AlertEntry>) {
        let mut changes = Vec::with_capacity(entries.len());
        for entry in entries {
            let view = entry.view();
            changes.push((view.alert.position, self.push(entry, &view)));
        }
        changes.sort_unstable();
        changes.into_iter().for_each(|(position, number)| self.changes.note(position, number));
    }

    pub(super) fn insert(&mut self, entry: AlertEntry) -> AlertNumber {
        let view = entry.view();
        let number = self.push(entry, &view);
        self.changes.note(view.alert.position, number);
        number
    }

    fn push(&mut self, entry: AlertEntry, view: &AlertView) -> AlertNumber {
        let number = self.all.len().try_into().unwrap_or(AlertNumber::MAX);
        let hash = self.hasher.hash_one(view.alert.alert_id.as_str());
        if view.is_open() {
            self.open.insert(number);
        }
        self.all.push(entry);
        self.numbers.insert_unique(hash, (number, hash), |(_, hash)| *hash);
        number
    }

    /// Lets a rule change an alert, unless it answers that there is nothing to change.
    pub(super) fn alter(
        &mut self,
        number: AlertNumber,
        position: u64,
        from_elsewhere: bool,
        rule: impl FnOnce(&mut AlertView) -> bool,
    ) -> Option<Altered> {
        let entry = self.all.get_mut(number as usize)?;
        let (was_open, is_open) = entry.alter(position, from_elsewhere, rule)?;
        let opening = entry.opening;
        self.changes.note(position, number);
        if was_open != is_open {
            if is_open {
                self.open.insert(number)
            } else {
                self.open.remove(&number)
            };
        }
        Some(Altered { opening, was_open, is_open })
    }

    pub(super) fn changed_after(
        &self,
        (position, opening): (u64, Opening),
    ) -> impl Iterator<Item = Arc<AlertView>> {
        let number = match opening {
            Opening::MAX => AlertNumber::MAX,
            opening => self.opened_at(opening).unwrap_or(0),
        };
        self.changes.after((position, number)).filter_map(|(_, number)| Some(self.get(number)?.view()))
    }

    pub(super) fn open_after(&self, opening: Opening) -> impl Iterator<Item = Arc<AlertView>> {
        let first = self.all.partition_point(|entry| entry.opening <= opening);
        let first = first.try_into().unwrap_or(AlertNumber::MAX);
        let open = self.open.range((Bound::Included(first), Bound::Unbounded));
        open.filter_map(|number| Some(self.get(*number)?.view()))
    }

    pub(super) fn open_before(&self, opening: Opening) -> impl Iterator<Item = Arc<AlertView>> {
        let end = self.all.partition_point(|entry| entry.opening < opening);
        let open = self.open.range(..AlertNumber::try_from(end).unwrap_or(AlertNumber::MAX)).rev();
        open.filter_map(|number| Some(self.get(*number)?.view()))
    }

    pub(super) fn opened_after(&self, opening: Opening) -> impl Iterator<Item = Arc<AlertView>> {
        let first = self.all.partition_point(|entry| entry.opening <= opening);
        self.all.get(first..).unwrap_or_default().iter().map(AlertEntry::view)
    }

    pub(super) fn opened_before(&self, opening: Opening) -> impl Iterator<Item = Arc<AlertView>> {
        let end = self.all.partition_point(|entry| entry.opening < opening);
        self.all.get(..end).unwrap_or_default().iter().rev().map(AlertEntry::view)
    }
}
