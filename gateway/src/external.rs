//! A broker beside the gateway: a `rumqttc` subscriber with manual acknowledgements and a persistent session.
//!
//! A message is acknowledged after its commit, in order of receipt [MQTT-4.6.0-2] (P1). Each connection gets
//! a fresh event loop: an acknowledgement carried over a reconnect could confirm another message.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesOrdered, StreamExt as _};
use futures::{FutureExt as _, future};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, Packet, Publish, PublishProperties, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use sos_proto::call_point::{CallPoint, Leaf, TOPIC_ROOT};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::decode::JSON_CONTENT_TYPE;
use crate::devices::{Devices, Wanted};
use crate::downlink::{self, Downlink, Outgoing};
use crate::ingest::{Incoming, Ingest, Refusal};
use crate::telemetry;

/// Messages that the broker may send before the first is acknowledged.
const RECEIVE_MAX: u16 = 256;

/// Messages recorded side by side.
const RECORDING_MAX: usize = 512;

/// Messages between the connection and the log. A broker cannot have more unacknowledged than there are
/// packet ids, so each of them has a place, whatever it makes of RECEIVE_MAX; Mosquitto exceeds it.
const UNACKNOWLEDGED_MAX: usize = u16::MAX as usize;

/// Messages that need no acknowledgement and wait for the log; further ones are dropped.
const UNRELIABLE_MAX: usize = 256;

/// Requests to the connection; further receipts are dropped.
const REQUESTS_MAX: usize = 1_024;

/// Largest MQTT packet, in bytes. The broker does not deliver larger ones, so it should not take them either.
const PACKET_BYTES_MAX: u32 = 2 * 1024 * 1024;

/// Time between two tries to reach the broker.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Time between two signs of life.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// An external broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Names this gateway's session at the broker; unique among gateways.
    pub client_id: String,
    /// The gateways that share the messages among them.
    pub group: String,
}

/// The connection to an external broker, and the way to its devices.
pub(crate) struct Uplink {
    config: Config,
    downlink: Arc<ExternalDownlink>,
    subscribed: watch::Sender<bool>,
}

impl Uplink {
    /// A connection that is not made yet. `subscribed` tells whether messages come.
    pub fn new(config: Config, devices: Arc<RwLock<Devices>>, subscribed: watch::Sender<bool>) -> Self {
        let downlink = ExternalDownlink {
            devices,
            client: RwLock::default(),
            dark: Mutex::default(),
            wake: Notify::new(),
        };
        Self { config, downlink: Arc::new(downlink), subscribed }
    }

    /// The way to this broker's devices.
    pub fn downlink(&self) -> Arc<ExternalDownlink> {
        Arc::clone(&self.downlink)
    }

    /// Stays connected until shutdown.
    pub async fn run(self, ingest: Ingest, shutdown: CancellationToken) {
        while let Some(Err(error)) = shutdown.run_until_cancelled(self.connection(&ingest)).await {
            self.downlink.set(None);
            self.subscribed.send_replace(false);
            telemetry::uplink_lost(&error);
            let _ = shutdown.run_until_cancelled(tokio::time::sleep(RETRY_INTERVAL)).await;
        }
    }

    /// One connection, from its beginning to its loss.
    async fn connection(&self, ingest: &Ingest) -> Result<(), String> {
        let (client, event_loop) = AsyncClient::new(self.options(), REQUESTS_MAX);
        let (messages, inbox) = mpsc::channel(UNACKNOWLEDGED_MAX + UNRELIABLE_MAX);
        let mut tasks = JoinSet::new();
        let connected = Arc::new(Notify::new());
        // Polled in a task of its own, never behind the disk.
        tasks.spawn(poll(event_loop, messages, Arc::clone(&connected), self.subscribed.clone()));
        let (greeter, filters, downlink) = (client.clone(), self.filters(), self.downlink());
        tasks.spawn(async move {
            connected.notified().await;
            // Fails only where the connection is lost, which polling tells.
            let _ = greeter.subscribe_many(filters).await;
            downlink.set(Some(greeter.clone()));
            downlink.light(greeter).await
        });
        record(inbox, &client, ingest, &self.downlink).await.map_err(|e| e.to_string())?;
        match tasks.join_next().await {
            Some(Ok(reason)) => Err(reason),
            _ => Err("a task of the connection ended".to_owned()),
        }
    }

    fn options(&self) -> MqttOptions {
        let mut options = MqttOptions::new(&self.config.client_id, &self.config.host, self.config.port);
        options
            .set_clean_start(false)
            .set_session_expiry_interval(Some(u32::MAX))
            .set_receive_maximum(Some(RECEIVE_MAX))
            .set_max_packet_size(Some(PACKET_BYTES_MAX))
            .set_manual_acks(true)
            .set_keep_alive(KEEP_ALIVE);
        options
    }

    fn filters(&self) -> Vec<Filter> {
        let group = &self.config.group;
        let filter = |leaf| Filter::new(format!("$share/{group}/{TOPIC_ROOT}/+/+/{leaf}"), QoS::AtLeastOnce);
        Leaf::FROM_DEVICE.iter().map(filter).collect()
    }
}

