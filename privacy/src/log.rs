//! A log that knows what is personal.

use std::collections::HashSet;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use sos_eventlog::{
    Append, AppendError, Appended, Batch, EventLog, Head, READ_BATCHES_MAX, ReadError, Record,
};
use sos_proto::event::v1::Event;

use crate::keys::{KeyId, Keys};
use crate::seal;

/// A log whose personal data is sealed. Clones share it.
#[derive(Clone)]
pub struct PrivateLog {
    inner: Arc<dyn EventLog>,
    keys: Keys,
}

impl PrivateLog {
    /// Seals what goes into `inner`, and opens what comes out of it, with these keys.
    #[must_use]
    pub fn new(inner: Arc<dyn EventLog>, keys: Keys) -> Self {
        Self { inner, keys }
    }

    async fn append_sealed(&self, mut append: Append) -> Result<Vec<Appended>, AppendError> {
        let taken: Vec<_> = append.events.iter_mut().map(seal::take).collect();
        if taken.iter().all(Option::is_none) {
            return self.inner.append(append).await;
        }
        let ids = append.events.iter().zip(&taken).filter(|(_, personal)| personal.is_some());
        let ids: Vec<_> = ids.map(|(event, _)| seal::key_id(event)).collect();
        let unavailable = |error: &dyn std::fmt::Display| AppendError::Unavailable(error.to_string());
        let made = self.keys.make(ids.clone()).await.map_err(|error| unavailable(&error))?;
        let events = append.events.iter_mut().zip(taken);
        let events = events.filter_map(|(event, personal)| Some((event, personal?)));
        for ((event, personal), (id, key)) in events.zip(ids.into_iter().zip(made)) {
            let sealed = seal::seal(&personal, &event.event_id, id, &key);
            event.sealed = Some(sealed.ok_or_else(|| unavailable(&"an event cannot be sealed"))?);
        }
        self.inner.append(append).await
    }

    async fn forget_events(&self, positions: Vec<u64>) -> Result<(), AppendError> {
        let unavailable = |error: &dyn std::fmt::Display| AppendError::Unavailable(error.to_string());
        let mut ids = HashSet::new();
        for position in positions {
            let records = self.inner.read(position, 1).await.map_err(|error| unavailable(&error))?;
            let events = records.iter().flat_map(|batch| batch.events());
            let sealed =
                events.filter(|(at, _)| *at == position).filter_map(|(_, event)| event.sealed.as_ref());
            ids.extend(sealed.filter_map(|sealed| KeyId::try_from(&*sealed.key_id).ok()));
        }
        self.keys.erase(ids).await.map_err(|error| unavailable(&error))
    }
}

/// The same batch with everything opened that there is a key for.
fn opened(batch: Arc<Batch>, keys: &Keys) -> Arc<Batch> {
    if batch.events().all(|(_, event)| event.sealed.is_none()) {
        return batch;
    }
    let events = batch.events().map(|(_, event)| open(event.clone(), keys)).collect();
    Arc::new(Batch::new(batch.first(), batch.recorded_at(), events))
}

/// What was erased stays sealed.
fn open(mut event: Event, keys: &Keys) -> Event {
    let Some(sealed) = &event.sealed else { return event };
    let key = KeyId::try_from(&*sealed.key_id).ok().and_then(|id| keys.get(&id));
    if let Some(personal) = key.and_then(|key| seal::open(sealed, &event.event_id, &key)) {
        event.sealed = None;
        seal::give_back(&mut event, personal);
    }
    event
}

impl EventLog for PrivateLog {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Vec<Appended>, AppendError>> {
        self.append_sealed(append).boxed()
    }

    fn read_records(&self, from: u64, batches_max: usize) -> BoxFuture<'_, Result<Vec<Record>, ReadError>> {
        self.inner.read_records(from, batches_max)
    }

    fn read(&self, from: u64, batches_max: usize) -> BoxFuture<'_, Result<Vec<Arc<Batch>>, ReadError>> {
        let read = self.inner.read(from, batches_max.min(READ_BATCHES_MAX));
        async move { Ok(read.await?.into_iter().map(|batch| opened(batch, &self.keys)).collect()) }.boxed()
    }

    fn can_forget(&self) -> bool {
        true
    }

    fn forget(&self, positions: Vec<u64>) -> BoxFuture<'_, Result<(), AppendError>> {
        self.forget_events(positions).boxed()
    }

    fn follow(&self, from: u64) -> BoxStream<'static, Result<Arc<Batch>, ReadError>> {
        let keys = self.keys.clone();
        self.inner.follow(from).map(move |batch| batch.map(|batch| opened(batch, &keys))).boxed()
    }

    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
        self.inner.head()
    }
}

#[cfg(test)]
mod tests {
    use sos_eventlog::{LocalLog, Scope, verify};
    use sos_proto::device::v1::{Location, Press};
    use sos_proto::event::v1::DeviceOrigin;
    use sos_proto::event::v1::event::Body;

    use super::*;

    fn press(sequence: u64, note: &str) -> Event {
        let location = Location { latitude: 43.25, longitude: 76.95, ..Location::default() };
        let origin = DeviceOrigin {
            boot_id: "b".into(),
            sequence,
            location: Some(location),
            ..DeviceOrigin::default()
        };
        Event {
            event_id: format!("e{sequence}"),
            site_id: "hall".into(),
            device_id: "door".into(),
            origin: Some(origin),
            body: Some(Body::Press(Press { note: note.into(), ..Press::default() })),
            ..Event::default()
        }
    }

    // P2, P11: what is personal is read by who has the key and by nobody else, a repeat is a repeat, and the chain is
    // whole after the erasure.
    #[tokio::test]
    async fn what_is_erased_is_gone_and_the_chain_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let bare = LocalLog::open(&dir.path().join("log")).unwrap();
        let keys = Keys::open(&dir.path().join("keys")).unwrap();
        let log = PrivateLog::new(Arc::new(bare.clone()), keys);
        for event in [press(1, "Иванов, palata 7"), press(2, "other"), press(1, "Иванов, palata 7")]
        {
            log.append(Append::one(event)).await.unwrap();
        }
        assert_eq!(log.head().await.unwrap().position, 2);
        let events = |batches: Vec<Arc<Batch>>| -> Vec<Event> {
            batches.iter().flat_map(|b| b.events().map(|(_, e)| e.clone()).collect::<Vec<_>>()).collect()
        };
        assert_eq!(events(log.read(1, 9).await.unwrap()), [press(1, "Иванов, palata 7"), press(2, "other")]);
        let stored: Vec<_> = bare.read_records(1, 9).await.unwrap();
        let stored: Vec<u8> = stored.iter().flat_map(|record| record.bytes.to_vec()).collect();
        assert!(!stored.windows(6).any(|window| window == b"palata"), "not in the log in the clear");

        log.forget(vec![1]).await.unwrap();
        log.forget(vec![1]).await.unwrap();
        let left = events(log.read(1, 9).await.unwrap());
        assert!(left[0].sealed.is_some() && left[0].origin.as_ref().unwrap().location.is_none());
        assert_eq!(left[1], press(2, "other"));
        let followed = log.follow(1).next().await.unwrap().unwrap();
        assert!(followed.events().next().unwrap().1.sealed.is_some());
        let head = bare.head().await.unwrap();
        bare.close().await;
        drop((bare, log));
        let verified = verify(&dir.path().join("log"), &Scope::default(), |_, _| ()).unwrap();
        assert_eq!((verified, head.position), (head, 2));
    }
}
