//! The list on the screen: which alerts it shows, and which of them is selected.
//!
//! Invariant: the selection is an alert, not a line. It follows its alert to another place, and when that leaves the
//! list nothing is selected until a key says what: nobody takes an alert that they have not looked at.

use super::rows::{List, Place, Row, Rows};

/// A way through the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
}

/// The list on the screen.
#[derive(Debug)]
pub struct Listing {
    pub rows: Rows,
    list: List,
    /// Only rows that hold all of these words are shown.
    words: Vec<String>,
    /// Where the selected alert is, or was before it left the list.
    selected: Option<Place>,
    /// Rows above the first one on the screen.
    top: usize,
    /// Rows that fit on the screen.
    height: usize,
}

/// The part of the list that is on the screen.
pub struct Window<'a> {
    pub rows: Vec<&'a Row>,
    /// Rows above it.
    pub above: usize,
    /// Rows in all.
    pub total: usize,
}

impl Listing {
    pub fn new() -> Self {
        Self { rows: Rows::default(), list: List::Open, words: Vec::new(), selected: None, top: 0, height: 1 }
    }

    pub fn list(&self) -> List {
        self.list
    }

    /// The words that are looked for.
    pub fn needle(&self) -> String {
        self.words.join(" ")
    }

    /// Shows only rows that hold every word.
    pub fn look_for(&mut self, text: &str) {
        self.words = text.split_whitespace().map(str::to_lowercase).collect();
    }

    /// Shows open or closed alerts.
    pub fn show(&mut self, list: List) {
        if self.list != list {
            (self.list, self.selected, self.top) = (list, None, 0);
            self.go(Step::Home);
        }
    }

    /// How many rows fit.
    pub fn resize(&mut self, height: usize) {
        self.height = height.max(1);
    }

    /// The selection follows its alert, which may have changed its place.
    pub fn follow(&mut self, alert_id: &str) {
        let is_selected = self.selected.as_ref().is_some_and(|place| place.alert_id() == alert_id);
        let place = self.rows.place(alert_id);
        if let (true, Some(place)) = (is_selected, place)
            && matches!(
                (place, self.list),
                (Place::Open { .. }, List::Open) | (Place::Closed { .. }, List::Closed)
            )
        {
            self.selected = Some(place.clone());
        }
    }

    /// Selects the first row where nothing was selected before.
    pub fn select_first(&mut self) {
        if self.selected.is_none() {
            self.go(Step::Home);
        }
    }

    /// The selected alert, if it is in the list.
    pub fn selected(&self) -> Option<&Row> {
        let row = self.rows.list(self.list).get(self.selected.as_ref()?)?;
        row.holds(&self.words).then_some(row)
    }

    fn shown(&self) -> Vec<(&Place, &Row)> {
        self.rows.list(self.list).iter().filter(|(_, row)| row.holds(&self.words)).collect()
    }

    /// Moves the selection.
    pub fn go(&mut self, step: Step) {
        let shown = self.shown();
        let last = shown.len().saturating_sub(1);
        let selected = self.selected.as_ref();
        let at = selected.map_or(0, |selected| shown.partition_point(|(place, _)| *place < selected));
        let is_there = shown.get(at).is_some_and(|(place, _)| Some(*place) == selected);
        let page = self.height.saturating_sub(1).max(1);
        let next = match step {
            Step::Up => at.saturating_sub(1),
            Step::Down if is_there => at + 1,
            Step::Down => at,
            Step::PageUp => at.saturating_sub(page),
            Step::PageDown => at.saturating_add(page),
            Step::Home => 0,
            Step::End => last,
        };
        let next = next.min(last);
        let seen = self.top_for(is_there.then_some(at), shown.len());
        let Some(place) = shown.get(next).map(|(place, _)| (*place).clone()) else { return };
        self.top = self.keep_visible(seen, next);
        self.selected = Some(place);
    }

    /// What is on the screen.
    pub fn window(&self) -> Window<'_> {
        let shown = self.shown();
        let selected = self.selected.as_ref();
        let at = selected.map(|selected| shown.partition_point(|(place, _)| *place < selected));
        let at = at.filter(|at| *at < shown.len());
        let above = self.top_for(at, shown.len());
        let rows = shown.iter().skip(above).take(self.height).map(|(_, row)| *row).collect();
        Window { rows, above, total: shown.len() }
    }

    /// The first row stays where it is as long as the selected one is on the screen: at the top of the list, what
    /// comes in above is seen.
    fn top_for(&self, selected: Option<usize>, total: usize) -> usize {
        let top = self.top.min(total.saturating_sub(self.height));
        selected.map_or(top, |at| self.keep_visible(top, at))
    }

    fn keep_visible(&self, top: usize, at: usize) -> usize {
        top.clamp((at + 1).saturating_sub(self.height), at)
    }
}
