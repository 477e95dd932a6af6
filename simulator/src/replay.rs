//! Replays a file of recorded calls against a broker: one press for each row, each until it is acknowledged.
//!
//! Invariant: the same file under the same run is the same presses (boot id and sequence), so that replaying
//! it again adds no event (P2). The presses of one call point leave in the order of the file.

mod lane;
mod plan;

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::calls::CallsError;
use crate::config::{
    Broker, CONNECTIONS_DEFAULT, ConfigError, GIVE_UP_DEFAULT, LANE_PRESSES_MAX, OUTCOMES_WAITING_MAX,
};
use crate::device::{Delivery, Device, Outcome};
use crate::message::Form;
use crate::progress::Progress;
use lane::Lane;
use plan::Plan;

/// What to replay, and how.
#[derive(Debug, Clone)]
pub struct Config {
    /// CSV with the columns latitude, longitude, category, called_at, township, place.
    pub file: PathBuf,
    /// Broker, `host:port`.
    pub mqtt: String,
    /// How many times faster than recorded; 0 is as fast as acknowledged.
    pub speed: f64,
    /// Names the run, 1 to 40 characters of `[a-z0-9._-]`. Absent: after the file's digest.
    pub run: Option<String>,
    /// MQTT connections, 1 to [`CONNECTIONS_MAX`](crate::config::CONNECTIONS_MAX).
    pub connections: usize,
    /// How long each press is tried.
    pub give_up: Duration,
    /// Write bodies as JSON instead of protobuf.
    pub json: bool,
}

impl Config {
    /// A replay as fast as acknowledged, with the defaults of [`config`](crate::config).
    #[must_use]
    pub fn new(file: PathBuf, mqtt: String) -> Self {
        let (connections, give_up) = (CONNECTIONS_DEFAULT, GIVE_UP_DEFAULT);
        Self { file, mqtt, speed: 0.0, run: None, connections, give_up, json: false }
    }
}

/// What became of a replay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Presses that left for the broker at least once.
    pub published: u64,
    /// Presses that the broker acknowledged.
    pub acknowledged: u64,
    /// Presses that the broker refused or did not acknowledge in time. Not counted: those that were never
    /// tried because of a shutdown.
    pub failed: u64,
}

impl Summary {
    fn count(&mut self, delivery: &Delivery) {
        self.published += u64::from(delivery.sent);
        match delivery.outcome {
            Outcome::Acknowledged => self.acknowledged += 1,
            Outcome::Failed(_) => self.failed += 1,
        }
    }
}

/// Why a replay did not take place.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The file cannot be read.
    #[error("cannot read {}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("{}", file.display())]
    Calls {
        /// The file.
        file: PathBuf,
        /// What is wrong, with line and column.
        source: CallsError,
    },
    /// A press cannot be written as JSON.
    #[error("cannot write a press as JSON")]
    Json(#[from] serde_json::Error),
    /// A fault of this program.
    #[error("a task of the replay failed")]
    Task(#[from] JoinError),
}

/// Replays a file. Ends when every press is acknowledged or failed, or soon after `shutdown`; then the
/// summary tells what happened until then.
///
/// # Errors
/// If the settings or the file are wrong; nothing was sent then.
pub async fn run(
    config: Config,
    mut progress: impl Progress,
    shutdown: CancellationToken,
) -> Result<Summary, Error> {
    let broker = Broker::parse(&config.mqtt)?;
    let plan = Plan::read(&config)?;
    progress.started(&plan.boot_id, plan.presses.len());

    let (outcomes, mut arriving) = mpsc::channel(OUTCOMES_WAITING_MAX);
    let mut tasks: JoinSet<Result<(), Error>> = JoinSet::new();
    let mut lanes = Vec::new();
    for number in 1..=config.connections.min(plan.presses.len()) {
        let (entrance, presses) = mpsc::channel(LANE_PRESSES_MAX);
        lanes.push(entrance);
        let client_id = format!("sos-sim-{}-{number}", plan.run.as_str());
        let lane = Lane {
            device: Device::new(&broker, &client_id, config.give_up, shutdown.clone()),
            boot_id: plan.boot_id.clone(),
            form: if config.json { Form::Json } else { Form::Protobuf },
            outcomes: outcomes.clone(),
        };
        tasks.spawn(lane.run(presses, shutdown.clone()));
    }
    drop(outcomes);
    tasks.spawn(lane::dispatch(plan.presses, lanes, shutdown));

    let mut summary = Summary::default();
    while let Some(delivery) = arriving.recv().await {
        summary.count(&delivery);
        progress.counted(&summary);
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    progress.ended();
    Ok(summary)
}
