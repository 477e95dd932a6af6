//! Signs the head as it moves. Decides when; what is signed and how it is written is its neighbours'.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{SignedHead, Signer, WitnessError, WitnessFile};
use crate::{Head, clock};

/// Signs the log's head and appends it to the witness file whenever it has moved, at most once per `every`,
/// and once more when the log has ended or `shutdown` asks. An empty log is not signed, and no head twice.
///
/// What the log takes after `shutdown` is not witnessed: close the log first, or leave it to the log's end.
///
/// # Errors
/// The first failed append. What was appended before is on stable storage; the rest is unknown.
pub async fn keep(
    mut log_heads: watch::Receiver<Head>,
    signer: Signer,
    mut file: WitnessFile,
    every: Duration,
    shutdown: CancellationToken,
) -> Result<(), WitnessError> {
    let mut signed = 0;
    loop {
        let ends = tokio::select! {
            biased;
            () = shutdown.cancelled() => true,
            moved = log_heads.wait_for(|head| head.position != signed) => moved.is_err(),
        };
        let head = *log_heads.borrow();
        if head.position != signed {
            file = append(file, signer.sign(&head, clock::now())).await?;
            signed = head.position;
        }
        if ends {
            return Ok(());
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            // Never so while the log lives: this waits for its end.
            _ = log_heads.wait_for(|_| false) => {}
            () = tokio::time::sleep(every) => {}
        }
    }
}

/// Appends on a thread that may wait for the disk. If nobody waits any more, the line is still written.
async fn append(mut file: WitnessFile, head: SignedHead) -> Result<WitnessFile, WitnessError> {
    let failed = WitnessError::io("append to the witness file", file.path());
    let appended = tokio::task::spawn_blocking(move || file.append(&head).map(|()| file)).await;
    appended.map_err(|error| failed(error.into()))?
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use std::path::{Path, PathBuf};
    use tempfile::TempDir;
    use tokio::task::JoinSet;

    const EVERY: Duration = Duration::from_secs(60);

    struct Scene {
        dir: TempDir,
        heads: watch::Sender<Head>,
        shutdown: CancellationToken,
        task: JoinSet<Result<(), WitnessError>>,
    }

    fn head(position: u64) -> Head {
        Head { position, hash: [u8::try_from(position).unwrap(); 32] }
    }

    impl Scene {
        fn start(position: u64) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let (heads, receiver) = watch::channel(head(position));
            let shutdown = CancellationToken::new();
            let signer = Signer::open(&dir.path().join("key")).unwrap();
            let file = WitnessFile::open(&path(dir.path())).unwrap();
            let mut task = JoinSet::new();
            task.spawn(keep(receiver, signer, file, EVERY, shutdown.clone()));
            Self { dir, heads, shutdown, task }
        }

        fn witnessed(&self) -> Vec<u64> {
            let heads = read(&path(self.dir.path()), None).unwrap();
            assert!(heads.iter().all(|signed| signed.head() == head(signed.position)));
            heads.iter().map(|head| head.position).collect()
        }

        /// The clock is paused: the runtime moves it, and only when there is nothing else to do.
        async fn until_witnessed(&self, positions: &[u64]) {
            for _ in 0..1_000 {
                if self.witnessed() == positions {
                    return;
                }
                tokio::time::sleep(EVERY / 100).await;
            }
            panic!("{:?} is witnessed, not {positions:?}", self.witnessed());
        }

        async fn end(&mut self) {
            self.task.join_next().await.unwrap().unwrap().unwrap();
        }
    }

    fn path(dir: &Path) -> PathBuf {
        dir.join("witness")
    }

    // P11: the head of a closed log is witnessed, however soon before the shutdown it came.
    #[tokio::test(start_paused = true)]
    async fn the_last_head_is_signed_at_shutdown() {
        let start = tokio::time::Instant::now();
        let mut scene = Scene::start(0);
        scene.heads.send(head(3)).unwrap();
        scene.until_witnessed(&[3]).await;
        scene.heads.send(head(4)).unwrap();
        scene.heads.send(head(5)).unwrap();
        scene.shutdown.cancel();
        scene.end().await;
        assert!(start.elapsed() < EVERY, "after {:?}", start.elapsed());
        assert_eq!(scene.witnessed(), [3, 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_head_is_signed_at_the_end_of_the_log() {
        let start = tokio::time::Instant::now();
        let mut scene = Scene::start(3);
        scene.until_witnessed(&[3]).await;
        scene.heads.send(head(5)).unwrap();
        scene.heads = watch::channel(head(0)).0;
        scene.end().await;
        assert!(start.elapsed() < EVERY, "after {:?}", start.elapsed());
        assert_eq!(scene.witnessed(), [3, 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_is_signed_at_most_once_per_interval() {
        let start = tokio::time::Instant::now();
        let mut scene = Scene::start(1);
        scene.until_witnessed(&[1]).await;
        scene.heads.send(head(2)).unwrap();
        scene.heads.send(head(3)).unwrap();
        scene.until_witnessed(&[1, 3]).await;
        assert!(start.elapsed() >= EVERY, "after {:?}", start.elapsed());
        scene.shutdown.cancel();
        scene.end().await;
        assert_eq!(scene.witnessed(), [1, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_log_is_not_signed() {
        let mut scene = Scene::start(0);
        scene.shutdown.cancel();
        scene.end().await;
        assert_eq!(scene.witnessed(), [0; 0]);
    }
}
