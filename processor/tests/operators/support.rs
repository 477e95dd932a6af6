//! A town to test in: a log, a processor on it, call points that press, and operators.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sos_eventlog::{Append, EventLog, LocalLog, READ_BATCHES_MAX, clock};
use sos_processor::{Config, Error, Processor};
use sos_proto::alert::v1::alert_service_client::AlertServiceClient;
pub use sos_proto::alert::v1::watch_alerts_response::Event as Step;
use sos_proto::alert::v1::{
    AcknowledgeAlertRequest, AddNoteRequest, Alert, AlertFilter, GetAlertRequest, Heartbeat,
    ListAlertsRequest, ResolveAlertRequest, WatchAlertsRequest, WatchAlertsResponse,
};
use sos_proto::device::v1::Press;
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{Disposition, Event, RecordedEvent};
use sos_proto::time;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

pub type Client = AlertServiceClient<Channel>;

/// Short, so that tests see heartbeats soon.
pub const HEARTBEAT: Duration = Duration::from_millis(20);

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn config() -> Config {
    Config { heartbeat: HEARTBEAT, return_wait: Duration::ZERO, ..Config::default() }
}

/// A log that is taken down with the test.
pub fn log() -> Arc<dyn EventLog> {
    Arc::new(LocalLog::in_memory())
}

/// A running processor.
pub struct Town {
    pub log: Arc<dyn EventLog>,
    pub address: SocketAddr,
    pub shutdown: CancellationToken,
    pub running: JoinSet<Result<(), Error>>,
}

impl Town {
    pub async fn new() -> Self {
        Self::on(log(), config()).await
    }

    /// Starts a processor and waits until it is ready.
    pub async fn on(log: Arc<dyn EventLog>, config: Config) -> Self {
        let processor = Processor::new(config, Arc::clone(&log));
        let mut ready = processor.readiness();
        let town = Self::starting(log, processor).await;
        ready.wait_for(|ready| *ready).await.unwrap();
        town
    }

    pub async fn starting(log: Arc<dyn EventLog>, processor: Processor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let mut running = JoinSet::new();
        running.spawn(processor.run(listener, Routes::default(), shutdown.clone()));
        Self { log, address, shutdown, running }
    }

    pub async fn stop(mut self) -> Result<(), Error> {
        self.shutdown.cancel();
        self.running.join_next().await.unwrap().unwrap()
    }

    pub async fn channel(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    pub async fn client(&self) -> Client {
        Client::new(self.channel().await)
    }

    /// Appends an event of a call point, and answers its id and position.
    pub async fn happens(&self, site: &str, device: &str, body: Body) -> (String, u64) {
        let event = happening(site, device, body);
        let appended = self.log.append(Append::one(event)).await.unwrap().remove(0);
        (appended.event_id, appended.position)
    }

    /// Presses, and answers the event's id, which is that of the alert if the press opened one.
    pub async fn press(&self, device: &str) -> String {
        self.happens("hall", device, Body::Press(Press::default())).await.0
    }

    /// Waits until everything in the log is folded: a watch behind the head does not start before.
    pub async fn settle(&self, client: &mut Client) {
        let head = self.log.head().await.unwrap().position;
        watch(client, None, head).await.unwrap();
    }

    /// Every event of the log.
    pub async fn events(&self) -> Vec<RecordedEvent> {
        let mut events = Vec::new();
        loop {
            let batches = self.log.read(events.len() as u64 + 1, READ_BATCHES_MAX).await.unwrap();
            if batches.is_empty() {
                return events;
            }
            events.extend(batches.iter().flat_map(|batch| batch.recorded()));
        }
    }
}

/// An event of a call point.
pub fn happening(site: &str, device: &str, body: Body) -> Event {
    Event {
        event_id: uuid::Uuid::now_v7().to_string(),
        site_id: site.into(),
        device_id: device.into(),
        received_at: Some(time::timestamp(clock::now())),
        schema: 1,
        body: Some(body),
        ..Event::default()
    }
}

/// A request in the name of an operator.
pub fn by<T>(operator: &str, request: T) -> Request<T> {
    let mut request = Request::new(request);
    request.metadata_mut().insert("sos-operator", operator.parse().unwrap());
    request
}

pub async fn acknowledge(
    client: &mut Client,
    operator: &str,
    alert_id: &str,
    request_id: &str,
) -> Result<Alert, Status> {
    let request = AcknowledgeAlertRequest {
        alert_id: alert_id.into(),
        request_id: request_id.into(),
        expected_revision: None,
    };
    Ok(client.acknowledge_alert(by(operator, request)).await?.into_inner().alert.unwrap())
}

pub async fn add_note(
    client: &mut Client,
    operator: &str,
    alert_id: &str,
    request_id: &str,
) -> Result<Alert, Status> {
    let request = AddNoteRequest {
        alert_id: alert_id.into(),
        request_id: request_id.into(),
        expected_revision: None,
        note: "on the phone".into(),
    };
    Ok(client.add_note(by(operator, request)).await?.into_inner().alert.unwrap())
}

pub async fn resolve(
    client: &mut Client,
    operator: &str,
    alert_id: &str,
    request_id: &str,
) -> Result<Alert, Status> {
    let request = ResolveAlertRequest {
        alert_id: alert_id.into(),
        request_id: request_id.into(),
        expected_revision: None,
        disposition: Disposition::Genuine.into(),
        note: String::new(),
    };
    Ok(client.resolve_alert(by(operator, request)).await?.into_inner().alert.unwrap())
}

/// Every alert that fits, newest opening first.
pub async fn list(client: &mut Client, filter: Option<AlertFilter>) -> Vec<Alert> {
    let request = ListAlertsRequest {
        filter,
        page_size: 1_000,
        page_token: String::new(),
        ..ListAlertsRequest::default()
    };
    client.list_alerts(request).await.unwrap().into_inner().alerts
}

/// The timeline of an alert, as the positions of its events.
pub async fn timeline(client: &mut Client, alert_id: &str) -> (Alert, Vec<u64>) {
    let request = GetAlertRequest { alert_id: alert_id.into() };
    let answer = client.get_alert(request).await.unwrap().into_inner();
    (answer.alert.unwrap(), answer.timeline.iter().map(|event| event.position).collect())
}

pub async fn watch(
    client: &mut Client,
    filter: Option<AlertFilter>,
    after_position: u64,
) -> Result<Streaming<WatchAlertsResponse>, Status> {
    Ok(client.watch_alerts(WatchAlertsRequest { filter, after_position }).await?.into_inner())
}

/// The next step of a watch that is no heartbeat, with its position.
pub async fn step(stream: &mut Streaming<WatchAlertsResponse>) -> (u64, Step) {
    next(stream, |event| (!matches!(event, Step::Heartbeat(_))).then_some(event)).await
}

/// The next heartbeat of a watch, with its position.
pub async fn heartbeat(stream: &mut Streaming<WatchAlertsResponse>) -> (u64, Heartbeat) {
    next(stream, |event| if let Step::Heartbeat(heartbeat) = event { Some(heartbeat) } else { None }).await
}

async fn next<T>(stream: &mut Streaming<WatchAlertsResponse>, pick: impl Fn(Step) -> Option<T>) -> (u64, T) {
    let picked = async {
        loop {
            let message = stream.message().await.unwrap().expect("a watch never ends by itself");
            if let Some(event) = message.event.and_then(&pick) {
                return (message.position, event);
            }
        }
    };
    tokio::time::timeout(PATIENCE, picked).await.expect("the watch tells it")
}
