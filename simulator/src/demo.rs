//! A simulated town for the demo: the recorded calls, pressed one after the other for ever. Its call points
//! are the same devices as a replay's. It can be lost at any time: what one round leaves out is in the next.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::calls::{self, Call, CallsError};
use crate::config::{Broker, ConfigError, GIVE_UP_DEFAULT, Run};
use crate::device::{Device, Outcome};
use crate::message::{Form, Message};
use crate::numbering::Numbering;
use crate::retry::chance_of;
use crate::{EMERGENCY_CALLS, clock, telemetry};

/// How often somebody presses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Presses without a pause at the start, so that a newcomer has something to see.
    pub at_once: usize,
    /// Shortest pause before each later press.
    pub pause_min: Duration,
    /// Longest pause.
    pub pause_max: Duration,
}

impl Default for Pace {
    /// 8 presses at once, then one every 2 to 8 s.
    fn default() -> Self {
        Self { at_once: 8, pause_min: Duration::from_secs(2), pause_max: Duration::from_secs(8) }
    }
}

impl Pace {
    fn check(&self) -> Result<(), ConfigError> {
        if self.pause_min <= self.pause_max {
            Ok(())
        } else {
            Err(ConfigError::Pauses(self.pause_min, self.pause_max))
        }
    }

    fn pause(&self, chance: &mut fastrand::Rng) -> Duration {
        self.pause_min + (self.pause_max - self.pause_min).mul_f64(chance.f64())
    }
}

/// Why the town stands still.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The embedded calls cannot be read.
    #[error("the embedded calls: {0}")]
    Calls(#[from] CallsError),
    /// A press cannot be written.
    #[error("cannot write a press")]
    Write(#[from] serde_json::Error),
}

/// Presses until `shutdown`. `mqtt` is `host:port`. `run` is 1 to 40 characters of `[a-z0-9._-]`: under a
/// name that the log knows already its presses are repeats and open nothing (P2), so each start needs a new
/// one.
/// A press that fails is logged, and the next one follows.
///
/// # Errors
/// If a setting is wrong; nothing was sent then.
pub async fn run(mqtt: String, run: String, pace: Pace, shutdown: CancellationToken) -> Result<(), Error> {
    let broker = Broker::parse(&mqtt)?;
    let run = Run::parse(&run)?;
    pace.check()?;
    let town = Town::new(calls::parse(EMERGENCY_CALLS.as_bytes())?, &run);
    let client_id = format!("sos-sim-{}-demo", run.as_str());
    let mut device = Device::new(&broker, &client_id, GIVE_UP_DEFAULT, shutdown.clone());
    let mut chance = chance_of(run.as_str());
    for (number, step) in town.enumerate() {
        let pause = if number < pace.at_once { Duration::ZERO } else { pace.pause(&mut chance) };
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            () = sleep(pause) => {}
            never = device.idle() => match never {},
        }
        press(&mut device, &step).await?;
    }
    device.close().await;
    Ok(())
}

async fn press(device: &mut Device, step: &Step) -> Result<(), Error> {
    let Step { call, boot_id, sequence } = step;
    if *sequence == 1 {
        let birth = Message::birth(&call.call_point, boot_id);
        if let Outcome::Failed(reason) = device.publish(&birth).await.outcome {
            telemetry::birth_failed(&call.call_point, &reason);
        }
    }
    let press = Message::press(call, boot_id, *sequence, clock::now(), Form::Protobuf)?;
    if let Outcome::Failed(reason) = device.publish(&press).await.outcome {
        telemetry::failed(&call.call_point, *sequence, &reason);
    }
    Ok(())
}

/// One press of the town.
#[derive(Debug, Clone, PartialEq)]
struct Step {
    call: Call,
    boot_id: String,
    /// 1: the call point speaks for the first time under this boot id.
    sequence: u64,
}

/// All presses of the town, round after round; each round is a new boot of every call point.
struct Town {
    calls: Vec<Call>,
    run: Run,
    round: u64,
    next: usize,
    numbering: Numbering,
}

impl Town {
    fn new(calls: Vec<Call>, run: &Run) -> Self {
        Self { calls, run: run.clone(), round: 1, next: 0, numbering: Numbering::default() }
    }
}

impl Iterator for Town {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if self.next == self.calls.len() {
            self.round += 1;
            self.next = 0;
            self.numbering = Numbering::default();
        }
        let call = self.calls.get(self.next)?.clone();
        self.next += 1;
        let boot_id = format!("demo-{}-{}", self.run.as_str(), self.round);
        Some(Step { boot_id, sequence: self.numbering.next(&call.call_point), call })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLS: &str = "latitude,longitude,category,called_at,township,place\n\
        1,1,EMS: A,2016-01-15 12:00,X,ONE\n\
        1,1,EMS: B,2016-01-15 12:10,X,TWO\n\
        1,1,EMS: C,2016-01-15 12:20,X,ONE\n";

    // P2: a second round must not look like a repeat of the first.
    #[test]
    fn every_round_is_a_new_boot() {
        let town = Town::new(calls::parse(CALLS.as_bytes()).unwrap(), &Run::parse("r").unwrap());
        let steps: Vec<_> =
            town.take(7).map(|s| format!("{} {} {}", s.boot_id, s.call.call_point, s.sequence)).collect();
        let round =
            |n| ["x/one 1", "x/two 1", "x/one 2"].map(|step| format!("demo-r-{n} {step}")).into_iter();
        let expected: Vec<_> = round(1).chain(round(2)).chain(round(3).take(1)).collect();
        assert_eq!(steps, expected);
    }

    #[test]
    fn pauses_stay_in_their_range() {
        let (pace, mut chance) = (Pace::default(), chance_of("r"));
        for _ in 0..1_000 {
            let pause = pace.pause(&mut chance);
            assert!((pace.pause_min..=pace.pause_max).contains(&pause), "{pause:?}");
        }
        let upside_down = Pace { pause_min: pace.pause_max, pause_max: pace.pause_min, ..pace };
        assert!(upside_down.check().is_err());
    }
}
