//! One lean MQTT 3.1.1 connection: frames in, frames out. A heavier client would measure itself.
//!
//! Invariant: what was queued goes out in one write, in order; what comes in is whole packets.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rumqttc::mqttbytes::v4::{
    Connect, ConnectReturnCode, Disconnect, LastWill, Packet, PingReq, PubAck, Publish, Subscribe,
};
use rumqttc::mqttbytes::{Error as CodecError, QoS};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::config::{Broker, KEEP_ALIVE};

/// Largest packet that is read, in bytes.
const PACKET_BYTES_MAX: usize = 1024 * 1024;

/// How long a broker may take to let somebody in.
const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// Why a connection is of no use any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    /// The network.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The broker speaks something else.
    #[error("the broker does not speak MQTT: {0:?}")]
    Codec(CodecError),
    /// The broker lets nobody in.
    #[error("the broker refuses the connection: {0:?}")]
    Refused(ConnectReturnCode),
    /// The broker says nothing.
    #[error("the broker did not answer within {CONNECT_WAIT:?}")]
    Silence,
}

/// What a broker says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It has the publish with this packet id.
    Acknowledged(u16),
    /// Somebody published.
    Message {
        /// MQTT topic.
        topic: String,
        /// MQTT payload.
        body: Bytes,
    },
}

/// What the broker is to publish, retained, when the connection ends without a farewell.
#[derive(Debug)]
pub(crate) struct Will {
    pub(crate) topic: String,
    pub(crate) body: Vec<u8>,
}

/// What bytes go over.
trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// A connection that is up.
pub(crate) struct Wire {
    stream: Box<dyn Transport>,
    incoming: BytesMut,
    outgoing: BytesMut,
}

impl Wire {
    /// Connects with a clean session.
    pub(crate) async fn connect(
        broker: &Broker,
        client_id: &str,
        will: Option<Will>,
    ) -> Result<Self, WireError> {
        timeout(CONNECT_WAIT, Self::open(broker, client_id, will)).await.unwrap_or(Err(WireError::Silence))
    }

    /// The same, for as long as it takes.
    pub(crate) async fn open(
        broker: &Broker,
        client_id: &str,
        will: Option<Will>,
    ) -> Result<Self, WireError> {
        let host = broker.host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, broker.port)).await?;
        stream.set_nodelay(true)?;
        let stream: Box<dyn Transport> = match &broker.identities {
            None => Box::new(stream),
            Some(identities) => {
                let tls = identities.of(client_id)?;
                let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
                Box::new(TlsConnector::from(tls).connect(name, stream).await?)
            }
        };
        let mut wire = Self { stream, incoming: BytesMut::new(), outgoing: BytesMut::new() };
        let mut connect = Connect::new(client_id);
        connect.keep_alive = u16::try_from(KEEP_ALIVE.as_secs()).unwrap_or(u16::MAX);
        connect.last_will = will.map(|will| LastWill::new(will.topic, will.body, QoS::AtLeastOnce, true));
        connect.write(&mut wire.outgoing).map_err(WireError::Codec)?;
        wire.flush().await?;
        match wire.packet().await? {
            Packet::ConnAck(answer) if answer.code == ConnectReturnCode::Success => Ok(wire),
            Packet::ConnAck(answer) => Err(WireError::Refused(answer.code)),
            _ => Err(WireError::Codec(CodecError::InvalidProtocol)),
        }
    }

    /// Queues a publish.
    pub(crate) fn publish(
        &mut self,
        topic: &str,
        body: &[u8],
        pkid: u16,
        retain: bool,
    ) -> Result<(), WireError> {
        let qos = if pkid == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
        let mut publish = Publish::new(topic, qos, body);
        (publish.pkid, publish.retain) = (pkid, retain);
        publish.write(&mut self.outgoing).map(|_| ()).map_err(WireError::Codec)
    }

    /// Queues a subscription.
    pub(crate) fn subscribe(&mut self, filter: &str, pkid: u16) -> Result<(), WireError> {
        let mut subscribe = Subscribe::new(filter, QoS::AtLeastOnce);
        subscribe.pkid = pkid;
        subscribe.write(&mut self.outgoing).map(|_| ()).map_err(WireError::Codec)
    }

    /// Queues a sign of life.
    pub(crate) fn ping(&mut self) -> Result<(), WireError> {
        PingReq.write(&mut self.outgoing).map(|_| ()).map_err(WireError::Codec)
    }

    /// Queues a farewell: no last will follows.
    pub(crate) fn farewell(&mut self) -> Result<(), WireError> {
        Disconnect.write(&mut self.outgoing).map(|_| ()).map_err(WireError::Codec)
    }

    /// Writes what was queued.
    pub(crate) async fn flush(&mut self) -> Result<(), WireError> {
        while !self.outgoing.is_empty() {
            self.stream.write_buf(&mut self.outgoing).await?;
        }
        self.stream.flush().await?;
        Ok(())
    }

    /// What comes next. A message that must be acknowledged is, with the next write. Nothing is lost if the wait
    /// is given up.
    pub(crate) async fn next(&mut self) -> Result<Heard, WireError> {
        loop {
            match self.packet().await? {
                Packet::PubAck(answer) => return Ok(Heard::Acknowledged(answer.pkid)),
                Packet::Publish(publish) => {
                    if publish.qos != QoS::AtMostOnce {
                        PubAck::new(publish.pkid).write(&mut self.outgoing).map_err(WireError::Codec)?;
                    }
                    return Ok(Heard::Message { topic: publish.topic, body: publish.payload });
                }
                _ => {}
            }
        }
    }

    /// Waits until a publish is acknowledged, for one who has no other under way.
    pub(crate) async fn acknowledged(&mut self) -> Result<(), WireError> {
        while !matches!(self.next().await?, Heard::Acknowledged(_)) {}
        Ok(())
    }

    async fn packet(&mut self) -> Result<Packet, WireError> {
        loop {
            match Packet::read(&mut self.incoming, PACKET_BYTES_MAX) {
                Ok(packet) => return Ok(packet),
                Err(CodecError::InsufficientBytes(_)) => {}
                Err(error) => return Err(WireError::Codec(error)),
            }
            if self.stream.read_buf(&mut self.incoming).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
    }
}
