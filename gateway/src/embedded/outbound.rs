//! From the gateway to the devices of its own broker, and what the broker keeps for them.

use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use rmqtt::codec::types::Publish as Packet;
use rmqtt::codec::v5::PublishProperties;
use rmqtt::context::ServerContext;
use rmqtt::retain::{DefaultRetainStorage, RetainStorage};
use rmqtt::session::SessionState;
use rmqtt::types::{ClientId, From, Id, Publish, QoS, Retain, TopicFilter, TopicName};
use sos_eventlog::clock;
use sos_proto::call_point::{CallPoint, Leaf};

use crate::decode::JSON_CONTENT_TYPE;
use crate::devices::Wanted;
use crate::downlink::{self, Downlink, Outgoing};
use crate::telemetry;

/// Retained messages: state and feedback of every call point; a device's further one is refused.
const RETAINED_MAX: isize = 220_000;

/// The way to the devices of an embedded broker.
#[derive(Clone)]
pub(crate) struct EmbeddedDownlink {
    pub(super) context: ServerContext,
    from: From,
}

impl EmbeddedDownlink {
    /// The way to the devices of a broker.
    pub fn new(context: &ServerContext) -> Self {
        let id = Id::new(context.node.id(), 0, None, None, ClientId::from_static("sos-gateway"), None);
        Self { context: context.clone(), from: From::from_system(id) }
    }
}

impl Downlink for EmbeddedDownlink {
    fn show(&self, wanted: Wanted) -> BoxFuture<'_, ()> {
        self.answer(downlink::feedback(&wanted))
    }

    fn part(&self, call_point: CallPoint) -> BoxFuture<'_, ()> {
        async move {
            let name = call_point.to_string();
            let id = Id::new(self.context.node.id(), 0, None, None, ClientId::from(name), None);
            let mut session = self.context.extends.shared().await.entry(id);
            if let Err(error) = session.kick(true, true, true).await {
                telemetry::not_parted(&call_point, &error);
            }
        }
        .boxed()
    }

    fn answer(&self, message: Outgoing) -> BoxFuture<'_, ()> {
        let properties = PublishProperties {
            content_type: message.json.then(|| JSON_CONTENT_TYPE.into()),
            ..PublishProperties::default()
        };
        let packet = Packet {
            dup: false,
            retain: message.retain,
            qos: QoS::AtLeastOnce,
            topic: TopicName::from(message.topic),
            packet_id: None,
            payload: message.payload,
            properties: Some(properties),
        };
        let publish = Publish::new(Box::new(packet), None, None, Some(clock::now() / 1_000));
        async move {
            let topic = publish.topic.clone();
            let sent = SessionState::forwards(&self.context, self.from.clone(), publish, false, None).await;
            if sent.is_err() {
                telemetry::downlink_dropped(&topic);
            }
        }
        .boxed()
    }
}

/// Retained messages, which rmqtt keeps only where it is given a place. They do not expire: a call point's
/// state and lamp hold until they change.
pub(super) struct Retained(pub DefaultRetainStorage);

#[async_trait]
impl RetainStorage for Retained {
    fn enable(&self) -> bool {
        true
    }

    fn need_sync(&self) -> bool {
        false
    }

    async fn set(&self, topic: &TopicName, retain: Retain, _: Option<Duration>) -> rmqtt::Result<()> {
        // An event is no state: nobody shall find it later and take it for a new one.
        let kept = matches!(CallPoint::parse_topic(topic), Ok((_, Leaf::State | Leaf::Feedback)));
        if !kept {
            return Ok(());
        }
        if self.0.count().await >= RETAINED_MAX && self.0.get_message(topic).await?.is_empty() {
            return Err(rmqtt::Error::msg("too many retained messages"));
        }
        self.0.set_with_timeout(topic, retain, None).await
    }

    async fn get(&self, filter: &TopicFilter) -> rmqtt::Result<Vec<(TopicName, Retain)>> {
        self.0.get_message(filter).await
    }

    async fn count(&self) -> isize {
        self.0.count().await
    }

    async fn max(&self) -> isize {
        self.0.max().await
    }
}
