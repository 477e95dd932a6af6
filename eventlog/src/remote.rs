//! An event log in another process, over `sos.log.v1`.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use sos_proto::event::v1::RecordedEvent;
use sos_proto::link::Link;
use sos_proto::log::v1::event_log_service_client::EventLogServiceClient;
use sos_proto::log::v1::{
    AppendEventsRequest, ExpectedPosition, GetHeadRequest, ReadEventsRequest, SubscribeEventsRequest,
    SubscribeEventsResponse,
};
use sos_proto::time;
use tonic::{Code, Status, Streaming};

use crate::service::{ACTUAL_POSITION, DAMAGED_POSITION, LOST_STREAM};
use crate::{Append, AppendError, Appended, Batch, EventLog, Head, READ_BATCHES_MAX, ReadError, Record};

/// Time between two tries to reach whoever serves the log.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// An event log in another process. Clones share the connection.
#[derive(Debug, Clone)]
pub struct RemoteLog {
    client: EventLogServiceClient<Link>,
}

impl RemoteLog {
    /// Uses the log that is served at the other end of a link.
    #[must_use]
    pub fn new(link: Link) -> Self {
        Self { client: EventLogServiceClient::new(link) }
    }
}

impl EventLog for RemoteLog {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Vec<Appended>, AppendError>> {
        let mut client = self.client.clone();
        async move {
            let expected = append.expected.iter();
            let expected = expected
                .map(|e| ExpectedPosition { stream: e.stream.clone(), position: e.position })
                .collect();
            let request = AppendEventsRequest { events: append.events, expected };
            let response = client.append_events(request).await.map_err(|s| append_error(&s))?;
            Ok(response.into_inner().results.into_iter().map(appended).collect())
        }
        .boxed()
    }

    fn read_records(&self, from: u64, batches_max: usize) -> BoxFuture<'_, Result<Vec<Record>, ReadError>> {
        let mut client = self.client.clone();
        async move {
            let request = ReadEventsRequest { from_position: from, to_position: 0, as_stored: true };
            let responses = client.read_events(request).await.map_err(|s| read_error(&s))?.into_inner();
            let records = responses
                .take(batches_max.min(READ_BATCHES_MAX))
                .map_ok(|r| Record { first: r.record_position, bytes: r.record });
            records.try_collect().await.map_err(|s| read_error(&s))
        }
        .boxed()
    }

    fn read(&self, from: u64, batches_max: usize) -> BoxFuture<'_, Result<Vec<Arc<Batch>>, ReadError>> {
        // Not as stored: what is sealed there is opened by who keeps the keys.
        let mut client = self.client.clone();
        async move {
            let request = ReadEventsRequest { from_position: from, to_position: 0, as_stored: false };
            let responses = client.read_events(request).await.map_err(|s| read_error(&s))?.into_inner();
            let responses = responses.take(batches_max.min(READ_BATCHES_MAX));
            let batches = responses.map(|response| {
                let response = response.map_err(|s| read_error(&s))?;
                batch(response.events).map(Arc::new)
            });
            batches.try_collect().await
        }
        .boxed()
    }

    fn follow(&self, from: u64) -> BoxStream<'static, Result<Arc<Batch>, ReadError>> {
        let subscription = Subscription { client: self.client.clone(), next: from.max(1), responses: None };
        stream::unfold(Some(subscription), |subscription| async {
            let mut subscription = subscription?;
            match subscription.next().await {
                Ok(batch) => Some((Ok(batch), Some(subscription))),
                Err(error) => Some((Err(error), None)),
            }
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

/// Follows the log, over the death and return of whoever serves it.
struct Subscription {
    client: EventLogServiceClient<Link>,
    next: u64,
    responses: Option<Streaming<SubscribeEventsResponse>>,
}

impl Subscription {
    /// The next batch, however long that takes. Only damage is an error.
    async fn next(&mut self) -> Result<Arc<Batch>, ReadError> {
        loop {
            let lost = match &mut self.responses {
                None => {
                    let request = SubscribeEventsRequest { from_position: self.next };
                    match self.client.subscribe_events(request).await {
                        Ok(responses) => {
                            self.responses = Some(responses.into_inner());
                            continue;
                        }
                        Err(status) => read_error(&status),
                    }
                }
                Some(responses) => match responses.next().await {
                    Some(Ok(response)) => {
                        let batch = batch(response.events)?;
                        self.next = batch.end();
                        return Ok(Arc::new(batch));
                    }
                    Some(Err(status)) => read_error(&status),
                    None => ReadError::Unavailable("the stream ended".to_owned()),
                },
            };
            if let ReadError::Damaged { .. } = lost {
                return Err(lost);
            }
            tracing::warn!(error = %lost, position = self.next, "lost the event log; trying again");
            self.responses = None;
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
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

fn append_error(status: &Status) -> AppendError {
    match status.code() {
        Code::InvalidArgument => AppendError::Invalid(status.message().to_owned()),
        Code::Aborted => AppendError::Conflict {
            stream: text(status, LOST_STREAM),
            actual: number(status, ACTUAL_POSITION),
        },
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
    text(status, key).parse().unwrap_or(0)
}

fn text(status: &Status, key: &str) -> String {
    status.metadata().get(key).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
}
