//! The broker inside the gateway: `rmqtt`, whose publish check waits for the log, so that a PUBACK means
//! durable (P1) and a device's own flow control is the back-pressure (P10).
//!
//! A refused message is never acknowledged: MQTT 5 carries the reason in the PUBACK, older versions can
//! only close the connection.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use rmqtt::codec::types::Publish as Packet;
use rmqtt::codec::v5::{PublishAckReason, PublishProperties};
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType, Type};
use rmqtt::net::{Builder, Listener};
use rmqtt::retain::{DefaultRetainStorage, RetainStorage};
use rmqtt::server::MqttServer;
use rmqtt::session::SessionState;
use rmqtt::types::{
    AuthResult, ClientId, ConnectInfo, From, FromType, Id, LastWill, Publish, PublishAclResult,
    PublishResult, QoS, Retain, TopicFilter, TopicName,
};
use socket2::{Domain, Socket};
use sos_eventlog::clock;
use sos_proto::call_point::{CallPoint, Leaf};

use crate::decode::JSON_CONTENT_TYPE;
use crate::devices::Wanted;
use crate::downlink::{self, Downlink, Outgoing};
use crate::ingest::{Incoming, Ingest, PAYLOAD_BYTES_MAX, Refusal, Session};
use crate::telemetry;

/// Largest MQTT packet, in bytes; the connection that sends a larger one is closed. Room beyond the payload
/// lets a payload over its own limit be quarantined instead (P3).
const PACKET_BYTES_MAX: u32 = 2 * PAYLOAD_BYTES_MAX as u32;

/// Connections at one time; further ones are refused.
const CONNECTIONS_MAX: usize = 110_000;

/// Sessions, connected or not; further ones are refused.
const SESSIONS_MAX: isize = 110_000;

/// Retained messages: state and feedback of every call point; a device's further one is refused.
const RETAINED_MAX: isize = 220_000;

/// Longest client id: site, separator, device.
const CLIENT_ID_BYTES_MAX: usize = 256;

/// Subscriptions of one session.
const SUBSCRIPTIONS_MAX: usize = 64;

/// Messages in flight to one device; further ones wait.
const IN_FLIGHT_MAX: NonZeroU16 = NonZeroU16::new(16).expect("not zero");

/// Messages that wait for a slow device; further ones are dropped.
const QUEUED_MAX: usize = 1_000;

/// Time for a connection to say who it is.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the session of a device that went is kept.
const SESSION_EXPIRY: Duration = Duration::from_secs(2 * 60 * 60);

/// A broker that listens, but does not accept yet.
pub(crate) struct Broker {
    context: ServerContext,
    listener: Listener,
    address: SocketAddr,
}

impl Broker {
    /// Binds the address; port 0 picks a free one.
    pub async fn bind(listen: SocketAddr) -> Result<Self, String> {
        let reserved = reserve(listen).map_err(|e| e.to_string())?;
        let address = reserved.as_ref().map_or(Ok(listen), local_address).map_err(|e| e.to_string())?;
        let listener = Builder::new()
            .name("sos")
            .laddr(address)
            .nodelay(true)
            .reuseaddr(Some(true))
            .reuseport(reserved.as_ref().map(|_| true))
            .max_connections(CONNECTIONS_MAX)
            .max_packet_size(PACKET_BYTES_MAX)
            // Every connection passes our check, which looks at the last will.
            .allow_anonymous(false)
            .max_inflight(IN_FLIGHT_MAX)
            .max_mqueue_len(QUEUED_MAX)
            .max_clientid_len(CLIENT_ID_BYTES_MAX)
            .max_subscriptions(SUBSCRIPTIONS_MAX)
            .handshake_timeout(HANDSHAKE_TIMEOUT)
            .session_expiry_interval(SESSION_EXPIRY)
            .max_session_expiry_interval(SESSION_EXPIRY)
            .bind()
            .map_err(|e| e.to_string())?;
        // A loaded machine must not turn call points away.
        let context =
            ServerContext::new().busy_check_enable(false).mqtt_max_sessions(SESSIONS_MAX).build().await;
        *context.extends.retain_mut().await = Box::new(Retained(DefaultRetainStorage::new()));
        Ok(Self { context, listener, address })
    }

    /// The address in use.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The way to this broker's devices.
    pub fn downlink(&self) -> EmbeddedDownlink {
        let id = Id::new(self.context.node.id(), 0, None, None, ClientId::from_static("sos-gateway"), None);
        EmbeddedDownlink { context: self.context.clone(), from: From::from_system(id) }
    }

    /// Accepts connections until the future is dropped. rmqtt owns the tasks of connections; after that
    /// they find the log closed.
    pub async fn serve(self, ingest: Ingest) -> Result<(), String> {
        let hooks = Hooks { ingest, downlink: self.downlink() };
        let register = self.context.extends.hook_mgr().register();
        for hook in [Type::ClientAuthenticate, Type::MessagePublish, Type::MessagePublishCheckAcl] {
            register.add(hook, Box::new(hooks.clone())).await;
        }
        register.start().await;
        // rmqtt wants a number for the listener.
        let server = MqttServer::new(self.context).listener_by_id(self.listener, self.address.port()).build();
        server.run().await.map_err(|e| e.to_string())
    }
}

