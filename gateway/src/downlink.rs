//! From the gateway to a device, whichever broker is between them.

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use prost::Message;
use serde::Serialize;
use sos_proto::call_point::{CallPoint, Leaf};
use sos_proto::event::v1::Encoding;

use crate::devices::Wanted;
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

/// A way to devices, at QoS 1.
pub trait Downlink: Send + Sync {
    /// Answers a device. Best effort: where the way is blocked the answer is dropped, and the device asks
    /// again.
    fn answer(&self, message: Outgoing) -> BoxFuture<'_, ()>;

    /// Ends the session of a call point whose access has changed, where sessions are in reach.
    fn part(&self, _call_point: CallPoint) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }

    /// Shows on a lamp what it should show. Kept until it is sent; a newer wish replaces an older one.
    fn show(&self, wanted: Wanted) -> BoxFuture<'_, ()>;
}

/// The message that shows on a lamp what it should show.
pub fn feedback(wanted: &Wanted) -> Outgoing {
    outgoing(&wanted.call_point, Leaf::Feedback, wanted.encoding, &wanted.feedback)
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
