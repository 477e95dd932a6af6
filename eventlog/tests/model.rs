//! Random histories of a log on a disk that fails, held against a model: a map from position to event.
//!
//! `SOS_SEED` repeats one history, `SOS_HISTORIES` sets how many are run.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use fastrand::Rng;
use futures::future::join_all;
use futures::{FutureExt as _, StreamExt as _};
use sos_eventlog::store::{Crash, Fault, FaultyStore};
use sos_eventlog::{Append, AppendError, Appended, EventLog, Expected, LocalLog, ReadError, StartError};
use sos_proto::event::v1::{DeviceOrigin, Event};

/// Operations of one history.
const STEPS: usize = 60;

/// What must be true of the log.
#[derive(Default)]
struct Model {
    /// Acknowledged events: they are there, at these positions, for ever.
    acknowledged: BTreeMap<u64, Event>,
    /// Events that were asked for and not answered: each may be there, once.
    unknown: Vec<Event>,
    /// Sequence of the next new event.
    sequence: u64,
}

/// A history under way.
struct History {
    random: Rng,
    model: Model,
    store: FaultyStore,
    index: tempfile::TempDir,
    log: LocalLog<FaultyStore>,
}

impl History {
    fn begin(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let store = FaultyStore::with_segments(random.u64(5..60));
        let index = tempfile::tempdir().unwrap();
        let log = LocalLog::start(store.clone(), Some(index.path().to_owned())).unwrap();
        Self { random, model: Model::default(), store, index, log }
    }

    fn new_event(&mut self) -> Event {
        self.model.sequence += 1;
        let sequence = self.model.sequence;
        Event {
            event_id: format!("event-{sequence}"),
            site_id: "s".to_owned(),
            device_id: format!("d{}", self.random.u8(0..3)),
            alert_id: if self.random.bool() {
                format!("alert-{}", self.random.u8(0..3))
            } else {
                String::new()
            },
            origin: Some(DeviceOrigin { boot_id: "b".to_owned(), sequence, ..DeviceOrigin::default() }),
            traceparent: "x".repeat(self.random.usize(0..2_000)),
            ..Event::default()
        }
    }

    /// Some appends at once: new events, repeats, and conditions that hold or do not.
    async fn append(&mut self) {
        let mut asked = Vec::new();
        for _ in 0..self.random.usize(1..12) {
            let mut events = Vec::new();
            for _ in 0..self.random.usize(1..4) {
                let known = self.model.acknowledged.values().chain(&self.model.unknown).cloned();
                let known: Vec<_> = known.collect();
                match self.random.choice(known) {
                    Some(event) if self.random.u8(0..4) == 0 && !events.contains(&event) => {
                        events.push(event)
                    }
                    _ => events.push(self.new_event()),
                }
            }
            asked.push(events);
        }
        let answers = asked
            .iter()
            .map(|events| self.log.append(Append { events: events.clone(), expected: Vec::new() }));
        let answers = join_all(answers).await;
        for (events, answer) in asked.into_iter().zip(answers) {
            self.learn(events, answer);
        }
    }

