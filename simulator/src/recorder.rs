//! Gathers the facts of a run: into the ledger, if there is one, and into what the report needs.

use std::collections::HashMap;

use tokio::sync::mpsc;

use crate::ledger::{Fact, Ledger, LedgerError, Run};

/// What is known of one message.
#[derive(Debug, Clone, Default)]
pub(crate) struct Story {
    pub(crate) call_point: String,
    pub(crate) boot_id: String,
    pub(crate) sequence: u64,
    pub(crate) what: String,
    pub(crate) meant_at: u64,
    pub(crate) sent_at: Option<u64>,
    pub(crate) acked_at: Option<u64>,
    pub(crate) receipt_at: Option<u64>,
    pub(crate) receipt: Option<(String, u64, String)>,
}

/// Everything that was noted.
#[derive(Debug, Default)]
pub(crate) struct Stories {
    /// By number.
    pub(crate) all: HashMap<u64, Story>,
    /// What each lamp was last told, as alert and indicator.
    pub(crate) lamps: HashMap<String, (String, String)>,
    /// The run came to its end.
    pub(crate) ended: bool,
}

impl Stories {
    /// The stories of a ledger.
    pub(crate) fn of(facts: impl IntoIterator<Item = Fact>) -> Self {
        let mut stories = Self::default();
        facts.into_iter().for_each(|fact| stories.take(fact));
        stories
    }

    pub(crate) fn take(&mut self, fact: Fact) {
        match fact {
            Fact::Run(_) => {}
            Fact::Meant(meant) => {
                let story = self.all.entry(meant.n).or_default();
                story.call_point = meant.call_point;
                (story.boot_id, story.sequence) = (meant.boot_id, meant.sequence);
                (story.what, story.meant_at) = (meant.what, meant.at);
            }
            Fact::Sent { n, at } => {
                self.all.entry(n).or_default().sent_at.get_or_insert(at);
            }
            Fact::Acked { n, at } => {
                self.all.entry(n).or_default().acked_at.get_or_insert(at);
            }
            Fact::Receipt { n, at, event_id, position, status } => {
                let story = self.all.entry(n).or_default();
                story.receipt_at.get_or_insert(at);
                story.receipt.get_or_insert((event_id, position, status));
            }
            Fact::Lamp { call_point, alert_id, indicator, .. } => {
                self.lamps.insert(call_point, (alert_id, indicator));
            }
            Fact::End { .. } => self.ended = true,
        }
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Left for the broker at least once.
    pub published: u64,
    /// Acknowledged by the broker.
    pub acknowledged: u64,
}

/// Takes facts until nobody has any more.
pub(crate) async fn record(
    mut facts: mpsc::Receiver<Fact>,
    run: Run,
    mut ledger: Option<Ledger>,
    mut counted: impl FnMut(Count),
) -> Result<Stories, LedgerError> {
    let mut stories = Stories::default();
    let mut count = Count::default();
    if let Some(ledger) = &mut ledger {
        ledger.write(&Fact::Run(run))?;
    }
    while let Some(fact) = facts.recv().await {
        if let Some(ledger) = &mut ledger {
            ledger.write(&fact)?;
        }
        match &fact {
            Fact::Sent { n, .. } if stories.all.get(n).is_none_or(|story| story.sent_at.is_none()) => {
                count.published += 1;
            }
            Fact::Acked { .. } => count.acknowledged += 1,
            _ => {}
        }
        stories.take(fact);
        counted(count);
    }
    if let Some(ledger) = ledger {
        ledger.finish()?;
    }
    Ok(stories)
}
