//! From MQTT to the event log, and back to the device.
//!
//! Two ways in, one ingest: the [embedded] broker and a subscriber at an [external] one both end in
//! [`ingest`], which decodes, normalises, appends and answers. What devices should see follows from the log
//! alone ([`devices`]). No alert rules here.

pub mod access;
pub mod decode;
pub mod devices;
pub mod downlink;
pub mod embedded;
pub mod external;
pub mod ingest;
pub mod normal;
mod pace;
mod supervision;
mod telemetry;

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use futures::StreamExt as _;
use futures::stream::BoxStream;
use sos_eventlog::{Batch, EventLog, ReadError};
use sos_proto::call_point::CallPoint;
use sos_proto::event::v1::event::Body;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::devices::{Devices, Wanted};
use crate::downlink::Downlink;
use crate::embedded::Broker;
use crate::external::Uplink;
use crate::ingest::Ingest;
use crate::supervision::{Heard, Supervision};

/// Sessions that wait to be ended; beyond it the fold waits (P10).
const PARTING_MAX: usize = 1_024;

/// Which brokers the gateway serves.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The embedded broker. Absent: there is none.
    pub embedded: Option<embedded::Config>,
    /// An external broker. Absent: there is none.
    pub external: Option<external::Config>,
}

/// Why the gateway cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The embedded broker has no port.
    #[error("failed to listen for mqtt on {address}: {reason}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        reason: String,
    },
    /// The embedded broker ended.
    #[error("the embedded broker ended: {0}")]
    Broker(String),
    /// The log cannot be followed.
    #[error("failed to follow the event log: {0}")]
    Log(#[from] ReadError),
    /// The log was closed.
    #[error("the event log was closed")]
    LogClosed,
}

/// A gateway that knows the log so far, listens, but takes nothing yet.
pub struct Gateway {
    ingest: Ingest,
    fold: Fold,
    broker: Option<Broker>,
    uplink: Option<Uplink>,
    supervision: Supervision,
    ready: watch::Receiver<bool>,
}

impl Gateway {
    /// Folds the log and binds the port.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn start(config: Config, log: Arc<dyn EventLog>) -> Result<Self, Error> {
        telemetry::describe();
        let (folded, folded_rx) = watch::channel(0);
        let devices = Arc::new(RwLock::new(Devices::default()));
        let head = log.head().await?.position;
        let mut fold = Fold { batches: log.follow(1), devices: Arc::clone(&devices), folded };
        // P12: what is folded before the brokers are there reaches nobody.
        while *fold.folded.borrow() < head {
            fold.step().await?;
        }
        let broker = match config.embedded {
            Some(embedded) => {
                let address = embedded.listen;
                let access = Arc::new(Access::new(embedded.auth, Arc::clone(&devices)));
                let broker = Broker::bind(embedded, access).await;
                Some(broker.map_err(|reason| Error::Listen { address, reason })?)
            }
            None => None,
        };
        let (subscribed, ready) = watch::channel(config.external.is_none());
        let heard = Arc::new(Heard::default());
        let reached = config.external.as_ref().map(|e| (format!("{}:{}", e.host, e.port), ready.clone()));
        let supervision =
            Supervision::new(Arc::clone(&log), Arc::clone(&devices), Arc::clone(&heard), reached);
        let uplink = config.external.map(|external| Uplink::new(external, Arc::clone(&devices), subscribed));
        let ingest = Ingest::new(log, devices, folded_rx, heard);
        Ok(Self { ingest, fold, broker, uplink, supervision, ready })
    }

    /// Whether messages can reach the gateway; false while an external broker is out of reach.
    #[must_use]
    pub fn readiness(&self) -> watch::Receiver<bool> {
        self.ready.clone()
    }

    /// Where the embedded broker listens.
    #[must_use]
    pub fn mqtt_address(&self) -> Option<SocketAddr> {
        self.broker.as_ref().map(Broker::address)
    }

    /// Serves until shutdown, or until a part of it fails.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Error> {
        let mut tasks = JoinSet::new();
        let mut downlinks: Vec<Arc<dyn Downlink>> = Vec::new();
        if let Some(broker) = self.broker {
            downlinks.push(Arc::new(broker.downlink()));
            let (ingest, shutdown) = (self.ingest.clone(), shutdown.clone());
            tasks.spawn(async move {
                match shutdown.run_until_cancelled(broker.serve(ingest)).await {
                    Some(Err(reason)) => Err(Error::Broker(reason)),
                    _ => Ok(()),
                }
            });
        }
        if let Some(uplink) = self.uplink {
            downlinks.push(uplink.downlink());
            let (ingest, shutdown) = (self.ingest, shutdown.clone());
            tasks.spawn(async move {
                uplink.run(ingest, shutdown).await;
                Ok(())
            });
        }
        let (supervision, token) = (self.supervision, shutdown.clone());
        tasks.spawn(async move {
            token.run_until_cancelled(supervision.run()).await;
            Ok(())
        });
        let (parting, leaving) = mpsc::channel(PARTING_MAX);
        let (token, of_leaving) = (shutdown.clone(), downlinks.clone());
        tasks.spawn(async move {
            token.run_until_cancelled(part(leaving, of_leaving)).await;
            Ok(())
        });
        let token = shutdown.clone();
        tasks.spawn(async move {
            token.run_until_cancelled(self.fold.show(downlinks, parting)).await.unwrap_or(Ok(()))
        });
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(|e| Error::Broker(e.to_string())).flatten()?;
            if !shutdown.is_cancelled() {
                return Err(Error::Broker("a task ended early".to_owned()));
            }
        }
        Ok(())
    }
}

