//! What every measured run has around its call points: the facts on their way to the ledger, and a console that
//! watches.

use std::path::Path;
use std::time::Duration;

use sos_proto::event::v1::RecordedEvent;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::button::micros;
use crate::ledger::{Fact, Ledger, LedgerError, Run};
use crate::recorder::{self, Count, Stories};
use crate::report::Report;
use crate::system::{Sightings, System, SystemError};

/// Facts on their way to the ledger.
const FACTS_MAX: usize = 65_536;

/// How long the console may take to be shown what was acknowledged.
const SETTLE: Duration = Duration::from_secs(10);

/// A run that is measured.
pub(crate) struct Session {
    system: System,
    pub(crate) start: Instant,
    pub(crate) facts: mpsc::Sender<Fact>,
    head: u64,
    recording: JoinSet<Result<Stories, LedgerError>>,
    watching: JoinSet<Sightings>,
    /// How far the console was shown.
    shown: watch::Receiver<u64>,
    stop_watching: CancellationToken,
}

/// Why a run was not measured to its end.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The ledger cannot be kept.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The system cannot be asked.
    #[error(transparent)]
    System(#[from] SystemError),
    /// A fault of this program.
    #[error("a task of the run failed")]
    Task(#[from] JoinError),
}

impl Session {
    /// Begins to record and to watch. The ledger is begun at `ledger`, if anywhere.
    pub(crate) async fn begin(
        system: System,
        (name, seed): (&str, u64),
        ledger: Option<&Path>,
        counted: impl FnMut(Count) + Send + 'static,
    ) -> Result<Self, SessionError> {
        let head = system.head().await?;
        let ledger = ledger.map(Ledger::create).transpose()?;
        let run = Run::new(name, seed, head);
        let start = Instant::now();
        let (facts, arriving) = mpsc::channel(FACTS_MAX);
        let (mut recording, mut watching) = (JoinSet::new(), JoinSet::new());
        recording.spawn(recorder::record(arriving, run, ledger, counted));
        let stop_watching = CancellationToken::new();
        let (position, shown) = watch::channel(head);
        watching.spawn(system.clone().watch(position, start, stop_watching.clone()));
        Ok(Self { system, start, facts, head, recording, watching, shown, stop_watching })
    }

    /// How far the log was when it began.
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// Ends when the console has had its time to be shown what is in the log, and counts.
    pub(crate) async fn finish(mut self) -> Result<Report, SessionError> {
        // Fails only where the ledger could not be written, which the recorder tells.
        let _noted = self.facts.send(Fact::End { at: micros(Instant::now(), self.start) }).await;
        drop(self.facts);
        let stories = self.recording.join_next().await.transpose()?.transpose()?.unwrap_or_default();
        let events = self.system.events_after(self.head).await?;
        let last = events.last().map_or(self.head, |event: &RecordedEvent| event.position);
        // What it was not shown by then is counted as not seen.
        let _in_time = timeout(SETTLE, self.shown.wait_for(|position| *position >= last)).await;
        self.stop_watching.cancel();
        let sightings = self.watching.join_next().await.transpose()?.unwrap_or_default();
        Ok(Report::of(&stories, &events, &sightings))
    }
}
