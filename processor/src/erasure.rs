//! Erases what is personal in alerts that an administrator had erased: the keys in the log's keeping, and the snapshot
//! that still held it in the clear.
//!
//! Invariant: what the log says was erased is erased, if not at once then at the next start (P12: it is the same however
//! often it is done). What came later, in an alert that was opened again, stays.

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

    /// Erases what is personal in one alert.
    pub(crate) async fn erase(
        &self,
        live: &Arc<Live>,
        log: &dyn EventLog,
        alert_id: &str,
    ) -> Result<(), AppendError> {
        let positions = live.read(|state| state.by_id(alert_id).map(|entry| entry.erased().to_vec()));
        self.forget(live, log, positions.unwrap_or_default()).await
    }

    /// Erases again what was to be erased before this start.
    pub(crate) async fn catch_up(&self, live: &Arc<Live>, log: &dyn EventLog) {
        let positions = live.read(|state| state.erased());
        if positions.is_empty() || !log.can_forget() {
            return;
        }
        if let Err(error) = self.forget(live, log, positions).await {
            telemetry::not_erased(&error);
        }
    }

    async fn forget(
        &self,
        live: &Arc<Live>,
        log: &dyn EventLog,
        positions: Vec<u64>,
    ) -> Result<(), AppendError> {
        log.forget(positions).await?;
        match &self.keeper {
            Some(keeper) if keeper.save(live, log).await.is_none() => {
                Err(AppendError::Unavailable("the snapshot that holds it cannot be replaced".to_owned()))
            }
            _ => Ok(()),
        }
    }
}