/// Holds a free port until the broker, which cannot tell which one it was given, has bound it.
fn reserve(listen: SocketAddr) -> std::io::Result<Option<Socket>> {
    if listen.port() != 0 {
        return Ok(None);
    }
    let socket = Socket::new(Domain::for_address(listen), socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&listen.into())?;
    Ok(Some(socket))
}

fn local_address(socket: &Socket) -> std::io::Result<SocketAddr> {
    socket.local_addr()?.as_socket().ok_or_else(|| std::io::Error::other("not an internet address"))
}

/// What rmqtt asks before it goes on.
#[derive(Clone)]
struct Hooks {
    ingest: Ingest,
    downlink: EmbeddedDownlink,
}

#[async_trait]
impl Handler for Hooks {
    async fn hook(&self, parameter: &Parameter, before: Option<HookResult>) -> ReturnType {
        match parameter {
            Parameter::ClientAuthenticate(info) => (false, Some(HookResult::AuthResult(authenticate(info)))),
            Parameter::MessagePublish(Some(session), from, publish)
                if matches!(from.typ(), FromType::LastWill) =>
            {
                let session = EmbeddedSession { context: &self.downlink.context, id: &session.id };
                let will = Incoming { last_will_of: Some(&session), ..incoming(publish) };
                // Its topic was checked at connect; a refusal is logged where it is decided.
                let _ = self.ingest.ingest(will, &self.downlink).await;
                (true, before)
            }
            Parameter::MessagePublishCheckAcl(_, publish) => {
                let recorded = self.ingest.ingest(incoming(publish), &self.downlink).await;
                (false, Some(HookResult::PublishAclResult(answer(recorded, publish))))
            }
            _ => (true, before),
        }
    }
}

struct EmbeddedSession<'a> {
    context: &'a ServerContext,
    id: &'a Id,
}

impl Session for EmbeddedSession<'_> {
    fn is_superseded(&self) -> BoxFuture<'_, bool> {
        async { self.context.extends.shared().await.entry(self.id.clone()).id_same() == Some(false) }.boxed()
    }
}

/// Lets a connection in unless its last will would go where no check sees it.
fn authenticate(info: &ConnectInfo) -> AuthResult {
    let topic = match info.last_will() {
        None => return AuthResult::Allow(false, None),
        Some(LastWill::V3(will)) => &will.topic,
        Some(LastWill::V5(will)) => &will.topic,
    };
    match CallPoint::parse_topic(topic) {
        Ok((_, Leaf::State)) => AuthResult::Allow(false, None),
        Ok((_, leaf)) => {
            telemetry::refused(topic, &Refusal::NotForDevices(leaf));
            AuthResult::NotAuthorized
        }
        Err(error) => {
            telemetry::refused(topic, &error.into());
            AuthResult::NotAuthorized
        }
    }
}

fn incoming(publish: &Publish) -> Incoming<'_> {
    let properties = publish.properties.as_ref();
    let user = properties.and_then(|p| p.user_properties.iter().find(|(name, _)| &**name == "traceparent"));
    Incoming {
        topic: &publish.topic,
        payload: publish.payload.clone(),
        content_type: properties.and_then(|p| p.content_type.as_deref()),
        traceparent: user.map(|(_, value)| &**value),
        retained: publish.retain,
        last_will_of: None,
    }
}

/// What the device is told.
fn answer(recorded: Result<(), Refusal>, publish: &Publish) -> PublishAclResult {
    let refusal = match recorded {
        // P1: ingest returned, so it is durable.
        Ok(()) => return PublishAclResult::allow(),
        Err(refusal) => refusal,
    };
    // A PUBACK of MQTT 3 cannot refuse, so the connection is closed instead.
    let (reason, close) = match refusal {
        Refusal::Unavailable(_) => (PublishAckReason::ImplementationSpecificError, true),
        Refusal::Topic(_) => (PublishAckReason::TopicNameInvalid, publish.properties.is_none()),
        Refusal::NotForDevices(_) => (PublishAckReason::NotAuthorized, publish.properties.is_none()),
    };
    PublishAclResult(PublishResult::reason_code(reason, Some(refusal.to_string().into()), close))
}

/// The way to the devices of an embedded broker.
#[derive(Clone)]
pub(crate) struct EmbeddedDownlink {
    context: ServerContext,
    from: From,
}

impl Downlink for EmbeddedDownlink {
    fn show(&self, wanted: Wanted) -> BoxFuture<'_, ()> {
        self.answer(downlink::feedback(&wanted))
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
struct Retained(DefaultRetainStorage);

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
