//! The broker inside the gateway: `rmqtt`, whose publish check waits for the log, so that a PUBACK means
//! durable (P1) and a device's own flow control is the back-pressure (P10).
//!
//! A refused message is never acknowledged: MQTT 5 carries the reason in the PUBACK, older versions can
//! only close the connection.

mod listening;
mod outbound;

use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use rmqtt::codec::v5::{PublishAckReason, SubscribeAckReason};
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType, Type};
use rmqtt::net::Listener;
use rmqtt::retain::DefaultRetainStorage;
use rmqtt::server::MqttServer;
use rmqtt::types::{
    AuthResult, ConnectInfo, FromType, Id, LastWill, Publish, PublishAclResult, PublishResult, Subscribe,
    SubscribeReturn,
};
use rustls::ServerConfig;
use sos_auth::reload::{Current, changed};
use sos_auth::tls::ServerFiles;
use sos_proto::call_point::{CallPoint, Leaf};
use tokio::time::sleep;

use crate::access::{Access, Auth, Denied, Presented};
use crate::ingest::{Incoming, Ingest, QUARANTINED, Refusal, Session};
use crate::pace::{Paces, Verdict};
use crate::telemetry;

pub(crate) use outbound::EmbeddedDownlink;

/// Sessions, connected or not; further ones are refused.
const SESSIONS_MAX: isize = 110_000;

/// How many messages bytes that nobody can read count for, beside the one that they are: they cost as much, and are worth
/// nothing.
const GARBAGE_PRICE: u32 = 9;

/// Time between two tries to listen again with a new certificate.
const RELISTEN_INTERVAL: Duration = Duration::from_millis(50);

/// TLS, and when its files change.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The files.
    pub files: ServerFiles,
    /// Changes when they have, and can be used.
    pub current: Current<ServerConfig>,
}

/// How the embedded broker listens.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where; port 0 picks a free one.
    pub listen: SocketAddr,
    /// How call points prove who they are.
    pub auth: Auth,
    /// What TLS needs. Absent: there is none.
    pub tls: Option<Tls>,
    /// Messages of one connection in a second on average; 0 for as many as come.
    pub device_rate: u32,
}

/// A broker that listens, but does not accept yet.
pub(crate) struct Broker {
    context: ServerContext,
    listener: Listener,
    address: SocketAddr,
    config: Config,
    access: Arc<Access>,
}

impl Broker {
    /// Binds the address.
    pub async fn bind(config: Config, access: Arc<Access>) -> Result<Self, String> {
        let reserved = listening::reserve(config.listen).map_err(|e| e.to_string())?;
        let address = reserved.as_ref().map_or(Ok(config.listen), listening::local_address);
        let address = address.map_err(|e| e.to_string())?;
        let files = config.tls.as_ref().map(|tls| &tls.files);
        let listener = listening::listen(address, reserved.is_some(), config.auth, files)?;
        // A loaded machine must not turn call points away.
        let context =
            ServerContext::new().busy_check_enable(false).mqtt_max_sessions(SESSIONS_MAX).build().await;
        *context.extends.retain_mut().await = Box::new(outbound::Retained(DefaultRetainStorage::new()));
        Ok(Self { context, listener, address, config, access })
    }

    /// The address in use.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The way to this broker's devices.
    pub fn downlink(&self) -> EmbeddedDownlink {
        EmbeddedDownlink::new(&self.context)
    }

    /// Accepts connections until the future is dropped. rmqtt owns the tasks of connections; after that
    /// they find the log closed.
    pub async fn serve(self, ingest: Ingest) -> Result<(), String> {
        let paces = Arc::new(Paces::new(self.config.device_rate));
        let hooks = Hooks { ingest, downlink: self.downlink(), access: self.access, paces };
        let register = self.context.extends.hook_mgr().register();
        let wanted = [
            Type::ClientAuthenticate,
            Type::ClientSubscribeCheckAcl,
            Type::MessagePublish,
            Type::MessagePublishCheckAcl,
        ];
        for hook in wanted {
            register.add(hook, Box::new(hooks.clone())).await;
        }
        register.start().await;
        let mut listener = self.listener;
        // rmqtt wants a number for each listener.
        let mut number = self.address.port();
        loop {
            let server = MqttServer::new(self.context.clone()).listener_by_id(listener, number).build();
            let Some(tls) = &self.config.tls else { return server.run().await.map_err(|e| e.to_string()) };
            let mut current = tls.current.clone();
            current.mark_unchanged();
            tokio::select! {
                ended = server.run() => return ended.map_err(|e| e.to_string()),
                () = changed(&mut current) => {}
            }
            // Who is connected stays so; who connects now is served as soon as the port is bound again.
            number = number.wrapping_add(1);
            listener = loop {
                match listening::listen(self.address, false, self.config.auth, Some(&tls.files)) {
                    Ok(listener) => break listener,
                    Err(error) => telemetry::not_listening(&error),
                }
                sleep(RELISTEN_INTERVAL).await;
            };
        }
    }
}

