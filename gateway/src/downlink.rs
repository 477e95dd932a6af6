//! From the gateway to a device, whichever broker is between them.

use bytes::Bytes;
use futures::future::BoxFuture;
use prost::Message;
use serde::Serialize;
use sos_proto::call_point::{CallPoint, Leaf};
use sos_proto::event::v1::Encoding;

use crate::telemetry;

/// A message to a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// MQTT topic.
    pub topic: String,
    /// Body.
    pub payload: Bytes,
    /// Whether the body is JSON.
    pub json: bool,
    /// Whether the broker keeps it for whoever subscribes later.
    pub retain: bool,
}

/// A way to devices, at QoS 1. Best effort: what is lost here is asked for again by the device, or wanted
/// again when the way is back.
pub trait Downlink: Send + Sync {
    /// Hands a message to the broker.
    fn publish(&self, message: Outgoing) -> BoxFuture<'_, ()>;
}

/// A message for a call point, in the form that it understands.
pub fn outgoing<T>(call_point: &CallPoint, leaf: Leaf, encoding: Encoding, message: &T) -> Outgoing
where
    T: Message + Serialize,
{
    let json = encoding == Encoding::Json;
    let payload = if json {
        serde_json::to_vec(message).unwrap_or_else(|error| {
            // Ours are always serialisable; the device repeats its message and is answered then.
            telemetry::unsendable(&error);
            Vec::new()
        })
    } else {
        message.encode_to_vec()
    };
    Outgoing { topic: call_point.topic(leaf), payload: payload.into(), json, retain: leaf == Leaf::Feedback }
}
