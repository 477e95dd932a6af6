//! What a broker bears: call points that come back all together, and a few that press while many misbehave.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::peers::{Entrance, Error, press, topic};
use crate::report::{Quantiles, histogram};
use crate::wire::WireError;

/// How long an answer may take before it counts as lost.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// Pause of who was thrown out.
const PAUSE: Duration = Duration::from_millis(100);

/// What became of presses at a steady rate.
#[derive(Debug)]
pub struct Pressed {
    /// From the moment at which each was due to its PUBACK.
    pub waits: Quantiles,
    /// Presses that were due.
    pub due: u64,
    /// Presses that were acknowledged.
    pub acknowledged: u64,
}

/// So many call points connect at one moment. Answers with how long it took until the last of them had a press
/// acknowledged.
///
/// # Errors
/// If one of them is not served.
pub async fn storm(entrance: &Entrance, devices: usize, run: &str) -> Result<Duration, Error> {
    let begin = Instant::now();
    let mut tasks: JoinSet<Result<(), WireError>> = JoinSet::new();
    for number in 0..devices {
        let (entrance, run) = (entrance.clone(), run.to_owned());
        tasks.spawn(async move {
            let mut wire = entrance.connect(number).await?;
            wire.publish(&topic(number), &press(&run, 1, None), 1, false)?;
            wire.flush().await?;
            wire.acknowledged().await
        });
    }
    while let Some(served) = tasks.join_next().await {
        served??;
    }
    Ok(begin.elapsed())
}

/// Call points press at a steady rate, one after the other, each on its own connection.
///
/// # Errors
/// If one of them cannot connect.
pub async fn steady(
    entrance: &Entrance,
    devices: usize,
    rate: f64,
    duration: Duration,
    run: &str,
) -> Result<Pressed, Error> {
    let due = (rate * duration.as_secs_f64()) as u64;
    let mut wires = Vec::new();
    for number in 0..devices {
        wires.push(entrance.connect(number).await?);
    }
    let begin = Instant::now();
    let mut tasks: JoinSet<Result<Vec<Duration>, WireError>> = JoinSet::new();
    for (number, mut wire) in wires.into_iter().enumerate() {
        let run = run.to_owned();
        tasks.spawn(async move {
            let mut waits = Vec::new();
            for n in (number as u64..due).step_by(devices) {
                let at = begin + Duration::from_secs_f64(n as f64 / rate);
                sleep_until(at).await;
                wire.publish(&topic(number), &press(&run, n + 1, None), 1, false)?;
                wire.flush().await?;
                let answered = timeout(ANSWER_WAIT, wire.acknowledged()).await;
                if answered.is_ok_and(|answered| answered.is_ok()) {
                    waits.push(at.elapsed());
                }
            }
            Ok(waits)
        });
    }
    let (mut waits, mut acknowledged) = (histogram(), 0);
    while let Some(of_one) = tasks.join_next().await {
        for wait in of_one?? {
            acknowledged += 1;
            waits.saturating_record(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX));
        }
    }
    Ok(Pressed { waits: Quantiles::of(&waits), due, acknowledged })
}

/// Call points that press as fast as they are answered, send ten health reports and some garbage with each press,
/// and come back when they are thrown out, until stopped.
pub async fn flood(entrance: Entrance, devices: std::ops::Range<usize>, run: &str, stop: CancellationToken) {
    let mut tasks = JoinSet::new();
    for number in devices {
        let (entrance, run) = (entrance.clone(), run.to_owned());
        tasks.spawn(async move {
            loop {
                let _thrown_out = misbehave(&entrance, number, &run).await;
                tokio::time::sleep(PAUSE).await;
            }
        });
    }
    stop.cancelled().await;
    tasks.shutdown().await;
}

async fn misbehave(entrance: &Entrance, number: usize, run: &str) -> Result<(), WireError> {
    let mut wire = entrance.connect(number).await?;
    let (event, health) = (topic(number), topic(number).replace("/event", "/health"));
    for sequence in 1.. {
        wire.publish(&event, &press(run, sequence, None), 1, false)?;
        for _ in 0..10 {
            wire.publish(&health, b"{\"batteryPercent\":1}", 0, false)?;
        }
        wire.publish(&event, b"\x00garbage", 0, false)?;
        wire.flush().await?;
        wire.acknowledged().await?;
    }
    Ok(())
}
