//! From a device's message to an event that may stand in the log for ever: every text within its limit,
//! every number in its range, whatever was odd flagged. Pure.

use sos_proto::call_point::CallPoint;
use sos_proto::device::v1::{
    CallPhase, Category, DeviceEvent, FaultKind, Location, LocationSource, device_event,
};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{DeviceOrigin, Event, EventFlag};
use sos_proto::time::{self, Timestamp};

use crate::decode::Decoded;

/// Longest text from a device, in characters.
pub const TEXT_CHARS_MAX: usize = 2_000;

/// Longest boot id, in bytes; a longer one is replaced by its digest, which is as unique.
pub const BOOT_ID_BYTES_MAX: usize = 64;

/// Longest name (call id, firmware, trace context), in characters.
pub const NAME_CHARS_MAX: usize = 128;

/// How far a device's clock may be ahead before that is flagged, in microseconds.
const CLOCK_AHEAD_MAX: i64 = 20_000_000;

/// How far a device's time may be behind before that is flagged, in microseconds.
const CLOCK_BEHIND_MAX: i64 = 40_000_000;

/// Version of the meaning of events.
pub const SCHEMA: u32 = 1;

/// The event that a device's message becomes. It still needs an id.
pub fn event(
    call_point: &CallPoint,
    decoded: Decoded<DeviceEvent>,
    retained: bool,
    received_at: i64,
) -> Event {
    let message = decoded.message;
    let mut flags = Flags::default();
    flags.set_if(decoded.left_out, EventFlag::FieldLeftOut);
    flags.set_if(retained, EventFlag::Retained);
    let occurred_at = message.occurred_at.and_then(|t| clock(&t, received_at, &mut flags));
    let location = message.location.and_then(|l| place(l, &mut flags));
    let body = message.event.map(|event| body(event, &mut flags));
    let origin = DeviceOrigin {
        boot_id: boot_id(&message.boot_id),
        sequence: message.sequence,
        encoding: decoded.encoding.into(),
        flags: flags.0.into_iter().map(i32::from).collect(),
        location,
    };
    Event {
        site_id: call_point.site().to_owned(),
        device_id: call_point.device().to_owned(),
        occurred_at,
        received_at: Some(time::timestamp(received_at)),
        schema: SCHEMA,
        origin: Some(origin),
        body,
        ..Event::default()
    }
}

/// What was odd about a message, each thing once.
#[derive(Default)]
struct Flags(Vec<EventFlag>);

impl Flags {
    fn set_if(&mut self, odd: bool, flag: EventFlag) {
        if odd && !self.0.contains(&flag) {
            self.0.push(flag);
        }
    }
}

/// The boot id as it stands in the log.
pub fn boot_id(boot_id: &str) -> String {
    if boot_id.len() <= BOOT_ID_BYTES_MAX {
        return boot_id.to_owned();
    }
    blake3::hash(boot_id.as_bytes()).to_hex().to_string()
}

fn clock(occurred_at: &Timestamp, received_at: i64, flags: &mut Flags) -> Option<Timestamp> {
    let Some(micros) = time::micros(occurred_at) else {
        flags.set_if(true, EventFlag::ClockInvalid);
        return None;
    };
    flags.set_if(micros > received_at.saturating_add(CLOCK_AHEAD_MAX), EventFlag::ClockAhead);
    flags.set_if(micros < received_at.saturating_sub(CLOCK_BEHIND_MAX), EventFlag::ClockBehind);
    Some(*occurred_at)
}

fn place(mut location: Location, flags: &mut Flags) -> Option<Location> {
    let on_earth =
        (-90.0..=90.0).contains(&location.latitude) && (-180.0..=180.0).contains(&location.longitude);
    if !on_earth {
        flags.set_if(true, EventFlag::LocationInvalid);
        return None;
    }
    if !(location.accuracy_m.is_finite() && location.accuracy_m >= 0.0) {
        flags.set_if(true, EventFlag::LocationInvalid);
        location.accuracy_m = 0.0;
    }
    known::<LocationSource>(&mut location.source, flags);
    Some(location)
}

fn body(event: device_event::Event, flags: &mut Flags) -> Body {
    match event {
        device_event::Event::Press(mut press) => {
            known::<Category>(&mut press.category, flags);
            cut(&mut press.note, TEXT_CHARS_MAX, flags);
            Body::Press(press)
        }
        device_event::Event::Cancel(mut cancel) => {
            cut(&mut cancel.reason, TEXT_CHARS_MAX, flags);
            Body::Cancel(cancel)
        }
        device_event::Event::Call(mut call) => {
            known::<CallPhase>(&mut call.phase, flags);
            cut(&mut call.call_id, NAME_CHARS_MAX, flags);
            cut(&mut call.media_uri, TEXT_CHARS_MAX, flags);
            Body::Call(call)
        }
        device_event::Event::Fault(mut fault) => {
            known::<FaultKind>(&mut fault.kind, flags);
            cut(&mut fault.detail, TEXT_CHARS_MAX, flags);
            Body::Fault(fault)
        }
        device_event::Event::SelfTest(mut test) => {
            cut(&mut test.detail, TEXT_CHARS_MAX, flags);
            Body::SelfTest(test)
        }
        device_event::Event::Located(located) => Body::Located(located),
    }
}

