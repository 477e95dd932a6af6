//! Presses as the gateway appends them.

use sos_proto::device::v1::Press;
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{DeviceOrigin, Event};
use sos_proto::time;

/// Press number `sequence` of call point `device`.
pub fn press(device: u64, sequence: u64) -> Event {
    // Ids do not compress better here than real ones do.
    let random = device.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31)
        ^ sequence.wrapping_mul(0xD6E8_FEB8_6659_FD93);
    let now = 1_790_000_000_000_000 + i64::try_from(sequence).unwrap_or(0) * 10_000;
    Event {
        event_id: format!(
            "019ca877-{:04x}-7{:03x}-{:04x}-{:012x}",
            sequence & 0xFFFF,
            random & 0xFFF,
            random >> 12 & 0xFFFF,
            random >> 16
        ),
        site_id: format!("school-{}", device / 8),
        device_id: format!("hall-{}", device % 8),
        occurred_at: Some(time::timestamp(now)),
        received_at: Some(time::timestamp(now + 412)),
        origin: Some(DeviceOrigin {
            boot_id: format!("boot-{:08x}", random >> 32),
            sequence,
            ..DeviceOrigin::default()
        }),
        body: Some(Body::Press(Press::default())),
        ..Event::default()
    }
}
