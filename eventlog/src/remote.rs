//! An event log in another process, over `sos.log.v1`.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use sos_proto::event::v1::RecordedEvent;
use sos_proto::log::v1::event_log_service_client::EventLogServiceClient;
use sos_proto::log::v1::{
    AppendEventsRequest, ExpectedPosition, GetHeadRequest, ReadEventsRequest, SubscribeEventsRequest,
};
use sos_proto::time;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::service::{ACTUAL_POSITION, DAMAGED_POSITION};
use crate::{Append, AppendError, Appended, Batch, EventLog, Expected, Head, ReadError, Record};

/// Most record batches of one read (P10).
const READ_BATCHES_MAX: usize = 64;

/// An event log in another process. Clones share the connection.
#[derive(Debug, Clone)]
pub struct RemoteLog {
    client: EventLogServiceClient<Channel>,
}

impl RemoteLog {
    /// Uses the log that is served on a channel.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        Self { client: EventLogServiceClient::new(channel) }
    }
}

impl EventLog for RemoteLog {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Vec<Appended>, AppendError>> {
        let mut client = self.client.clone();
        async move {
            let expected = append.expected.clone();
            let request = AppendEventsRequest {
                events: append.events,
                expected: append
                    .expected
                    .map(|e| ExpectedPosition { stream: e.stream, position: e.position }),
            };
            let response = client.append_events(request).await.map_err(|s| append_error(&s, expected))?;
            Ok(response.into_inner().results.into_iter().map(appended).collect())
        }
        .boxed()
    }

    fn read_records(&self, from: u64) -> BoxFuture<'_, Result<Vec<Record>, ReadError>> {
        let mut client = self.client.clone();
        async move {
            let request = ReadEventsRequest { from_position: from, to_position: 0, as_stored: true };
            let responses = client.read_events(request).await.map_err(|s| read_error(&s))?.into_inner();
            let records = responses
                .take(READ_BATCHES_MAX)
                .map_ok(|r| Record { first: r.record_position, bytes: r.record });
            records.try_collect().await.map_err(|s| read_error(&s))
        }
        .boxed()
    }

    fn follow(&self, from: u64) -> BoxStream<'static, Result<Arc<Batch>, ReadError>> {
        let mut client = self.client.clone();
        let opened = async move {
            let responses = client.subscribe_events(SubscribeEventsRequest { from_position: from }).await?;
            Ok::<_, Status>(responses.into_inner())
        };
        stream::once(opened)
            .try_flatten()
            .map(|response: Result<_, Status>| {
                let events = response.map_err(|s| read_error(&s))?.events;
                batch(events).map(Arc::new)
            })
            .boxed()
    }

    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
        let mut client = self.client.clone();
        async move {
            let head = client.get_head(GetHeadRequest {}).await.map_err(|s| read_error(&s))?.into_inner();
            let hash = <[u8; 32]>::try_from(head.hash.as_slice())
                .map_err(|_| ReadError::Unavailable("hash: not 32 bytes long".to_owned()))?;
            Ok(Head { position: head.position, hash })
        }
        .boxed()
    }
}

fn appended(result: sos_proto::log::v1::AppendResult) -> Appended {
    Appended {
        position: result.position,
        event_id: result.event_id,
        recorded_at: result.recorded_at.as_ref().and_then(time::micros).unwrap_or(0),
        duplicate: result.duplicate,
    }
}

/// Events of one response, which are consecutive and became durable together.
fn batch(events: Vec<RecordedEvent>) -> Result<Batch, ReadError> {
    let malformed = || ReadError::Unavailable("events: not a piece of the log".to_owned());
    let first = events.first().ok_or_else(malformed)?;
    let position = first.position;
    let recorded_at = first.recorded_at.as_ref().and_then(time::micros).ok_or_else(malformed)?;
    let events = events.into_iter().zip(position..).map(|(recorded, expected)| {
        recorded.event.filter(|_| recorded.position == expected).ok_or_else(malformed)
    });
    Ok(Batch::new(position, recorded_at, events.collect::<Result<_, _>>()?))
}

fn append_error(status: &Status, expected: Option<Expected>) -> AppendError {
    match (status.code(), expected) {
        (Code::InvalidArgument, _) => AppendError::Invalid(status.message().to_owned()),
        (Code::Aborted, Some(Expected { stream, position })) => {
            AppendError::Conflict { stream, expected: position, actual: number(status, ACTUAL_POSITION) }
        }
        _ => AppendError::Unavailable(status.message().to_owned()),
    }
}

fn read_error(status: &Status) -> ReadError {
    if status.code() == Code::DataLoss {
        let position = number(status, DAMAGED_POSITION);
        return ReadError::Damaged { position, reason: status.message().to_owned() };
    }
    ReadError::Unavailable(status.message().to_owned())
}

fn number(status: &Status, key: &str) -> u64 {
    let value = status.metadata().get(key).and_then(|v| v.to_str().ok());
    value.and_then(|v| v.parse().ok()).unwrap_or(0)
}