/// What rmqtt asks before it goes on.
#[derive(Clone)]
struct Hooks {
    ingest: Ingest,
    downlink: EmbeddedDownlink,
    access: Arc<Access>,
    paces: Arc<Paces>,
}

#[async_trait]
impl Handler for Hooks {
    async fn hook(&self, parameter: &Parameter, before: Option<HookResult>) -> ReturnType {
        match parameter {
            Parameter::ClientAuthenticate(info) => {
                (false, Some(HookResult::AuthResult(self.authenticate(info).await)))
            }
            Parameter::ClientSubscribeCheckAcl(session, subscribe) => {
                let answer = self.subscribe(&session.id, subscribe);
                (answer.is_none(), answer.map(HookResult::SubscribeAclResult).or(before))
            }
            Parameter::MessagePublish(Some(session), from, publish)
                if matches!(from.typ(), FromType::LastWill) =>
            {
                let session = EmbeddedSession { context: &self.downlink.context, id: &session.id };
                let will = Incoming { last_will_of: Some(&session), ..incoming(publish) };
                // Its topic was checked at connect; a refusal is logged where it is decided.
                let _ = self.ingest.ingest(&will, &self.downlink).await;
                (true, before)
            }
            Parameter::MessagePublishCheckAcl(session, publish) => {
                (false, Some(HookResult::PublishAclResult(self.publish(&session.id, publish).await)))
            }
            _ => (true, before),
        }
    }
}

impl Hooks {
    /// Lets a connection in unless it is not who it says, or its last will would go where no check sees it.
    async fn authenticate(&self, info: &ConnectInfo) -> AuthResult {
        let will = info.last_will().map(|will| match will {
            LastWill::V3(will) => &*will.topic,
            LastWill::V5(will) => &*will.topic,
        });
        match will.map(CallPoint::parse_topic) {
            None | Some(Ok((_, Leaf::State))) => {}
            Some(wrong) => {
                let refusal = wrong.map_or_else(Refusal::from, |(_, leaf)| Refusal::NotForDevices(leaf));
                telemetry::refused(will.unwrap_or_default(), &refusal);
                return AuthResult::NotAuthorized;
            }
        }
        let id = info.id();
        let presented = Presented {
            client_id: &id.client_id,
            username: info.username().map(|name| &**name),
            password: info.password().map(|password| &**password),
            common_name: info.cert().and_then(|cert| cert.common_name.as_deref()),
            will,
        };
        match self.access.admit(presented).await {
            Ok(()) => AuthResult::Allow(false, None),
            Err(reason) => {
                denied("connect", id, &reason);
                match reason {
                    Denied::Username | Denied::Password => AuthResult::BadUsernameOrPassword,
                    _ => AuthResult::NotAuthorized,
                }
            }
        }
    }

    /// Refuses to let a connection listen to what is another's.
    fn subscribe(&self, id: &Id, subscribe: &Subscribe) -> Option<SubscribeReturn> {
        if self.access.may_subscribe(id.username.as_deref(), &subscribe.topic_filter) {
            return None;
        }
        denied("subscribe", id, &"the topic is not its own");
        Some(SubscribeReturn::new_failure(SubscribeAckReason::NotAuthorized))
    }

    async fn publish(&self, id: &Id, publish: &Publish) -> PublishAclResult {
        let incoming = incoming(publish);
        // A topic outside the scheme is nobody's, and refused where it is said why.
        if let Ok((call_point, _)) = &incoming.address
            && !self.access.may_publish(id.username.as_deref(), call_point)
        {
            denied("publish", id, &"the topic is not its own");
            let close = publish.properties.is_none();
            let reason = Some("topic: is not its own".into());
            return PublishAclResult(PublishResult::reason_code(
                PublishAckReason::NotAuthorized,
                reason,
                close,
            ));
        }
        let can_do_without = matches!(incoming.address, Ok((_, Leaf::Health)));
        match self.paces.judge(&id.client_id, can_do_without, Instant::now()) {
            Verdict::Take => {}
            Verdict::Wait(time) => sleep(time).await,
            Verdict::Shed => {
                telemetry::shed();
                return PublishAclResult::allow();
            }
        }
        let recorded = self.ingest.ingest_told(&incoming, &self.downlink).await;
        if matches!(recorded, Ok(QUARANTINED)) {
            self.paces.charge(&id.client_id, GARBAGE_PRICE);
        }
        answer(recorded.map(|_| ()), publish)
    }
}

/// Counts and logs what a connection may not; never what it presented as its secret.
fn denied(what: &'static str, id: &Id, reason: &dyn Display) {
    telemetry::denied(what, &id.client_id, id.remote_addr.map(|address| address.ip()), reason);
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

fn incoming(publish: &Publish) -> Incoming<'_> {
    let properties = publish.properties.as_ref();
    let user = properties.and_then(|p| p.user_properties.iter().find(|(name, _)| &**name == "traceparent"));
    Incoming {
        topic: &publish.topic,
        address: CallPoint::parse_topic(&publish.topic),
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
