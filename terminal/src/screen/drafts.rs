//! Orders that were not done, kept in case they are given again: nobody should have to write a text twice, and what
//! may have taken effect must not have it twice (P6).

use std::mem::discriminant;

use super::prompt::Ask;
use crate::order::{Command, Order};

/// Most orders that are kept; of more, the oldest are forgotten.
const DRAFTS_MAX: usize = 64;

#[derive(Debug)]
struct Draft {
    order: Order,
    /// No answer came.
    is_unknown: bool,
}

/// Orders that were not done, the newest last; of each alert and kind of command one.
#[derive(Debug, Default)]
pub struct Drafts(Vec<Draft>);

impl Drafts {
    /// Keeps an order that was refused, or whose answer did not come.
    pub fn keep(&mut self, order: Order, is_unknown: bool) {
        self.forget(&order);
        if self.0.len() >= DRAFTS_MAX {
            self.0.remove(0);
        }
        self.0.push(Draft { order, is_unknown });
    }

    /// An order of this kind, to this alert, is done.
    pub fn forget(&mut self, order: &Order) {
        let kind = discriminant(&order.command);
        self.0.retain(|Draft { order: kept, .. }| {
            kept.alert_id != order.alert_id || discriminant(&kept.command) != kind
        });
    }

    /// P6: the order that may have done this already.
    pub fn unanswered(&self, alert_id: &str, command: &Command) -> Option<&Order> {
        let mut unknown = self.0.iter().filter(|draft| draft.is_unknown).map(|draft| &draft.order);
        unknown.find(|order| order.alert_id == alert_id && order.command.is_again(command))
    }

    /// What was written to answer a question about an alert.
    pub fn text(&self, alert_id: &str, ask: &Ask) -> &str {
        let orders = self.0.iter().map(|draft| &draft.order).filter(|order| order.alert_id == alert_id);
        let mut texts = orders.filter_map(|order| match (ask, &order.command) {
            (Ask::Dispatch, Command::Dispatch { unit_id: text })
            | (Ask::Note, Command::Note { note: text })
            | (Ask::Transfer, Command::Transfer { to_operator: text })
            | (Ask::Escalate, Command::Escalate { reason: text })
            | (Ask::Resolve(_), Command::Resolve { note: text, .. })
            | (Ask::Reopen, Command::Reopen { note: text })
            | (Ask::DeclareActual, Command::DeclareActual { reason: text })
            | (Ask::Shelve(_), Command::Shelve { reason: text, .. }) => Some(text.as_str()),
            _ => None,
        });
        texts.next().unwrap_or_default()
    }
}
