//! `sos.log.v1` over any [`EventLog`].

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt as _};
use sos_proto::log::v1::event_log_service_server::{EventLogService, EventLogServiceServer};
use sos_proto::log::v1::{
    AppendEventsRequest, AppendEventsResponse, AppendResult, GetHeadRequest, GetHeadResponse,
    ReadEventsRequest, ReadEventsResponse, SubscribeEventsRequest, SubscribeEventsResponse,
};
use sos_proto::time;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::{Append, AppendError, Batch, EventLog, Expected, READ_BATCHES_MAX, ReadError, Record};

/// Serves an event log over gRPC.
#[derive(Clone)]
pub struct LogService {
    log: Arc<dyn EventLog>,
    access: Access,
    shutdown: CancellationToken,
}

/// What a port may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading: where operators and auditors connect.
    Read,
    /// Appending too: where a processor connects.
    Append,
}

impl LogService {
    /// The service for a tonic router. Subscriptions end at shutdown.
    pub fn server(
        log: Arc<dyn EventLog>,
        access: Access,
        shutdown: CancellationToken,
    ) -> EventLogServiceServer<Self> {
        EventLogServiceServer::new(Self { log, access, shutdown })
    }
}

/// Serves an event log alone, for reading and appending, until shutdown.
///
/// # Errors
/// If the listener fails.
pub async fn serve(
    listener: TcpListener,
    log: Arc<dyn EventLog>,
    shutdown: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    let service = LogService::server(log, Access::Append, shutdown.clone());
    tonic::transport::Server::builder()
        .tcp_nodelay(true)
        .add_service(service)
        .serve_with_incoming_shutdown(TcpIncoming::from(listener), shutdown.cancelled_owned())
        .await
}

type Responses<T> = BoxStream<'static, Result<T, Status>>;

#[tonic::async_trait]
impl EventLogService for LogService {
    async fn append_events(
        &self,
        request: Request<AppendEventsRequest>,
    ) -> Result<Response<AppendEventsResponse>, Status> {
        if self.access == Access::Read {
            return Err(Status::permission_denied("this port only reads the log"));
        }
        let request = request.into_inner();
        let expected = request.expected.into_iter();
        let expected = expected.map(|e| Expected { stream: e.stream, position: e.position }).collect();
        let appended = self.log.append(Append { events: request.events, expected }).await;
        let results = appended.map_err(append_status)?.into_iter().map(|a| AppendResult {
            position: a.position,
            event_id: a.event_id,
            recorded_at: Some(time::timestamp(a.recorded_at)),
            duplicate: a.duplicate,
        });
        Ok(Response::new(AppendEventsResponse { results: results.collect() }))
    }

    type ReadEventsStream = Responses<ReadEventsResponse>;

    async fn read_events(
        &self,
        request: Request<ReadEventsRequest>,
    ) -> Result<Response<Self::ReadEventsStream>, Status> {
        let request = request.into_inner();
        let head = self.log.head().await.map_err(read_status)?.position;
        let from = request.from_position.max(1);
        let to = if request.to_position == 0 { head } else { request.to_position.min(head) };
        let log = Arc::clone(&self.log);
        let pages = stream::try_unfold(from, move |next| {
            let log = Arc::clone(&log);
            async move {
                if next > to {
                    return Ok(None);
                }
                if request.as_stored {
                    stored(&log.read_records(next, READ_BATCHES_MAX).await.map_err(read_status)?, next, to)
                } else {
                    Ok(events(&log.read(next, READ_BATCHES_MAX).await.map_err(read_status)?, next, to))
                }
            }
        });
        let responses = pages.map(|page: Result<Vec<_>, Status>| match page {
            Ok(page) => stream::iter(page.into_iter().map(Ok)).left_stream(),
            Err(status) => stream::iter([Err(status)]).right_stream(),
        });
        Ok(Response::new(responses.flatten().boxed()))
    }

    type SubscribeEventsStream = Responses<SubscribeEventsResponse>;

    async fn subscribe_events(
        &self,
        request: Request<SubscribeEventsRequest>,
    ) -> Result<Response<Self::SubscribeEventsStream>, Status> {
        let batches = self.log.follow(request.into_inner().from_position.max(1));
        let responses = batches.map(|batch| {
            let events = batch.map_err(read_status)?.recorded().collect();
            Ok(SubscribeEventsResponse { events })
        });
        Ok(Response::new(responses.take_until(self.shutdown.clone().cancelled_owned()).boxed()))
    }

    async fn get_head(&self, _: Request<GetHeadRequest>) -> Result<Response<GetHeadResponse>, Status> {
        let head = self.log.head().await.map_err(read_status)?;
        Ok(Response::new(GetHeadResponse { position: head.position, hash: head.hash.to_vec() }))
    }
}

/// The responses for some stored records, and the position behind them; nothing where the log ends early.
fn stored(records: &[Record], from: u64, to: u64) -> Result<Option<(Vec<ReadEventsResponse>, u64)>, Status> {
    let mut next = from;
    let mut responses = Vec::with_capacity(records.len());
    for record in records.iter().take_while(|r| r.first <= to) {
        next = record.decode().map_err(read_status)?.end();
        let (record, record_position) = (record.bytes.clone(), record.first);
        responses.push(ReadEventsResponse { events: Vec::new(), record, record_position });
    }
    Ok((next > from).then_some((responses, next)))
}

/// The same for the events in them.
fn events(batches: &[Arc<Batch>], from: u64, to: u64) -> Option<(Vec<ReadEventsResponse>, u64)> {
    let mut next = from;
    let mut responses = Vec::with_capacity(batches.len());
    for batch in batches.iter().take_while(|batch| batch.first() <= to) {
        let events = batch.recorded().filter(|e| (from..=to).contains(&e.position)).collect();
        responses.push(ReadEventsResponse { events, ..ReadEventsResponse::default() });
        next = batch.end();
    }
    (next > from).then_some((responses, next))
}

fn append_status(error: AppendError) -> Status {
    match error {
        AppendError::Invalid(_) => Status::invalid_argument(error.to_string()),
        AppendError::Conflict { ref stream, actual } => {
            let mut status = Status::aborted(error.to_string());
            status.metadata_mut().insert(ACTUAL_POSITION, actual.into());
            if let Ok(stream) = stream.parse() {
                status.metadata_mut().insert(LOST_STREAM, stream);
            }
            status
        }
        AppendError::Unavailable(reason) => Status::unavailable(reason),
    }
}

/// Metadata key that tells where a stream ends after a lost race.
pub(crate) const ACTUAL_POSITION: &str = "sos-actual-position";

/// Metadata key that tells which stream it was.
pub(crate) const LOST_STREAM: &str = "sos-stream";

/// Metadata key that tells the first bad position.
pub(crate) const DAMAGED_POSITION: &str = "sos-damaged-position";

fn read_status(error: ReadError) -> Status {
    match error {
        ReadError::Damaged { position, reason } => {
            let mut status = Status::data_loss(reason);
            status.metadata_mut().insert(DAMAGED_POSITION, position.into());
            status
        }
        ReadError::Unavailable(reason) => Status::unavailable(reason),
    }
}
