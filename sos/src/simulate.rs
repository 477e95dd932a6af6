//! `sos simulate`.

use std::time::Duration;

use sos_simulator::replay;
use tokio_util::sync::CancellationToken;

use crate::cli::{ReplayArgs, SimulateArgs, SimulateCommand};
use crate::{Outcome, output, serve};

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
    let shutdown = CancellationToken::new();
    let replayed = replay::run(config, sos_simulator::Bar::new(), shutdown.clone());
    tokio::pin!(replayed);
    let summary = tokio::select! {
        summary = &mut replayed => summary?,
        () = serve::asked_to_stop() => {
            shutdown.cancel();
            replayed.await?
        }
    };
    output::line(&format!(
        "published {} acknowledged {} failed {}",
        summary.published, summary.acknowledged, summary.failed
    ));
    anyhow::ensure!(summary.failed == 0, "{} presses were not acknowledged", summary.failed);
    Ok(Outcome::Done)
}
