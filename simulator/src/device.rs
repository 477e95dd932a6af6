//! One MQTT 5 connection that brings messages to the broker, one after the other, as firmware should: each
//! is repeated, byte for byte, until it is answered. The only file that knows the MQTT client.
//!
//! Invariant: one message in flight at most. A connection that failed is thrown away together with what it
//! still held, so that an old packet id can never confirm another message.

use std::convert::Infallible;
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAck, PubAckReason, PublishProperties};
use rumqttc::v5::{AsyncClient, ClientError, ConnectionError, Event, EventLoop, MqttOptions};
use rumqttc::{NetworkOptions, Outgoing};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::{ANSWER_WAIT, Broker, DISCONNECT_WAIT, KEEP_ALIVE, STOP_GRACE};
use crate::message::{Form, Message};
use crate::retry::{Pauses, chance_of};
use crate::telemetry;

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// It left for the broker at least once.
    pub(crate) sent: bool,
    /// The answer.
    pub(crate) outcome: Outcome,
}

/// How a delivery ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The broker has it.
    Acknowledged,
    /// The broker refused it, or nobody answered in time; the reason.
    Failed(String),
}

/// A client of the broker.
pub(crate) struct Device {
    options: MqttOptions,
    connection: Option<Connection>,
    chance: fastrand::Rng,
    give_up: Duration,
    answer_wait: Duration,
    shutdown: CancellationToken,
}

/// Why a try came to nothing; another may not.
#[derive(Debug, thiserror::Error)]
enum TryError {
    #[error(transparent)]
    Connection(#[from] Box<ConnectionError>),
    #[error(transparent)]
    Queue(#[from] Box<ClientError>),
    #[error("the broker did not answer within {0:?}")]
    Silence(Duration),
}

/// What is known of a message before it is answered.
#[derive(Default)]
struct Tries {
    sent: bool,
    last_error: Option<TryError>,
}

impl Device {
    /// A client that connects with its first message. It gives each message up after `give_up`, or shortly
    /// after `shutdown`.
    pub(crate) fn new(
        broker: &Broker,
        client_id: &str,
        give_up: Duration,
        shutdown: CancellationToken,
    ) -> Self {
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        let mut options = MqttOptions::new(client_id, &broker.host, broker.port);
        options
            .set_keep_alive(KEEP_ALIVE)
            .set_clean_start(true)
            .set_outgoing_inflight_upper_limit(1)
            .set_network_options(network);
        let chance = chance_of(client_id);
        Self { options, connection: None, chance, give_up, answer_wait: ANSWER_WAIT, shutdown }
    }

    /// Brings one message to the broker and waits for its answer.
    // P3: what is not acknowledged is repeated. P2: with the same bytes, so under the same number.
    pub(crate) async fn publish(&mut self, message: &Message) -> Delivery {
        let limit = limit(self.give_up, self.shutdown.clone());
        let mut tries = Tries::default();
        let answer = tokio::select! {
            biased;
            outcome = self.try_until_answered(message, &mut tries) => Some(outcome),
            () = limit => None,
        };
        let outcome = answer.unwrap_or_else(|| {
            self.connection = None;
            let reason = tries.last_error.as_ref().map_or("no answer".to_owned(), ToString::to_string);
            Outcome::Failed(format!("given up: {reason}"))
        });
        Delivery { sent: tries.sent, outcome }
    }

    async fn try_until_answered(&mut self, message: &Message, tries: &mut Tries) -> Outcome {
        let mut pauses = Pauses::default();
        loop {
            match self.try_once(message, &mut tries.sent).await {
                Ok(outcome) => return outcome,
                Err(error) => {
                    self.connection = None;
                    let pause = pauses.next(&mut self.chance);
                    telemetry::unanswered(&self.options.client_id(), &error, pause);
                    tries.last_error = Some(error);
                    sleep(pause).await;
                }
            }
        }
    }

    async fn try_once(&mut self, message: &Message, sent: &mut bool) -> Result<Outcome, TryError> {
        let connection = self.connection.get_or_insert_with(|| Connection::new(self.options.clone()));
        timeout(self.answer_wait, connection.publish(message, sent))
            .await
            .unwrap_or(Err(TryError::Silence(self.answer_wait)))
    }

    /// Keeps an open connection alive while there is nothing to say; never returns.
    pub(crate) async fn idle(&mut self) -> Infallible {
        if let Some(connection) = &mut self.connection {
            while connection.event_loop.poll().await.is_ok() {}
        }
        self.connection = None;
        std::future::pending().await
    }

    /// Says farewell, so that the broker closes the session at once.
    pub(crate) async fn close(mut self) {
        let Some(connection) = self.connection.take() else { return };
        // A broker that does not listen any more has closed the session, too.
        let _ = timeout(DISCONNECT_WAIT, connection.close()).await;
    }
}

/// Ends when a message is to be given up.
async fn limit(give_up: Duration, shutdown: CancellationToken) {
    let stop = async {
        shutdown.cancelled().await;
        sleep(STOP_GRACE).await;
    };
    tokio::select! {
        () = sleep(give_up) => {}
        () = stop => {}
    }
}

/// One session with the broker, from connect to the first error.
struct Connection {
    client: AsyncClient,
    event_loop: EventLoop,
}

impl Connection {
    fn new(options: MqttOptions) -> Self {
        let (client, event_loop) = AsyncClient::new(options, 1);
        Self { client, event_loop }
    }

    async fn publish(&mut self, message: &Message, sent: &mut bool) -> Result<Outcome, TryError> {
        let content_type = (message.form == Form::Json).then(|| "application/json".to_owned());
        let properties = PublishProperties { content_type, ..PublishProperties::default() };
        let (topic, body) = (message.topic.as_str(), message.body.clone());
        self.client
            .try_publish_with_properties(topic, QoS::AtLeastOnce, message.retain, body, properties)
            .map_err(Box::new)?;
        loop {
            match self.event_loop.poll().await.map_err(Box::new)? {
                Event::Outgoing(Outgoing::Publish(_)) => *sent = true,
                Event::Incoming(Packet::PubAck(ack)) => return Ok(outcome_of(ack)),
                _ => {}
            }
        }
    }

    async fn close(mut self) {
        if self.client.try_disconnect().is_err() {
            return;
        }
        while let Ok(event) = self.event_loop.poll().await {
            if event == Event::Outgoing(Outgoing::Disconnect) {
                return;
            }
        }
    }
}

/// Reason codes below 0x80 are good news, also that nobody subscribes: the embedded gateway is no subscriber.
fn outcome_of(ack: PubAck) -> Outcome {
    match ack.reason {
        PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Outcome::Acknowledged,
        reason => {
            let said = ack.properties.and_then(|properties| properties.reason_string);
            let said = said.map_or(String::new(), |said| format!(": {said}"));
            Outcome::Failed(format!("refused by the broker: {reason:?}{said}"))
        }
    }
}

#[cfg(test)]
mod tests;
