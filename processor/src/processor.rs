//! Wires the parts together, serves them on one port, and takes them down in order.
//!
//! Every task is owned here: if one fails, the processor stops and says why.

use std::sync::Arc;

use sos_auth::incoming::incoming;
use sos_auth::{Door, Guard};
use sos_eventlog::EventLog;
use sos_proto::alert::v1::alert_service_server::AlertServiceServer;
use sos_proto::log::v1::event_log_service_server;
use sos_proto::registry::v1::registry_service_server::RegistryServiceServer;
use sos_proto::session::v1::session_service_server::SessionServiceServer;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::server::NamedService;
use tonic::service::{Routes, RoutesBuilder};
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{self, HealthServer};
use tonic_health::server::{HealthReporter, HealthService};
use tonic_reflection::pb as reflection;
use tonic_web::GrpcWebLayer;

use crate::config::{Config, HEADER_BYTES_MAX, PING_INTERVAL, PING_TIMEOUT, REQUEST_BYTES_MAX, STREAMS_MAX};
use crate::core::State;
use crate::cors::cors;
use crate::deadlines;
use crate::erasure::Eraser;
use crate::head::watch_head;
use crate::live::{FollowError, Live};
use crate::on_duty::OnDuty;
use crate::service::{AlertApi, Gate, Pace, RegistryApi, SessionApi, Watchers, WatchesEnd};
use crate::snapshot::Keeper;
use crate::telemetry;

/// Names under which the health of the processor is asked for; the empty one is the whole server.
const HEALTH_NAMES: [&str; 4] = [
    "",
    AlertServiceServer::<AlertApi>::NAME,
    RegistryServiceServer::<RegistryApi>::NAME,
    SessionServiceServer::<SessionApi>::NAME,
];

/// Services that reflection names: what this port serves, of all that the files describe.
const SERVICE_NAMES: [&str; 7] = [
    AlertServiceServer::<AlertApi>::NAME,
    RegistryServiceServer::<RegistryApi>::NAME,
    SessionServiceServer::<SessionApi>::NAME,
    event_log_service_server::SERVICE_NAME,
    health_server::SERVICE_NAME,
    reflection::v1::server_reflection_server::SERVICE_NAME,
    reflection::v1alpha::server_reflection_server::SERVICE_NAME,
];

