//! One virtual call point: stays connected, publishes what it is told, repeats what is not acknowledged, and
//! notes what it hears.
//!
//! Invariant: a message goes out under its first number until it is acknowledged, as firmware should (P2, P3).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use sos_proto::call_point::{CallPoint, Leaf};
use sos_proto::device::v1::{DeviceState, Feedback, Receipt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::config::{ANSWER_WAIT, Broker, KEEP_ALIVE};
use crate::faults::Faults;
use crate::ledger::{Fact, Meant};
use crate::retry::Pauses;
use crate::telemetry;
use crate::wire::{Heard, Will, Wire, WireError};

/// Messages of one call point that may be unacknowledged at once.
pub(crate) const IN_FLIGHT_MAX: usize = 64;

/// Pause before a connection that was cut on purpose is made again.
const CUT_PAUSE: Duration = Duration::from_millis(50);

/// What a button is told to do.
#[derive(Debug)]
pub(crate) enum Order {
    /// Publish something that must be acknowledged.
    Publish(Publication),
    /// Publish something that need not arrive, such as a health report.
    Report(Leaf, Bytes),
    /// Lose the connection without a word, and come back after a while.
    Vanish(Duration),
}

/// Something to publish.
#[derive(Debug)]
pub(crate) struct Publication {
    pub(crate) n: u64,
    pub(crate) what: &'static str,
    pub(crate) sequence: u64,
    pub(crate) leaf: Leaf,
    pub(crate) body: Bytes,
    /// When it should leave; now if that is not said.
    pub(crate) due: Option<Instant>,
}

/// What all buttons of a run share.
pub(crate) struct Shared {
    pub(crate) broker: Broker,
    pub(crate) faults: Faults,
    pub(crate) facts: mpsc::Sender<Fact>,
    pub(crate) start: Instant,
    pub(crate) shutdown: CancellationToken,
    /// How long what is unacknowledged may still be answered after the shutdown.
    pub(crate) drain: Duration,
    /// Say hello, and leave a last will.
    pub(crate) presence: bool,
    /// Unacknowledged at once, at most.
    pub(crate) in_flight: usize,
}

/// A virtual call point.
pub(crate) struct Button {
    shared: Arc<Shared>,
    call_point: CallPoint,
    boot_id: String,
    orders: mpsc::Receiver<Order>,
    chance: fastrand::Rng,
    pending: VecDeque<Pending>,
    held: Option<Publication>,
    /// The number in the run of each sequence.
    numbers: HashMap<u64, u64>,
    pkid: u16,
}

/// A message that was sent and not acknowledged.
struct Pending {
    publication: Publication,
    pkid: u16,
    sent: Instant,
}

/// Why a connection ended.
enum Ended {
    /// Nothing more is to be done.
    Done,
    /// It is to come back after a pause.
    Cut(Duration),
    Failed(WireError),
}

impl From<WireError> for Ended {
    fn from(error: WireError) -> Self {
        Self::Failed(error)
    }
}

impl Button {
    /// A button that does what is ordered; `seed` is its own.
    pub(crate) fn new(
        shared: Arc<Shared>,
        call_point: CallPoint,
        boot_id: String,
        orders: mpsc::Receiver<Order>,
        seed: u64,
    ) -> Self {
        let chance = fastrand::Rng::with_seed(seed);
        let (pending, held, numbers, pkid) = (VecDeque::new(), None, HashMap::new(), 0);
        Self { shared, call_point, boot_id, orders, chance, pending, held, numbers, pkid }
    }

    /// Runs until there are no more orders and everything is acknowledged, or the drain is over.
    pub(crate) async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let limit = async {
            shared.shutdown.cancelled().await;
            sleep(shared.drain).await;
        };
        tokio::select! {
            () = self.stay_connected() => {}
            () = limit => {}
        }
    }

    async fn stay_connected(&mut self) {
        let mut pauses = Pauses::default();
        loop {
            let pause = match self.connection(&mut pauses).await {
                Ended::Done => return,
                Ended::Cut(pause) => pause,
                Ended::Failed(error) => {
                    let pause = pauses.next(&mut self.chance);
                    telemetry::unanswered(&self.call_point.to_string(), &error, pause);
                    pause
                }
            };
            sleep(pause).await;
        }
    }

    async fn connection(&mut self, pauses: &mut Pauses) -> Ended {
        match self.connected(pauses).await {
            Ok(ended) | Err(ended) => ended,
        }
    }

    async fn connected(&mut self, pauses: &mut Pauses) -> Result<Ended, Ended> {
        let will = self
            .shared
            .presence
            .then(|| Will { topic: self.call_point.topic(Leaf::State), body: self.state(false) });
        let client_id = self.call_point.to_string();
        let mut wire = Wire::connect(&self.shared.broker, &client_id, will).await?;
        *pauses = Pauses::default();
        for leaf in [Leaf::Receipt, Leaf::Feedback] {
            let pkid = self.next_pkid();
            wire.subscribe(&self.call_point.topic(leaf), pkid)?;
        }
        if self.shared.presence {
            let pkid = self.next_pkid();
            wire.publish(&self.call_point.topic(Leaf::State), &self.state(true), pkid, true)?;
        }
        self.repeat(&mut wire)?;
        let mut ping = tokio::time::interval(KEEP_ALIVE / 2);
        ping.tick().await;
        loop {
            wire.flush().await?;
            let oldest =
                self.pending.front().map_or_else(|| Instant::now() + ANSWER_WAIT, |p| p.sent + ANSWER_WAIT);
            tokio::select! {
                heard = wire.next() => self.hear(heard?).await,
                order = self.orders.recv(), if self.pending.len() < self.shared.in_flight => match order {
                    Some(order) => self.carry_out(&mut wire, order).await?,
                    None if self.pending.is_empty() && self.held.is_none() => {
                        wire.farewell()?;
                        wire.flush().await?;
                        return Ok(Ended::Done);
                    }
                    None => {
                        if let Some(held) = self.held.take() {
                            self.send(&mut wire, held).await?;
                        }
                        wire.flush().await?;
                        self.hear_next(&mut wire).await?;
                    }
                },
                _ = ping.tick() => wire.ping()?,
                () = sleep_until(oldest), if !self.pending.is_empty() => {
                    return Ok(Ended::Cut(CUT_PAUSE));
                }
            }
        }
    }

    /// Sends everything again that was not acknowledged.
    fn repeat(&mut self, wire: &mut Wire) -> Result<(), Ended> {
        for number in 0..self.pending.len() {
            let pkid = self.next_pkid();
            let Some(pending) = self.pending.get_mut(number) else { break };
            (pending.pkid, pending.sent) = (pkid, Instant::now());
            let topic = self.call_point.topic(pending.publication.leaf);
            wire.publish(&topic, &pending.publication.body, pkid, false)?;
        }
        Ok(())
    }

    /// Waits for an answer, and not for orders, of which there are no more.
    async fn hear_next(&mut self, wire: &mut Wire) -> Result<(), Ended> {
        match tokio::time::timeout(ANSWER_WAIT, wire.next()).await {
            Ok(heard) => {
                self.hear(heard?).await;
                Ok(())
            }
            Err(_) => Err(Ended::Cut(CUT_PAUSE)),
        }
    }

    async fn carry_out(&mut self, wire: &mut Wire, order: Order) -> Result<(), Ended> {
        match order {
            Order::Publish(publication) => {
                let at = publication.due.map_or_else(|| self.now(), |due| micros(due, self.shared.start));
                self.note(Fact::Meant(Meant {
                    n: publication.n,
                    call_point: self.call_point.to_string(),
                    boot_id: self.boot_id.clone(),
                    sequence: publication.sequence,
                    what: publication.what.to_owned(),
                    at,
                }))
                .await;
                self.numbers.insert(publication.sequence, publication.n);
                let before = self.held.take();
                if before.is_none() && self.shared.faults.reorders(&mut self.chance) {
                    self.held = Some(publication);
                    return Ok(());
                }
                let sent = self.send(wire, publication).await;
                if sent.is_err() {
                    self.held = before;
                    return sent;
                }
                match before {
                    Some(before) => self.send(wire, before).await,
                    None => Ok(()),
                }
            }
            Order::Report(leaf, body) => {
                wire.publish(&self.call_point.topic(leaf), &body, 0, false)?;
                Ok(())
            }
            Order::Vanish(pause) => Err(Ended::Cut(pause)),
        }
    }

    async fn send(&mut self, wire: &mut Wire, publication: Publication) -> Result<(), Ended> {
        let misfortune = self.shared.faults.next(&mut self.chance);
        if !misfortune.delay.is_zero() {
            sleep(misfortune.delay).await;
        }
        let pkid = self.next_pkid();
        let (n, topic, body) =
            (publication.n, self.call_point.topic(publication.leaf), publication.body.clone());
        // From now on it is repeated until it is acknowledged.
        self.pending.push_back(Pending { publication, pkid, sent: Instant::now() });
        wire.publish(&topic, &body, pkid, false)?;
        if misfortune.duplicate {
            let another = self.next_pkid();
            wire.publish(&topic, &body, another, false)?;
        }
        self.note(Fact::Sent { n, at: self.now() }).await;
        if misfortune.reset {
            wire.flush().await?;
            return Err(Ended::Cut(CUT_PAUSE));
        }
        Ok(())
    }

    async fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Acknowledged(pkid) => {
                let acked = self.pending.iter().position(|pending| pending.pkid == pkid);
                if let Some(pending) = acked.and_then(|at| self.pending.remove(at)) {
                    self.note(Fact::Acked { n: pending.publication.n, at: self.now() }).await;
                }
            }
            Heard::Message { topic, body } => self.listen(&topic, &body).await,
        }
    }

    /// What the gateway says. Bytes that are neither a receipt nor feedback are none of this button's business.
    async fn listen(&self, topic: &str, body: &[u8]) {
        let at = self.now();
        let Ok((_, leaf)) = CallPoint::parse_topic(topic) else { return };
        match leaf {
            Leaf::Receipt => {
                let Ok(receipt) = Receipt::decode(body) else { return };
                if receipt.boot_id != self.boot_id {
                    return;
                }
                let status = receipt.status().as_str_name().to_owned();
                let (event_id, position) = (receipt.event_id, receipt.position);
                let Some(n) = self.numbers.get(&receipt.sequence).copied() else { return };
                self.note(Fact::Receipt { n, at, event_id, position, status }).await;
            }
            Leaf::Feedback => {
                let Ok(feedback) = Feedback::decode(body) else { return };
                let indicator = feedback.indicator().as_str_name().to_owned();
                let call_point = self.call_point.to_string();
                self.note(Fact::Lamp { call_point, at, alert_id: feedback.alert_id, indicator }).await;
            }
            _ => {}
        }
    }

    async fn note(&self, fact: Fact) {
        // Fails only where the run is over.
        let _noted = self.shared.facts.send(fact).await;
    }

    fn now(&self) -> u64 {
        micros(Instant::now(), self.shared.start)
    }

    fn state(&self, online: bool) -> Vec<u8> {
        let (boot_id, firmware) = (self.boot_id.clone(), "simulator".to_owned());
        DeviceState { online, boot_id, firmware, capabilities: Vec::new() }.encode_to_vec()
    }

    fn next_pkid(&mut self) -> u16 {
        loop {
            self.pkid = self.pkid.checked_add(1).unwrap_or(1);
            if !self.pending.iter().any(|pending| pending.pkid == self.pkid) {
                return self.pkid;
            }
        }
    }
}

/// Microseconds from the start of a run.
pub(crate) fn micros(at: Instant, start: Instant) -> u64 {
    u64::try_from(at.saturating_duration_since(start).as_micros()).unwrap_or(u64::MAX)
}
