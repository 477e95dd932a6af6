//! The wish to stop: SIGTERM or Ctrl-C, heard from the first moment on and never forgotten.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

/// The wish to stop. Keep it for as long as the command runs.
pub struct Stop {
    asked: CancellationToken,
    _listener: JoinSet<()>,
}

impl Stop {
    /// Listens from now on.
    ///
    /// # Errors
    /// If the system lets nobody listen.
    pub fn listen() -> anyhow::Result<Self> {
        let mut terminate = signal(SignalKind::terminate()).context("failed to listen for SIGTERM")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("failed to listen for Ctrl-C")?;
        let asked = CancellationToken::new();
        let told = asked.clone();
        let mut listener = JoinSet::new();
        listener.spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            told.cancel();
        });
        Ok(Self { asked, _listener: listener })
    }

    /// Waits for the wish; at once if it was there before.
    pub fn asked(&self) -> WaitForCancellationFuture<'_> {
        self.asked.cancelled()
    }
}
