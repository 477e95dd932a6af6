//! How far the log has come, asked once a heartbeat for all consoles together.
//!
//! Invariant: a head that is no longer known is not passed on. Consoles then get no heartbeat and say
//! themselves that they are stale (P5).

use std::time::Duration;

use sos_eventlog::EventLog;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::telemetry;

/// Asks the log once a period, for ever. An answer that takes longer than a period counts as none.
pub(crate) async fn watch_head(log: &dyn EventLog, period: Duration, head: &watch::Sender<Option<u64>>) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let known = match tokio::time::timeout(period, log.head()).await {
            Ok(Ok(head)) => Ok(head.position),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        };
        if let Err(reason) = &known
            && head.borrow().is_some()
        {
            telemetry::head_unknown(reason);
        }
        head.send_replace(known.ok());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures::future::BoxFuture;
    use futures::stream::{self, BoxStream, StreamExt as _};
    use sos_eventlog::{Append, AppendError, Appended, Batch, Head, ReadError, Record};

    use super::*;

    /// Knows its head every other time.
    #[derive(Default)]
    struct Wavering(AtomicU64);

    impl EventLog for Wavering {
        fn append(&self, _: Append) -> BoxFuture<'_, Result<Vec<Appended>, AppendError>> {
            Box::pin(async { Ok(Vec::new()) })
        }

        fn read_records(&self, _: u64, _: usize) -> BoxFuture<'_, Result<Vec<Record>, ReadError>> {
            Box::pin(async { Ok(Vec::new()) })
        }

        fn follow(&self, _: u64) -> BoxStream<'static, Result<Arc<Batch>, ReadError>> {
            stream::empty().boxed()
        }

        fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
            let asked = self.0.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move {
                match asked % 2 {
                    0 => Ok(Head { position: asked, ..Head::default() }),
                    _ => Err(ReadError::Unavailable("gone".to_owned())),
                }
            })
        }
    }

    // P5: an old head is not passed on as the present one.
    #[tokio::test(start_paused = true)]
    async fn a_head_is_known_or_not() {
        let (log, sender) = (Wavering::default(), watch::Sender::new(None));
        let mut head = sender.subscribe();
        let look = async {
            for expected in [Some(0), None, Some(2), None] {
                head.changed().await.unwrap();
                assert_eq!(*head.borrow_and_update(), expected);
            }
        };
        tokio::select! {
            () = watch_head(&log, Duration::from_millis(1), &sender) => {}
            () = look => {}
        }
    }
}