    fn learn(&mut self, events: Vec<Event>, answer: Result<Vec<Appended>, AppendError>) {
        match answer {
            Ok(appended) => {
                assert_eq!(appended.len(), events.len());
                for (event, appended) in events.into_iter().zip(appended) {
                    // P2: a repeat is answered with the first one's position.
                    let known = self.model.acknowledged.iter().find(|(_, e)| e.event_id == event.event_id);
                    if let Some((position, _)) = known {
                        assert_eq!((appended.position, appended.duplicate), (*position, true), "{event:?}");
                    }
                    assert_eq!(appended.event_id, event.event_id);
                    self.model.unknown.retain(|unknown| unknown.event_id != event.event_id);
                    self.model.acknowledged.insert(appended.position, event);
                }
            }
            Err(AppendError::Unavailable(_)) => {
                let known = |e: &Event| self.model.acknowledged.values().any(|a| a.event_id == e.event_id);
                let new: Vec<_> = events.into_iter().filter(|event| !known(event)).collect();
                for event in new {
                    self.model.unknown.retain(|unknown| unknown.event_id != event.event_id);
                    self.model.unknown.push(event);
                }
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    /// P6: a stream is extended only where it ends.
    async fn append_expecting(&mut self) {
        if !self.model.unknown.is_empty() {
            return;
        }
        let alert = format!("alert-{}", self.random.u8(0..3));
        let end =
            self.model.acknowledged.iter().rev().find(|(_, e)| e.alert_id == alert).map_or(0, |(p, _)| *p);
        let wrong = self.random.bool();
        let mut event = self.new_event();
        event.alert_id.clone_from(&alert);
        let expected = vec![Expected::alert(&alert, if wrong { end + 1 } else { end })];
        let answer = self.log.append(Append { events: vec![event.clone()], expected }).await;
        match answer {
            Err(AppendError::Conflict { actual, .. }) => {
                assert!(wrong && actual == end, "{alert} {actual} {end}")
            }
            Ok(_) if wrong => panic!("{alert} was extended behind {}", end + 1),
            answer => self.learn(vec![event], answer),
        }
    }

    /// What is read is what was acknowledged, without gaps, and nothing that nobody asked for.
    async fn compare(&mut self) {
        let head = self.log.head().await.unwrap().position;
        let mut read = BTreeMap::new();
        let mut next = 1;
        while next <= head {
            for batch in self.log.read(next, self.random.usize(1..64)).await.unwrap() {
                next = batch.end();
                read.extend(batch.events().map(|(position, event)| (position, event.clone())));
            }
        }
        assert!(read.keys().copied().eq(1..=head), "gaps: {:?}", read.keys());
        for (position, event) in &self.model.acknowledged {
            assert_eq!(read.get(position), Some(event), "lost or changed: position {position}");
        }
        for (position, event) in &read {
            let asked = self.model.acknowledged.contains_key(position) || self.model.unknown.contains(event);
            assert!(asked, "nobody asked for {position}: {event:?}");
        }
        let from = self.random.u64(1..head + 2);
        let mut followed = Vec::new();
        let mut batches = self.log.follow(from);
        while (followed.len() as u64) + from <= head {
            let batch = batches.next().await.unwrap().unwrap();
            followed.extend(batch.events().map(|(position, _)| position));
        }
        assert!(followed.iter().copied().eq(from..=head));
        assert!(batches.next().now_or_never().is_none());
        // What was in doubt is known now.
        self.model.unknown.retain(|unknown| !read.values().any(|event| event == unknown));
        self.model.acknowledged = read;
    }

    async fn restart(&mut self) -> Result<(), StartError> {
        self.log.close().await;
        let crash = match self.random.u8(0..3) {
            0 => Crash::Killed,
            _ => Crash::PowerCut {
                writes_kept: self.random.usize(0..4),
                anchors_lost: self.random.usize(0..3),
            },
        };
        self.store.crash(crash);
        if self.random.u8(0..4) == 0 {
            // P4: what is derived may be lost at any time.
            for file in std::fs::read_dir(self.index.path()).unwrap() {
                std::fs::remove_file(file.unwrap().path()).unwrap();
            }
        }
        self.log = LocalLog::start(self.store.clone(), Some(self.index.path().to_owned()))?;
        Ok(())
    }

    async fn run(&mut self) {
        for _ in 0..STEPS {
            match self.random.u8(0..20) {
                0..=11 => self.append().await,
                12..=14 => self.append_expecting().await,
                15 => self.store.arm(Fault::WriteFailsAfter(self.random.u32(0..8))),
                16 => self.store.arm(Fault::SyncFailsAfter(self.random.u32(0..8))),
                _ => {
                    self.restart().await.unwrap();
                    self.compare().await;
                }
            }
        }
        self.restart().await.unwrap();
        self.compare().await;
        self.damage().await;
    }

    /// P11: a flipped bit is found at the next start that reads everything, at or before its position.
    async fn damage(&mut self) {
        let head = self.log.head().await.unwrap().position;
        let position = self.random.u64(1..head + 2);
        let byte = self.random.usize(0..100);
        self.log.close().await;
        if position > head || !self.store.flip(position, byte, self.random.u8(0..8)) {
            return;
        }
        match LocalLog::start(self.store.clone(), None).map(drop) {
            Err(StartError::Read(ReadError::Damaged { position: found, .. })) => {
                let end = self.model.acknowledged.len() as u64;
                assert!(found <= end, "found at {found} of {end}");
            }
            other => panic!("byte {byte} at {position} of {head}: {other:?}"),
        }
    }
}

// P1, P2, P4, P6, P11: whatever fails, and whenever.
#[tokio::test]
async fn random_histories_agree_with_the_model() {
    let from_env = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let histories = from_env("SOS_HISTORIES").unwrap_or(60);
    let seeds: Vec<_> = match from_env("SOS_SEED") {
        Some(seed) => vec![seed],
        None => (0..histories).map(|_| fastrand::u64(..)).collect(),
    };
    for seed in seeds {
        let ran =
            std::panic::AssertUnwindSafe(async { History::begin(seed).run().await }).catch_unwind().await;
        assert!(ran.is_ok(), "repeat with SOS_SEED={seed}");
    }
}
