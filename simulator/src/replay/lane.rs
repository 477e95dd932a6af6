//! From the plan to the broker: a dispatcher that keeps the recorded time, and lanes of one connection each.
//!
//! Invariant: a call point always takes the same lane, so its presses stay in order.

use std::hash::{DefaultHasher, Hash, Hasher};

use sos_proto::call_point::CallPoint;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::Error;
use super::plan::Press;
use crate::clock;
use crate::device::{Delivery, Device, Outcome};
use crate::message::{Form, Message};
use crate::telemetry;

/// Hands out the presses when they are due, waiting at a full lane. Ends after the last one, on shutdown, or
/// with a lane that failed.
pub(super) async fn dispatch(
    presses: Vec<Press>,
    lanes: Vec<mpsc::Sender<Press>>,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let hand_out = async {
        let start = Instant::now();
        for press in presses {
            if let Some(pause) = press.due.checked_sub(start.elapsed()) {
                sleep(pause).await;
            }
            let Some(lane) = lanes.get(lane_of(&press.call.call_point, lanes.len())) else { return };
            if lane.send(press).await.is_err() {
                return;
            }
        }
    };
    // Nothing is lost that matters: a press that is not in a lane yet was never tried.
    shutdown.run_until_cancelled(hand_out).await;
    Ok(())
}

/// The lane of a call point, below `lanes`.
fn lane_of(call_point: &CallPoint, lanes: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    call_point.hash(&mut hasher);
    let lanes = (lanes as u64).max(1);
    usize::try_from(hasher.finish() % lanes).unwrap_or(0)
}

/// One connection and the presses that take it.
pub(super) struct Lane {
    pub(super) device: Device,
    pub(super) boot_id: String,
    pub(super) form: Form,
    pub(super) outcomes: mpsc::Sender<Delivery>,
}

impl Lane {
    /// Brings presses to the broker until there are no more, or a shutdown is asked for; what waits then
    /// stays untried.
    pub(super) async fn run(
        mut self,
        mut presses: mpsc::Receiver<Press>,
        shutdown: CancellationToken,
    ) -> Result<(), Error> {
        loop {
            let press = tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                press = presses.recv() => press,
                never = self.device.idle() => match never {},
            };
            let Some(press) = press else { break };
            let delivery = self.deliver(&press).await?;
            // Nobody counts any more when the whole replay was dropped.
            if self.outcomes.send(delivery).await.is_err() {
                break;
            }
        }
        self.device.close().await;
        Ok(())
    }

    async fn deliver(&mut self, press: &Press) -> Result<Delivery, Error> {
        let Press { call, sequence, .. } = press;
        let message = Message::press(call, &self.boot_id, *sequence, clock::now(), self.form)?;
        let delivery = self.device.publish(&message).await;
        if let Outcome::Failed(reason) = &delivery.outcome {
            telemetry::failed(&call.call_point, *sequence, reason);
        }
        Ok(delivery)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls;
    use crate::config::Broker;
    use crate::numbering::Numbering;
    use std::collections::HashMap;
    use std::time::Duration;

    const LANES: usize = 16;

    fn recorded() -> Vec<Press> {
        let mut numbering = Numbering::default();
        let calls = calls::parse(crate::EMERGENCY_CALLS.as_bytes()).unwrap();
        let press = |call: calls::Call| Press {
            sequence: numbering.next(&call.call_point),
            call,
            due: Duration::ZERO,
        };
        calls.into_iter().map(press).collect()
    }

    #[tokio::test]
    async fn a_call_point_takes_one_lane_in_order() {
        let presses = recorded();
        let all = presses.len();
        let (entrances, exits): (Vec<_>, Vec<_>) = (0..LANES).map(|_| mpsc::channel(all)).unzip();
        dispatch(presses, entrances, CancellationToken::new()).await.unwrap();
        let mut came = 0;
        for mut exit in exits {
            let mut last: HashMap<CallPoint, u64> = HashMap::new();
            while let Some(Press { call, sequence, .. }) = exit.recv().await {
                let before = last.insert(call.call_point.clone(), sequence).unwrap_or_default();
                assert_eq!(before + 1, sequence, "{}", call.call_point);
                came += 1;
            }
            assert!(last.len() > all / LANES / 4, "a lane has only {} call points", last.len());
        }
        assert_eq!(came, all);
    }

    #[tokio::test]
    async fn what_waits_at_a_shutdown_stays_untried() {
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        let (entrance, presses) = mpsc::channel(1);
        entrance.send(recorded().remove(0)).await.unwrap();
        drop(entrance);
        let (outcomes, mut arriving) = mpsc::channel(1);
        let broker = Broker { host: "127.0.0.1".into(), port: 1, identities: None };
        let device = Device::new(&broker, "sos-sim-test-1", Duration::from_secs(60), shutdown.clone());
        let lane = Lane { device, boot_id: "replay-test".into(), form: Form::Protobuf, outcomes };
        lane.run(presses, shutdown).await.unwrap();
        assert_eq!(arriving.recv().await, None);
    }
}