/// Why the processor stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Live state can follow the log no longer.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// The port cannot be served.
    #[error("failed to serve gRPC")]
    Serve(#[from] tonic::transport::Error),
    /// The description of the services cannot be served.
    #[error("failed to describe the services")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// One of the processor's own tasks has panicked.
    #[error("a task of the processor failed")]
    Task(#[from] tokio::task::JoinError),
}

/// Turns the log into live alerts and serves them.
pub struct Processor {
    config: Config,
    log: Arc<dyn EventLog>,
    live: Arc<Live>,
    on_duty: Arc<OnDuty>,
    ready: watch::Sender<bool>,
}

impl Processor {
    /// A processor on a log; it does nothing before it runs.
    #[must_use]
    pub fn new(config: Config, log: Arc<dyn EventLog>) -> Self {
        let rules = Arc::new(config.rules.clone());
        let live = Arc::new(Live::new(State::new(rules)));
        Self { config, log, live, on_duty: Arc::default(), ready: watch::Sender::new(false) }
    }

    /// Becomes true once everything is folded that the log held when the processor started.
    #[must_use]
    pub fn readiness(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }

    /// Follows the log and serves the operator contract, health, reflection and `extra` on one port, as
    /// gRPC and gRPC-Web; `extra` is the place for `sos.log.v1`, which reflection names too. Until `shutdown`. Then watches end with UNAVAILABLE and calls under way are
    /// finished, for at most [`Config::drain`].
    ///
    /// # Errors
    /// If the log cannot be followed any more, or the port cannot be served.
    pub async fn run(
        self,
        door: impl Into<Door>,
        extra: Routes,
        shutdown: CancellationToken,
    ) -> Result<(), Error> {
        let stop = CancellationToken::new();
        let health = HealthReporter::new();
        for name in HEALTH_NAMES {
            health.set_service_status(name, ServingStatus::NotServing).await;
        }
        let keeper = self.restore().await;
        let head = watch::Sender::new(None);
        let watches = WatchesEnd::default();
        let eraser = Eraser::new(keeper.clone());
        let routes = self.routes(extra, &health, head.subscribe(), watches.clone(), eraser.clone())?;
        let mut tasks = self.start_tasks(head, health.clone(), keeper.clone(), eraser);

        let Door { listener, tls, proof, origins, limits } = door.into();
        let incoming = incoming(listener, tls, limits);
        let server = Server::builder()
            .accept_http1(true)
            .max_concurrent_streams(STREAMS_MAX)
            .http2_max_header_list_size(HEADER_BYTES_MAX)
            .http2_keepalive_interval(Some(PING_INTERVAL))
            .http2_keepalive_timeout(Some(PING_TIMEOUT))
            .layer(cors(&origins))
            .layer(GrpcWebLayer::new())
            .layer(Guard::new(proof, origins))
            .add_routes(routes)
            .serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned());
        tokio::pin!(server);

        let ended = tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            error = first_failure(&mut tasks) => Err(error),
            served = &mut server => {
                watches.stop();
                watches.cut().await;
                return Ok(served?);
            }
        };
        stop.cancel();
        watches.stop();
        let drained = tokio::time::timeout(self.config.drain, async {
            close_health(health).await;
            let served = server.await;
            watches.ended().await;
            served
        });
        let drained = drained.await;
        watches.cut().await;
        tasks.shutdown().await;
        if let (Some(keeper), Ok(())) = (&keeper, &ended) {
            // Of no matter if it comes to nothing.
            let _kept = keeper.save(&self.live, &*self.log).await;
        }
        match drained {
            Ok(served) => ended.and(served.map_err(Error::Serve)),
            Err(_) => {
                telemetry::drain_cut_off();
                ended
            }
        }
    }

    /// Goes on from the newest snapshot, if snapshots are kept and there is one.
    async fn restore(&self) -> Option<Arc<Keeper>> {
        let keeper = Keeper::new(self.config.snapshots.as_deref()?);
        let rules = Arc::new(self.config.rules.clone());
        if let Some(state) = keeper.load(&*self.log, &rules).await {
            self.live.restore(state);
        }
        Some(Arc::new(keeper))
    }

    fn routes(
        &self,
        extra: Routes,
        health: &HealthReporter,
        head: watch::Receiver<Option<u64>>,
        watches: WatchesEnd,
        eraser: Eraser,
    ) -> Result<Routes, Error> {
        let (config, live, log) = (&self.config, Arc::clone(&self.live), Arc::clone(&self.log));
        let pace = Pace { heartbeat: config.heartbeat, stall: config.watch_stall };
        let on_duty = Arc::clone(&self.on_duty);
        let watchers = Arc::new(Watchers::new(config.watchers_max, pace, head, on_duty, watches));
        let gate = Gate::new(self.ready.subscribe(), config.calls_max);
        let (watching, log_too) = (Arc::clone(&watchers), Arc::clone(&log));
        let registry = RegistryApi::new(Arc::clone(&live), log_too, watching, gate.clone());
        let session = SessionApi::new(Arc::clone(&log));
        let alerts = AlertApi::new(live, log, watchers, gate, eraser);
        let describe = || {
            let files = tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(sos_proto::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
            SERVICE_NAMES.into_iter().fold(files, |files, name| files.with_service_name(name))
        };
        let mut routes = RoutesBuilder::from(extra);
        routes
            .add_service(AlertServiceServer::new(alerts).max_decoding_message_size(REQUEST_BYTES_MAX))
            .add_service(RegistryServiceServer::new(registry).max_decoding_message_size(REQUEST_BYTES_MAX))
            .add_service(SessionServiceServer::new(session).max_decoding_message_size(REQUEST_BYTES_MAX))
            .add_service(HealthServer::new(HealthService::from_health_reporter(health.clone())))
            .add_service(describe().build_v1()?)
            .add_service(describe().build_v1alpha()?);
        Ok(routes.routes())
    }

    /// The tasks that run as long as the processor; whichever ends with an error stops it.
    fn start_tasks(
        &self,
        head: watch::Sender<Option<u64>>,
        health: HealthReporter,
        keeper: Option<Arc<Keeper>>,
        eraser: Eraser,
    ) -> JoinSet<Result<(), Error>> {
        let mut tasks = JoinSet::new();
        if let Some(keeper) = keeper {
            let (live, log) = (Arc::clone(&self.live), Arc::clone(&self.log));
            tasks.spawn(async move {
                keeper.keep(&live, &*log).await;
                Ok(())
            });
        }
        let (live, log) = (Arc::clone(&self.live), Arc::clone(&self.log));
        tasks.spawn(async move { Err(live.follow(&*log).await.into()) });

        let (log, period) = (Arc::clone(&self.log), self.config.heartbeat);
        tasks.spawn(async move {
            watch_head(&*log, period, &head).await;
            Ok(())
        });

        let (live, log, ready) = (Arc::clone(&self.live), Arc::clone(&self.log), self.ready.clone());
        tasks.spawn(async move {
            let head = log.head().await.map_err(FollowError::Read)?.position;
            live.reach(head).await;
            for name in HEALTH_NAMES {
                health.set_service_status(name, ServingStatus::Serving).await;
            }
            telemetry::ready(head);
            ready.send_replace(true);
            Ok(())
        });

        let (live, log, mut ready) = (Arc::clone(&self.live), Arc::clone(&self.log), self.ready.subscribe());
        let (waits, on_duty) = (self.config.deadlines.clone(), Arc::clone(&self.on_duty));
        let return_wait = self.config.return_wait;
        tasks.spawn(async move {
            // What was not folded yet may have been dealt with.
            if ready.wait_for(|ready| *ready).await.is_ok() {
                tokio::time::sleep(return_wait).await;
                deadlines::keep(&live, &*log, &waits, &on_duty).await;
            }
            Ok(())
        });

        let (live, log, mut ready) = (Arc::clone(&self.live), Arc::clone(&self.log), self.ready.subscribe());
        tasks.spawn(async move {
            // Beside the deadlines, which must not wait for it.
            if ready.wait_for(|ready| *ready).await.is_ok() {
                eraser.catch_up(&live, &*log).await;
            }
            Ok(())
        });
        tasks
    }
}

/// The first error of a task; a task that ends well is no reason to stop.
async fn first_failure(tasks: &mut JoinSet<Result<(), Error>>) -> Error {
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error,
            Err(error) => return error.into(),
        }
    }
    FollowError::Closed.into()
}

/// Tells who watches the health that it is over, and ends those streams: they would hold up the drain.
async fn close_health(mut health: HealthReporter) {
    for name in HEALTH_NAMES {
        health.set_service_status(name, ServingStatus::NotServing).await;
        health.clear_service_status(name).await;
    }
}