/// Ends the sessions of call points whose access has changed. A busy one takes seconds, which lamps must not wait for.
async fn part(mut leaving: mpsc::Receiver<CallPoint>, downlinks: Vec<Arc<dyn Downlink>>) {
    while let Some(call_point) = leaving.recv().await {
        for downlink in &downlinks {
            downlink.part(call_point.clone()).await;
        }
    }
    // The fold has ended, and tells why.
    std::future::pending().await
}

/// Follows the log and keeps [`Devices`] at its head.
struct Fold {
    batches: BoxStream<'static, Result<Arc<Batch>, ReadError>>,
    devices: Arc<RwLock<Devices>>,
    folded: watch::Sender<u64>,
}

impl Fold {
    /// Folds the next batch. Answers with the lamps that should change, and the call points whose access did.
    async fn step(&mut self) -> Result<(Vec<Wanted>, Vec<CallPoint>), Error> {
        let batch = self.batches.next().await.ok_or(Error::LogClosed)??;
        let changes = {
            let mut devices = self.devices.write().unwrap_or_else(PoisonError::into_inner);
            let recorded_at = batch.recorded_at();
            let evolve = |(position, event)| devices.evolve(position, recorded_at, event);
            batch.events().filter_map(evolve).collect()
        };
        self.folded.send_replace(batch.end() - 1);
        let access = batch.events().filter(|(_, e)| matches!(e.body, Some(Body::DeviceAccessChanged(_))));
        let parted = access.filter_map(|(_, e)| CallPoint::new(&e.site_id, &e.device_id).ok()).collect();
        Ok((changes, parted))
    }

    /// Shows on every lamp what it should show, now and whenever that changes. Wanted states may be sent
    /// again at any time (P12).
    async fn show(
        mut self,
        downlinks: Vec<Arc<dyn Downlink>>,
        parting: mpsc::Sender<CallPoint>,
    ) -> Result<(), Error> {
        let mut wanted: Vec<_> =
            self.devices.read().unwrap_or_else(PoisonError::into_inner).wanted().collect();
        loop {
            telemetry::feedback(wanted.len() as u64);
            for lamp in wanted {
                for downlink in &downlinks {
                    downlink.show(lamp.clone()).await;
                }
            }
            let (changed, access_changed) = self.step().await?;
            for call_point in access_changed {
                // Fails only at the end.
                let _told = parting.send(call_point).await;
            }
            wanted = changed;
        }
    }
}
