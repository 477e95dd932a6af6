//! What a simulated call point puts on the wire: topic and body. Sends nothing.

use prost::Message as _;
use sos_proto::call_point::Leaf;
use sos_proto::device::v1::device_event::Event;
use sos_proto::device::v1::{DeviceEvent, Location, LocationSource, Press};
use sos_proto::time;

use crate::calls::Call;

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Protobuf.
    Protobuf,
    /// Canonical proto3 JSON; the content type says so.
    Json,
}

/// One publish, the same bytes at every try.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// MQTT topic.
    pub(crate) topic: String,
    /// MQTT payload.
    pub(crate) body: Vec<u8>,
    /// How the payload is written.
    pub(crate) form: Form,
    /// Whether the broker keeps it for later subscribers.
    pub(crate) retain: bool,
}

impl Message {
    /// A press that goes out now.
    pub(crate) fn press(
        call: &Call,
        boot_id: &str,
        sequence: u64,
        now: i64,
        form: Form,
    ) -> Result<Self, serde_json::Error> {
        let event = DeviceEvent {
            boot_id: boot_id.to_owned(),
            sequence,
            occurred_at: Some(time::timestamp(now)),
            location: Some(Location {
                latitude: call.latitude,
                longitude: call.longitude,
                accuracy_m: 0.0,
                source: LocationSource::Surveyed.into(),
            }),
            want_receipt: false,
            event: Some(Event::Press(Press {
                category: call.category.into(),
                silent: false,
                note: call.note.clone(),
            })),
        };
        let body = match form {
            Form::Protobuf => event.encode_to_vec(),
            Form::Json => serde_json::to_vec(&event)?,
        };
        Ok(Self { topic: call.call_point.topic(Leaf::Event), body, form, retain: false })
    }
}
