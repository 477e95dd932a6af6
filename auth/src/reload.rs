//! Things that are read from files, and read again when the files change.
//!
//! Invariant: what was read last stays in force while the files cannot be read.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

/// Time between two looks at the files.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// What is in force; changes when the files do.
pub type Current<T> = watch::Receiver<Arc<T>>;

/// Keeps something as new as its files.
pub struct Reload<T, L> {
    paths: Vec<PathBuf>,
    seen: Vec<Option<(SystemTime, u64)>>,
    load: L,
    current: watch::Sender<Arc<T>>,
}

impl<T, E: Display, L: Fn() -> Result<T, E>> Reload<T, L> {
    /// Reads it for the first time.
    ///
    /// # Errors
    /// If that fails.
    pub fn start(paths: Vec<PathBuf>, load: L) -> Result<Self, E> {
        let seen = paths.iter().map(|path| stamp(path)).collect();
        let current = watch::Sender::new(Arc::new(load()?));
        Ok(Self { paths, seen, load, current })
    }

    /// What is in force, and will be.
    #[must_use]
    pub fn current(&self) -> Current<T> {
        self.current.subscribe()
    }

    /// Looks at the files now and then, for as long as it is polled.
    pub async fn keep(mut self) {
        let mut look = interval(LOOK_INTERVAL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            let found: Vec<_> = self.paths.iter().map(|path| stamp(path)).collect();
            if found == self.seen {
                continue;
            }
            self.seen = found;
            let files =
                self.paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
            match (self.load)() {
                Ok(new) => {
                    self.current.send_replace(Arc::new(new));
                    tracing::info!(files, "read anew");
                }
                Err(error) => {
                    tracing::warn!(files, %error, "changed, but cannot be used: what was read before stays in force")
                }
            }
        }
    }
}

/// Waits until it is read anew; for ever where nobody looks at the files any more, since all is about to stop.
pub async fn changed<T>(current: &mut Current<T>) {
    if current.changed().await.is_err() {
        std::future::pending().await
    }
}

/// When a file changed last, and how long it is.
fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let found = path.metadata().ok()?;
    Some((found.modified().ok()?, found.len()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn a_changed_file_is_read_and_a_bad_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("number");
        fs::write(&path, "1").unwrap();
        let read = path.clone();
        let load = move || fs::read_to_string(&read).unwrap_or_default().parse::<u32>();
        let reload = Reload::start(vec![path.clone()], load).unwrap();
        let mut current = reload.current();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(reload.keep());
        assert_eq!(**current.borrow(), 1);
        fs::write(&path, "bad").unwrap();
        fs::write(&path, "222").unwrap();
        assert_eq!(**current.wait_for(|number| **number == 222).await.unwrap(), 222);
    }
}
