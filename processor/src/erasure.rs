//! Erases what is personal in alerts that an administrator had erased: the keys in the log's keeping, and the snapshot
//! that still held it in the clear.
//!
//! Invariant: what the log says was erased is erased, if not at once then at the next start (P12: it is the same however
//! often it is done).

use std::sync::Arc;

use sos_eventlog::{AppendError, EventLog};

use crate::live::Live;
use crate::snapshot::Keeper;
use crate::telemetry;

/// Carries erasures out.
#[derive(Clone)]
pub(crate) struct Eraser {
    keeper: Option<Arc<Keeper>>,
}

impl Eraser {
    /// Replaces the snapshot of this keeper, if there is one.
    pub(crate) fn new(keeper: Option<Arc<Keeper>>) -> Self {
        Self { keeper }
    }

    /// Erases the keys of one alert's events.
    pub(crate) async fn erase(
        &self,
        live: &Arc<Live>,
        log: &dyn EventLog,
        alert_id: &str,
    ) -> Result<(), AppendError> {
        let positions = live.read(|state| state.by_id(alert_id).map(|entry| entry.positions.clone()));
        log.forget(positions.unwrap_or_default()).await?;
        if let Some(keeper) = &self.keeper {
            keeper.save(live, log).await;
        }
        Ok(())
    }

    /// Erases again what was to be erased before this start.
    pub(crate) async fn catch_up(&self, live: &Arc<Live>, log: &dyn EventLog) {
        let positions = live.read(|state| {
            let erased = state.erased().flat_map(|entry| entry.positions.clone());
            erased.collect::<Vec<_>>()
        });
        if positions.is_empty() {
            return;
        }
        if let Err(error) = log.forget(positions).await {
            telemetry::not_erased(&error);
        }
    }
}
