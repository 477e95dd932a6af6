//! Consoles that watch as docs/protocol.md says, across every kill, and keep what they are shown.
//!
//! Invariant (P5): what a console holds came to it over its watch; nothing is asked for again.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sos_proto::session::v1::GetSessionRequest;
use sos_proto::session::v1::session_service_client::SessionServiceClient;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

/// A console that hears nothing for so long is stale, and connects anew.
const STALE_AFTER: Duration = Duration::from_secs(3);

/// Pause before a console tries again.
const RETRY: Duration = Duration::from_millis(200);

/// Differences that are told of each console; there may be more.
const TOLD_MAX: usize = 3;

/// All there are by their names, and the position that all pages reflect; none where it changed between two of them.
pub type Listed<T> = Result<Option<(u64, BTreeMap<String, T>)>, Status>;

/// What can be watched and listed.
pub trait Shown: Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static {
    /// In words.
    const WHAT: &'static str;
    /// What the server sends.
    type Message: Send;
    /// Watches behind a position.
    fn watch(
        channel: Channel,
        after: u64,
    ) -> impl Future<Output = Result<Streaming<Self::Message>, Status>> + Send;
    /// Position and meaning of what the server sent.
    fn read(message: Self::Message) -> (u64, Step<Self>);
    /// All there are.
    fn list(channel: Channel) -> impl Future<Output = Listed<Self>>;
    /// Names it.
    fn key(&self) -> String;
    /// Where it last changed; 0 where that is not told.
    fn position(&self) -> u64;
}

/// One step of a watch.
pub enum Step<T> {
    /// It is so now.
    Is(T),
    /// The stream is alive, and the log that long.
    Beat(u64),
    /// Everything else.
    Other,
}

/// What a console holds.
pub struct View<T> {
    /// Everything that it was shown, in its newest state.
    pub items: BTreeMap<String, T>,
    /// Where it would resume.
    pub position: u64,
    /// Watches that it had; each but the first resumed.
    pub watches: u32,
    /// What no console may be shown.
    pub problems: Vec<String>,
    /// Behind which position it watches.
    after: u64,
    log_id: String,
}

impl<T: Shown> View<T> {
    fn new() -> Self {
        let (items, problems, log_id) = (BTreeMap::new(), Vec::new(), String::new());
        Self { items, position: 0, watches: 0, problems, after: 0, log_id }
    }

    fn take(&mut self, (position, step): (u64, Step<T>)) {
        if position != 0 && position < self.position {
            self.problems.push(format!("position {position} came after {}", self.position));
        }
        self.position = self.position.max(position);
        match step {
            Step::Is(item) => {
                let (key, at) = (item.key(), item.position());
                if at != 0 && at <= self.after {
                    self.problems.push(format!("{key} of {at} came to who was at {} already", self.after));
                }
                if self.items.get(&key).is_some_and(|known| known.position() > at) {
                    self.problems.push(format!("{key} of {at} came after a newer one"));
                }
                self.items.insert(key, item);
            }
            Step::Beat(head) if head < position => {
                self.problems.push(format!("position {position} is beyond the head, {head}"));
            }
            Step::Beat(_) | Step::Other => {}
        }
    }
}

/// A console.
#[derive(Clone)]
pub struct Console<T>(Arc<Mutex<View<T>>>);

impl<T: Shown> Console<T> {
    /// One that was shown nothing yet.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(View::new())))
    }

    /// Looks at what it holds.
    pub fn look<R>(&self, at: impl FnOnce(&mut View<T>) -> R) -> R {
        at(&mut self.0.lock().unwrap())
    }

    /// Watches until it is stopped, and comes back after every break.
    pub async fn watch(self, grpc: String, stop: CancellationToken) {
        let watching = async {
            loop {
                // What ended the stream does not matter: whoever watches comes back.
                let _broken = self.follow(&grpc).await;
                sleep(RETRY).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = watching => {}
        }
    }

    async fn follow(&self, grpc: &str) -> Result<(), Status> {
        let channel = connect(grpc).await?;
        let session = SessionServiceClient::new(channel.clone()).get_session(GetSessionRequest {}).await?;
        let log_id = session.into_inner().log_id;
        let after = self.look(|view| {
            if !view.log_id.is_empty() && view.log_id != log_id {
                view.problems.push(format!("the log was {}, and is {log_id}", view.log_id));
            }
            view.log_id = log_id;
            if view.position == 0 {
                view.items.clear();
            }
            view.after = view.position;
            view.position
        });
        let silence = |_| Status::deadline_exceeded("silence");
        let mut stream = timeout(STALE_AFTER, T::watch(channel, after)).await.map_err(silence)??;
        self.look(|view| view.watches += 1);
        while let Some(message) = timeout(STALE_AFTER, stream.message()).await.map_err(silence)?? {
            self.look(|view| view.take(T::read(message)));
        }
        Ok(())
    }

    /// What it holds otherwise than a fresh list.
    pub fn differences(&self, fresh: &BTreeMap<String, T>) -> Vec<String> {
        self.look(|view| {
            let keys = fresh.keys().chain(view.items.keys().filter(|key| !fresh.contains_key(*key)));
            let wrong = keys.filter(|key| fresh.get(*key) != view.items.get(*key));
            let mut told: Vec<_> = wrong
                .map(|key| format!("{key}: shown {:?}, listed {:?}", view.items.get(key), fresh.get(key)))
                .collect();
            told.extend(view.problems.iter().cloned());
            let more = told.len().saturating_sub(TOLD_MAX);
            told.truncate(TOLD_MAX);
            if more > 0 {
                told.push(format!("… and {more} more"));
            }
            told
        })
    }
}

/// Connects to the server.
pub async fn connect(grpc: &str) -> Result<Channel, Status> {
    let endpoint = Channel::from_shared(format!("http://{grpc}")).unwrap();
    endpoint.connect().await.map_err(|error| Status::unavailable(error.to_string()))
}
