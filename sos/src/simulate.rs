//! `sos simulate`.

use std::time::Duration;

use sos_simulator::replay;
use tokio_util::sync::CancellationToken;

use crate::cli::{ReplayArgs, SimulateArgs, SimulateCommand};
use crate::stop::Stop;
use crate::{Outcome, output};

/// Runs `sos simulate`.
pub async fn run(args: SimulateArgs) -> anyhow::Result<Outcome> {
    match args.command {
        SimulateCommand::Replay(args) => replay(args).await,
    }
}

async fn replay(args: ReplayArgs) -> anyhow::Result<Outcome> {
    let config = replay::Config {
        file: args.file,
        mqtt: args.mqtt,
        speed: args.speed,
        run: args.run,
        connections: args.connections,
        give_up: Duration::from_secs(args.give_up),
        json: args.json,
    };
    let stop = Stop::listen()?;
    let shutdown = CancellationToken::new();
    let replayed = replay::run(config, sos_simulator::Bar::new(), shutdown.clone());
    tokio::pin!(replayed);
    let (summary, whole) = tokio::select! {
        summary = &mut replayed => (summary?, true),
        () = stop.asked() => {
            shutdown.cancel();
            (replayed.await?, false)
        }
    };
    output::line(&format!(
        "published {} acknowledged {} failed {}",
        summary.published, summary.acknowledged, summary.failed
    ));
    anyhow::ensure!(summary.failed == 0, "{} presses were not acknowledged", summary.failed);
    anyhow::ensure!(whole, "stopped before the end of the file");
    Ok(Outcome::Done)
}