/// Polls until the connection is of no use any more, and says why.
async fn poll(
    mut event_loop: EventLoop,
    messages: mpsc::Sender<Publish>,
    connected: Arc<Notify>,
    subscribed: watch::Sender<bool>,
) -> String {
    loop {
        match event_loop.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => connected.notify_one(),
            Ok(Event::Incoming(Packet::SubAck(answer))) => {
                let granted = |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
                if let Some(refused) = answer.return_codes.iter().find(|code| !granted(code)) {
                    return format!("the broker refuses a shared subscription: {refused:?}");
                }
                subscribed.send_replace(true);
            }
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                let needs_ack = publish.qos != QoS::AtMostOnce;
                let spare = messages.capacity() > UNACKNOWLEDGED_MAX;
                // What needs no acknowledgement may not take the place of what does.
                if (needs_ack || spare) && messages.try_send(publish).is_err() {
                    return "the broker sent more than there are packet ids".to_owned();
                }
            }
            Ok(_) => {}
            Err(error) => return error.to_string(),
        }
    }
}

/// Records messages side by side, and acknowledges them in order of receipt.
async fn record(
    mut inbox: mpsc::Receiver<Publish>,
    client: &AsyncClient,
    ingest: &Ingest,
    downlink: &ExternalDownlink,
) -> Result<(), Refusal> {
    let mut recording = FuturesOrdered::new();
    loop {
        tokio::select! {
            Some(recorded) = recording.next() => {
                let publish: Publish = recorded?;
                // Fails only where the connection is lost, and then the broker sends it again.
                let _ = client.ack(&publish).await;
            }
            publish = inbox.recv(), if recording.len() < RECORDING_MAX => match publish {
                Some(publish) => recording.push_back(async move {
                    let topic = String::from_utf8_lossy(&publish.topic);
                    ingest.ingest_acknowledged(&incoming(&topic, &publish), downlink).await?;
                    Ok::<_, Refusal>(publish)
                }),
                None => return Ok(()),
            },
        }
    }
}

fn incoming<'a>(topic: &'a str, publish: &'a Publish) -> Incoming<'a> {
    let properties = publish.properties.as_ref();
    let user = properties.and_then(|p| p.user_properties.iter().find(|(name, _)| name == "traceparent"));
    Incoming {
        topic,
        address: CallPoint::parse_topic(topic),
        payload: publish.payload.clone(),
        content_type: properties.and_then(|p| p.content_type.as_deref()),
        traceparent: user.map(|(_, value)| value.as_str()),
        retained: publish.retain,
        last_will_of: None,
    }
}

/// The way to the devices of an external broker.
pub(crate) struct ExternalDownlink {
    devices: Arc<RwLock<Devices>>,
    /// Absent while there is no connection.
    client: RwLock<Option<AsyncClient>>,
    /// Call points whose lamp may not show what it should; bounded by the number of call points.
    dark: Mutex<HashSet<CallPoint>>,
    wake: Notify,
}

impl ExternalDownlink {
    fn set(&self, client: Option<AsyncClient>) {
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = client;
    }

    fn dark(&self) -> MutexGuard<'_, HashSet<CallPoint>> {
        self.dark.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_dark(&self) -> Option<CallPoint> {
        let mut dark = self.dark();
        let next = dark.iter().next().cloned()?;
        dark.take(&next)
    }

    /// Shows on each lamp what it should show at the moment of sending, so that nothing older follows
    /// something newer. All lamps first: the broker may have lost them (P12).
    async fn light(&self, client: AsyncClient) -> String {
        let all = {
            let devices = self.devices.read().unwrap_or_else(PoisonError::into_inner);
            devices.wanted().map(|wanted| wanted.call_point).collect::<Vec<_>>()
        };
        self.dark().extend(all);
        loop {
            let Some(call_point) = self.next_dark() else {
                self.wake.notified().await;
                continue;
            };
            let wanted = self.devices.read().unwrap_or_else(PoisonError::into_inner).wanted_at(&call_point);
            let Some(wanted) = wanted else { continue };
            if let Err(error) = send(&client, downlink::feedback(&wanted)).await {
                self.dark().insert(call_point);
                return error.to_string();
            }
        }
    }
}

impl Downlink for ExternalDownlink {
    fn answer(&self, message: Outgoing) -> BoxFuture<'_, ()> {
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner).clone();
        let topic = message.topic.clone();
        // Never waits: the way to a device must not hold up the way from it.
        let sent = client
            .is_some_and(|client| send(&client, message).now_or_never().is_some_and(|sent| sent.is_ok()));
        if !sent {
            telemetry::downlink_dropped(&topic);
        }
        future::ready(()).boxed()
    }

    fn show(&self, wanted: Wanted) -> BoxFuture<'_, ()> {
        self.dark().insert(wanted.call_point);
        self.wake.notify_one();
        future::ready(()).boxed()
    }
}

async fn send(client: &AsyncClient, message: Outgoing) -> Result<(), rumqttc::v5::ClientError> {
    let properties = PublishProperties {
        content_type: message.json.then(|| JSON_CONTENT_TYPE.to_owned()),
        ..PublishProperties::default()
    };
    let Outgoing { topic, payload, retain, .. } = message;
    client.publish_with_properties(topic, QoS::AtLeastOnce, retain, payload, properties).await
}
