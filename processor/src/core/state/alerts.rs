//! All alerts, and the orders in which they are looked through.

use std::collections::BTreeSet;
use std::hash::BuildHasher as _;
use std::ops::Bound;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::changes::Changes;
use super::places::PointNumber;
use super::view::{AlertEntry, AlertView, Opening};

/// Number of an alert, in order of opening.
pub(crate) type AlertNumber = u32;

/// What a change did to an alert.
pub(super) struct Altered {
    pub opening: Opening,
    pub point: PointNumber,
    pub was_open: bool,
    pub is_open: bool,
}

/// All alerts.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    /// In order of opening.
    all: Vec<AlertEntry>,
    numbers: HashTable<AlertNumber>,
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
        let same =
            |number: &AlertNumber| self.get(*number).is_some_and(|e| e.view.alert.alert_id == alert_id);
        self.numbers.find(self.hasher.hash_one(alert_id), same).copied()
    }

    pub(super) fn opened_at(&self, opening: Opening) -> Option<AlertNumber> {
        let index = self.all.binary_search_by_key(&opening, |entry| entry.view.opening).ok()?;
        index.try_into().ok()
    }

    /// Takes in all alerts of another time, in order of opening.
    pub(super) fn restore(&mut self, entries: Vec<AlertEntry>) {
        let mut changes: Vec<_> =
            (0..).zip(&entries).map(|(n, entry)| (entry.view.alert.position, n)).collect();
        changes.sort_unstable();
        changes.into_iter().for_each(|(position, number)| self.changes.note(position, number));
        entries.into_iter().for_each(|entry| {
            self.push(entry);
        });
    }

    pub(super) fn insert(&mut self, entry: AlertEntry) -> AlertNumber {
        let position = entry.view.alert.position;
        let number = self.push(entry);
        self.changes.note(position, number);
        number
    }

    fn push(&mut self, entry: AlertEntry) -> AlertNumber {
        let number = self.all.len().try_into().unwrap_or(AlertNumber::MAX);
        let hash = self.hasher.hash_one(entry.view.alert.alert_id.as_str());
        if entry.view.is_open() {
            self.open.insert(number);
        }
        self.all.push(entry);
        let (all, hasher) = (&self.all, &self.hasher);
        self.numbers.insert_unique(hash, number, |other| {
            hasher.hash_one(all.get(*other as usize).map_or("", |entry| entry.view.alert.alert_id.as_str()))
        });
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
        entry.before_change();
        let view = Arc::make_mut(&mut entry.view);
        let was_open = view.is_open();
        if !rule(view) {
            return None;
        }
        view.alert.revision += 1;
        view.alert.position = position;
        let (opening, is_open) = (view.opening, view.is_open());
        entry.after_change(position, from_elsewhere);
        self.changes.note(position, number);
        if was_open != is_open {
            if is_open {
                self.open.insert(number)
            } else {
                self.open.remove(&number)
            };
        }
        Some(Altered { opening, point: entry.point, was_open, is_open })
    }

    pub(super) fn changed_after(
        &self,
        (position, opening): (u64, Opening),
    ) -> impl Iterator<Item = &Arc<AlertView>> {
        let number = match opening {
            Opening::MAX => AlertNumber::MAX,
            opening => self.opened_at(opening).unwrap_or(0),
        };
        self.changes.after((position, number)).filter_map(|(_, number)| Some(&self.get(number)?.view))
    }

    pub(super) fn open_after(&self, opening: Opening) -> impl Iterator<Item = &Arc<AlertView>> {
        let first = self.all.partition_point(|entry| entry.view.opening <= opening);
        let first = first.try_into().unwrap_or(AlertNumber::MAX);
        let open = self.open.range((Bound::Included(first), Bound::Unbounded));
        open.filter_map(|number| Some(&self.get(*number)?.view))
    }

    pub(super) fn opened_after(&self, opening: Opening) -> impl Iterator<Item = &Arc<AlertView>> {
        let first = self.all.partition_point(|entry| entry.view.opening <= opening);
        self.all.get(first..).unwrap_or_default().iter().map(|entry| &entry.view)
    }

    pub(super) fn opened_before(&self, opening: Opening) -> impl Iterator<Item = &Arc<AlertView>> {
        let end = self.all.partition_point(|entry| entry.view.opening < opening);
        self.all.get(..end).unwrap_or_default().iter().rev().map(|entry| &entry.view)
    }
}
