//! Carries out a plan: each step at its time, as messages of its call point.

use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use sos_proto::call_point::Leaf;
use sos_proto::device::v1::device_event::Event;
use sos_proto::device::v1::{Cancel, DeviceEvent, DeviceHealth, Fault, Press, SelfTest};
use sos_proto::time;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::plan::{Act, Step};
use crate::button::{Order, Publication};
use crate::clock;

/// Gives every step to its call point when it is due, until the last or a shutdown.
pub(super) async fn carry_out(
    steps: Vec<Step>,
    devices: Vec<mpsc::Sender<Order>>,
    boot_id: &str,
    clock_off_s: i64,
    start: Instant,
    shutdown: &CancellationToken,
) {
    let mut sequences = vec![0; devices.len()];
    for (n, step) in (0..).zip(steps) {
        let due = start + step.at;
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            () = sleep_until(due) => {}
        }
        let (Some(device), Some(sequence)) = (devices.get(step.point), sequences.get_mut(step.point)) else {
            continue;
        };
        let order = order(step.act, n, sequence, boot_id, clock_off_s, due);
        tokio::select! {
            () = shutdown.cancelled() => return,
            // Fails only where the call point is gone, which its task tells.
            _ = device.send(order) => {}
        }
    }
}

fn order(act: Act, n: u64, sequence: &mut u64, boot_id: &str, clock_off_s: i64, due: Instant) -> Order {
    let (what, event) = match act {
        Act::Press(category) => {
            ("press", Event::Press(Press { category: category.into(), ..Press::default() }))
        }
        Act::Cancel => ("cancel", Event::Cancel(Cancel::default())),
        Act::SelfTest { passed } => {
            ("self_test", Event::SelfTest(SelfTest { passed, detail: String::new() }))
        }
        Act::Fault { kind, active } => {
            ("fault", Event::Fault(Fault { kind: kind.into(), active, detail: String::new() }))
        }
        Act::Health { battery_percent } => {
            let health = DeviceHealth {
                battery_percent: Some(battery_percent),
                mains: Some(true),
                ..DeviceHealth::default()
            };
            return Order::Report(Leaf::Health, health.encode_to_vec().into());
        }
        Act::Garbage(bytes) => return Order::Report(Leaf::Event, bytes.into()),
        Act::Vanish(time) => return Order::Vanish(time.max(Duration::from_millis(1))),
    };
    *sequence += 1;
    let event = DeviceEvent {
        boot_id: boot_id.to_owned(),
        sequence: *sequence,
        occurred_at: Some(time::timestamp(clock::now() + clock_off_s * 1_000_000)),
        event: Some(event),
        ..DeviceEvent::default()
    };
    let body: Bytes = event.encode_to_vec().into();
    Order::Publish(Publication { n, what, sequence: *sequence, leaf: Leaf::Event, body, due: Some(due) })
}