/// Replaces a number that stands for nothing by 0: the canonical JSON form has no word for it.
fn known<E: TryFrom<i32>>(value: &mut i32, flags: &mut Flags) {
    if E::try_from(*value).is_err() {
        flags.set_if(true, EventFlag::FieldLeftOut);
        *value = 0;
    }
}

fn cut(text: &mut String, chars_max: usize, flags: &mut Flags) {
    if let Some((end, _)) = text.char_indices().nth(chars_max) {
        text.truncate(end);
        flags.set_if(true, EventFlag::TextCut);
    }
}

/// A text of at most so many characters.
pub fn clip(mut text: String, chars_max: usize) -> String {
    cut(&mut text, chars_max, &mut Flags::default());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use prost::Message as _;
    use sos_eventlog::BATCH_BYTES_MAX;
    use sos_proto::device::v1::{Call, Press};
    use sos_proto::event::v1::Encoding;

    const NOW: i64 = 1_700_000_000_000_000;

    fn normal(message: DeviceEvent) -> (Event, Vec<EventFlag>) {
        let call_point = CallPoint::new("s", "d").unwrap();
        let decoded = Decoded { message, encoding: Encoding::Protobuf, left_out: false };
        let event = event(&call_point, decoded, false, NOW);
        let flags = event.origin.as_ref().unwrap().flags().collect();
        (event, flags)
    }

    fn at(micros: i64) -> DeviceEvent {
        let event = Some(device_event::Event::Press(Press::default()));
        DeviceEvent { occurred_at: Some(time::timestamp(micros)), event, ..DeviceEvent::default() }
    }

    // P3: a wrong clock is flagged, never a reason to refuse.
    #[test]
    fn clocks_outside_the_window_are_flagged() {
        let flags = |offset_s: i64| normal(at(NOW + offset_s * 1_000_000)).1;
        assert_eq!(flags(20), []);
        assert_eq!(flags(21), [EventFlag::ClockAhead]);
        assert_eq!(flags(-40), []);
        assert_eq!(flags(-41), [EventFlag::ClockBehind]);
        assert_eq!(normal(at(0)).1, [EventFlag::ClockBehind]);
        let mut no_time = at(0);
        no_time.occurred_at = Some(Timestamp { seconds: i64::MAX, nanos: -1 });
        let (event, flags) = normal(no_time);
        assert_eq!((event.occurred_at, flags), (None, vec![EventFlag::ClockInvalid]));
    }

    #[test]
    fn places_off_the_earth_are_left_out() {
        let located = |latitude, accuracy_m| {
            let location = Location { latitude, longitude: 71.4, accuracy_m, source: 0 };
            normal(DeviceEvent { location: Some(location), ..at(NOW) })
        };
        assert_eq!(located(51.1, 5.0).1, []);
        let (event, flags) = located(f64::NAN, 5.0);
        assert_eq!((event.origin.unwrap().location, flags), (None, vec![EventFlag::LocationInvalid]));
        let (event, flags) = located(51.1, f32::INFINITY);
        assert_eq!(event.origin.unwrap().location.unwrap().accuracy_m, 0.0);
        assert_eq!(flags, [EventFlag::LocationInvalid]);
    }

    // P10: whatever a device sends, its event fits into one append, and canonical JSON can show it.
    proptest! {
        #[test]
        fn every_event_fits_and_can_be_shown(
            text in "\\PC{0,3000}",
            boot_id in "\\PC{0,300}",
            number in any::<i32>(),
            seconds in any::<i64>(),
            place in any::<(f64, f64, f32)>(),
        ) {
            let press = Press { category: number, silent: false, note: text.clone() };
            let call = Call { call_id: text.clone(), phase: number, media_uri: text };
            for event in [device_event::Event::Press(press), device_event::Event::Call(call)] {
                let (latitude, longitude, accuracy_m) = place;
                let (event, _) = normal(DeviceEvent {
                    boot_id: boot_id.clone(),
                    sequence: 1,
                    occurred_at: Some(Timestamp { seconds, nanos: number }),
                    location: Some(Location { latitude, longitude, accuracy_m, source: number }),
                    want_receipt: false,
                    event: Some(event),
                });
                prop_assert!(event.encoded_len() <= BATCH_BYTES_MAX);
                prop_assert!(serde_json::to_string(&event).is_ok());
            }
        }
    }
}
