//! Keeps what was folded so far, so that the next start reads only what came since.
//!
//! Invariant: a snapshot is an offer. Whatever is wrong with it, the log is read from position 1 instead, and
//! the state is the same, byte for byte (P4).

use std::path::Path;
use std::sync::Arc;

use tokio::sync::Mutex;

use sos_eventlog::{Chain, EventLog, Head, Snapshot, Snapshots};

use crate::config::SNAPSHOT_EVENTS;
use crate::core::{Rules, STATE_SCHEMA, State};
use crate::live::Live;
use crate::telemetry;

/// The snapshots of one processor.
pub(crate) struct Keeper {
    snapshots: Snapshots,
    /// An older state never replaces a newer one.
    saving: Mutex<()>,
}

impl Keeper {
    /// Keeps them in a directory.
    pub(crate) fn new(dir: &Path) -> Self {
        Self { snapshots: Snapshots::new(dir, "alerts", STATE_SCHEMA), saving: Mutex::default() }
    }

    /// The state to go on from, if one was kept of this log and by these rules.
    pub(crate) async fn load(&self, log: &dyn EventLog, rules: &Arc<Rules>) -> Option<State> {
        let snapshot = self.snapshots.load(log).await?;
        let rules = Arc::clone(rules);
        let decode = move || State::decode(&snapshot.state, rules).ok().flatten();
        let state = tokio::task::spawn_blocking(decode).await.ok().flatten();
        telemetry::snapshot_loaded(state.as_ref().map(State::position));
        state
    }

    /// Keeps a snapshot now and then, for ever.
    pub(crate) async fn keep(&self, live: &Arc<Live>, log: &dyn EventLog) {
        let mut kept = live.read(State::position);
        loop {
            live.reach(kept.saturating_add(SNAPSHOT_EVENTS)).await;
            kept = self.save(live, log).await.unwrap_or_else(|| live.read(State::position));
        }
    }

    /// Keeps a snapshot of what is folded now, and answers how far that goes. If it fails there is the one
    /// before, or none.
    pub(crate) async fn save(&self, live: &Arc<Live>, log: &dyn EventLog) -> Option<u64> {
        let _turn = self.saving.lock().await;
        let encoding = Arc::clone(live);
        let encode = move || encoding.read(|state| (state.position(), state.encode()));
        let (position, state) = tokio::task::spawn_blocking(encode).await.ok()?;
        let head = head_at(log, position).await?;
        let snapshots = self.snapshots.clone();
        let save = move || snapshots.save(&Snapshot { head, state: state.into() });
        match tokio::task::spawn_blocking(save).await.ok()? {
            Ok(()) => Some(position),
            Err(error) => {
                telemetry::snapshot_not_saved(&error);
                None
            }
        }
    }
}

/// The head that the log had when it ended at a position.
async fn head_at(log: &dyn EventLog, position: u64) -> Option<Head> {
    let records = log.read_records(position, 1).await.ok()?;
    let record = records.first()?;
    let mut chain = Chain::before(record).ok()?;
    chain.take(record).ok()?;
    Some(chain.head()).filter(|head| head.position == position)
}
