//! Segments that are open for reading: a few at a time, the longest unused closed first (P10).

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::StoreError;

/// Segments open for reading at one time. Who needs a further one waits until one is let go.
const OPEN_MAX: usize = 2;

/// What is open, by first position; the longest unused first.
#[derive(Debug)]
pub(super) struct Pool<S> {
    open: Mutex<Vec<(u64, Arc<S>)>>,
    freed: Condvar,
}

/// The use of an open segment.
#[derive(Debug)]
pub(super) struct Lease<S> {
    segment: Option<Arc<S>>,
    pool: Arc<Pool<S>>,
}

impl<S> Default for Pool<S> {
    fn default() -> Self {
        Self { open: Mutex::default(), freed: Condvar::new() }
    }
}

impl<S> Pool<S> {
    /// The segment that begins at `first`, opened by `open` if it is not open yet.
    pub fn lease(
        self: &Arc<Self>,
        first: u64,
        open: impl FnOnce() -> Result<S, StoreError>,
    ) -> Result<Lease<S>, StoreError> {
        let mut segments = self.lock();
        loop {
            if let Some(at) = segments.iter().position(|(f, _)| *f == first) {
                let entry = segments.remove(at);
                let segment = Arc::clone(&entry.1);
                segments.push(entry);
                return Ok(Lease { segment: Some(segment), pool: Arc::clone(self) });
            }
            if segments.len() < OPEN_MAX {
                break;
            }
            // What was added beyond the limit goes as well.
            match segments.iter().position(|(_, s)| Arc::strong_count(s) == 1) {
                Some(idle) => drop(segments.remove(idle)),
                None => segments = self.freed.wait(segments).unwrap_or_else(PoisonError::into_inner),
            }
        }
        let segment = Arc::new(open()?);
        segments.push((first, Arc::clone(&segment)));
        Ok(Lease { segment: Some(segment), pool: Arc::clone(self) })
    }

    /// Keeps a segment that is open already, beyond the limit if need be.
    pub fn add(&self, first: u64, segment: Arc<S>) {
        self.lock().push((first, segment));
    }

    /// Changes what is on disk of a segment, while nobody opens one. Who has it open keeps what was there.
    pub fn replace<T, E>(&self, first: u64, change: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let mut segments = self.lock();
        let changed = change()?;
        segments.retain(|(f, _)| *f != first);
        self.freed.notify_all();
        Ok(changed)
    }

    /// Closes everything as soon as nobody uses it.
    pub fn clear(&self) {
        self.lock().clear();
        self.freed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(u64, Arc<S>)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Lease<S> {
    /// What is leased.
    pub fn get(&self) -> Option<&S> {
        self.segment.as_deref()
    }
}

impl<S> Drop for Lease<S> {
    fn drop(&mut self) {
        // Let go first, so that whoever waits finds it idle.
        drop(self.segment.take());
        drop(self.pool.lock());
        self.pool.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(pool: &Arc<Pool<u64>>, first: u64) -> Lease<u64> {
        pool.lease(first, || Ok(first)).unwrap()
    }

    fn open(pool: &Pool<u64>) -> Vec<u64> {
        pool.lock().iter().map(|(first, _)| *first).collect()
    }

    // P10: only so many are open, and the longest unused goes first.
    #[test]
    fn the_longest_unused_is_closed() {
        let pool = Arc::default();
        for first in [1, 2, 1, 3] {
            drop(lease(&pool, first));
        }
        assert_eq!(open(&pool), [1, 3]);
        pool.replace(1, || Ok::<_, StoreError>(())).unwrap();
        assert_eq!(open(&pool), [3]);
    }

    // P10: who needs one too many waits until one is let go.
    #[test]
    fn one_too_many_waits() {
        let pool = Arc::default();
        let mut held: Vec<_> = (1..=2).map(|first| lease(&pool, first)).collect();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| lease(&pool, 3));
            // What is open can be leased meanwhile.
            assert_eq!(lease(&pool, 2).get(), Some(&2));
            assert!(!waiting.is_finished());
            held.remove(0);
            assert_eq!(waiting.join().unwrap().get(), Some(&3));
        });
        assert_eq!(open(&pool).len(), OPEN_MAX);
    }

    #[test]
    fn what_cannot_be_opened_is_not_kept() {
        let pool: Arc<Pool<u64>> = Arc::default();
        assert!(pool.lease(1, || Err(StoreError::damaged("bad"))).is_err());
        assert!(open(&pool).is_empty());
    }
}
