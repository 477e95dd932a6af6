//! Signed heads of the log, handed to a file outside its directory while the server runs (P11).
//!
//! A witness that cannot be written costs no press: it is complained about and tried again.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use sos_eventlog::witness::{self, Signer, WitnessError, WitnessFile};
use sos_eventlog::{EventLog as _, KnownHeads, LocalLog, ReadError};
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// Time between two tries to write to the witness.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// The witness of a log.
pub struct Witness {
    path: PathBuf,
    key: PathBuf,
    interval: Duration,
}

impl Witness {
    /// The one that is configured.
    pub fn configured(config: &Config) -> Option<Self> {
        let log = &config.log;
        let default = || config.data.join("witness-key");
        let key = if log.witness_key.as_os_str().is_empty() { default() } else { log.witness_key.clone() };
        let interval = Duration::from_secs(log.witness_interval_s);
        (!log.witness.as_os_str().is_empty()).then(|| Self { path: log.witness.clone(), key, interval })
    }

    /// Checks that the log holds what the witness saw last. Where the witness cannot be read that is
    /// complained about only.
    ///
    /// # Errors
    /// If the log is not the one that was witnessed, or was cut.
    pub async fn check(&self, log: &LocalLog) -> anyhow::Result<()> {
        let path = self.path.clone();
        let seen = match tokio::task::spawn_blocking(move || witness::read(&path, None)).await? {
            Ok(seen) => seen,
            Err(WitnessError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Ok(());
            }
            Err(error) => {
                tracing::error!(
                    error = format!("{:#}", anyhow::Error::from(error)),
                    "the witness cannot be read"
                );
                return Ok(());
            }
        };
        let Some(last) = seen.last() else { return Ok(()) };
        let head = log.head().await?;
        let mut known = KnownHeads::new(vec![last.head()], 1);
        known.finish(head).with_context(|| self.contradicts())?;
        if let Some(record) = log.read_records(last.position, 1).await?.first() {
            let mut chain = sos_eventlog::Chain::before(record)?;
            let taken = chain.take(record).and_then(|_| known.pass(record.first, chain.head()));
            taken.map_err(|error: ReadError| anyhow::Error::from(error).context(self.contradicts()))?;
        }
        Ok(())
    }

    fn contradicts(&self) -> String {
        format!("the log contradicts its witness {}: run `sos log verify --witness`", self.path.display())
    }

    /// Signs heads until the log is closed.
    pub async fn keep(self, log: LocalLog) -> anyhow::Result<()> {
        let heads = log.heads();
        // Holding the log would keep its heads from ending.
        drop(log);
        loop {
            let (path, key) = (self.path.clone(), self.key.clone());
            let open = move || Ok((Signer::open(&key)?, WitnessFile::open(&path)?));
            let kept = match tokio::task::spawn_blocking(open).await? {
                Ok((signer, file)) => {
                    witness::keep(heads.clone(), signer, file, self.interval, CancellationToken::new()).await
                }
                Err(error) => Err(error),
            };
            match kept {
                Ok(()) => return Ok(()),
                Err(error) => {
                    let error = format!("{:#}", anyhow::Error::from(error));
                    tracing::error!(error, "a signed head did not reach the witness; trying again");
                }
            }
            if heads.has_changed().is_err() {
                return Ok(());
            }
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
    }
}
