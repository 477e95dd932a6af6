//! The log of a stopped server, for reading. Nothing below its directory is written, so it may be on a medium
//! that cannot be.

use std::path::Path;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use crate::local::read_store;
use crate::store::SegmentStore;
use crate::{
    Append, AppendError, Appended, Batch, EventLog, Head, READ_BATCHES_MAX, ReadError, Record, StartError,
    recover,
};

/// The log of a stopped server, for reading.
#[derive(Debug, Clone)]
pub struct StoppedLog {
    store: Arc<SegmentStore>,
    head: Head,
}

impl StoppedLog {
    /// Opens the log below `data`. Believes its seals, and checks what they do not vouch for.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn open(data: &Path) -> Result<Self, StartError> {
        let store = SegmentStore::read_only(data)?;
        let head = recover::end(&store)?.head;
        Ok(Self { store: Arc::new(store), head })
    }
}

impl EventLog for StoppedLog {
    fn append(&self, _: Append) -> BoxFuture<'_, Result<Vec<Appended>, AppendError>> {
        async { Err(AppendError::Unavailable("it is only read".to_owned())) }.boxed()
    }

    fn read_records(&self, from: u64, batches_max: usize) -> BoxFuture<'_, Result<Vec<Record>, ReadError>> {
        read_store(Arc::clone(&self.store), from, batches_max, self.head.position).boxed()
    }

    /// Ends at the head, since nothing comes behind it.
    fn follow(&self, from: u64) -> BoxStream<'static, Result<Arc<Batch>, ReadError>> {
        let pages = stream::try_unfold((self.clone(), from.max(1)), |(log, next)| async move {
            let batches = log.read(next, READ_BATCHES_MAX).await?;
            let Some(end) = batches.last().map(|batch| batch.end()) else { return Ok(None) };
            let new = batches.into_iter().map(move |batch| Ok(batch.from_position(next)));
            Ok::<_, ReadError>(Some((stream::iter(new), (log, end))))
        });
        pages.try_flatten().boxed()
    }

    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
        let head = self.head;
        async move { Ok(head) }.boxed()
    }
}
