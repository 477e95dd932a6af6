//! A sound log with bytes changed, cut off and taken away: reading it never panics, and never tells of fewer
//! events or of others than were written.

#![no_main]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use futures::TryStreamExt as _;
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use sos_eventlog::store::Limits;
use sos_eventlog::{Append, EventLog, Head, LocalLog, ReadError, Scope, StartError, StoppedLog, verify};
use sos_proto::event::v1::{DeviceOrigin, Event};
use tokio::runtime::{Builder, Runtime};

/// Most changes at once; too few to make the anchor name an older end.
const CHANGES_MAX: usize = 12;

struct Written {
    files: Vec<(String, Vec<u8>)>,
    events: Vec<Event>,
    head: Head,
}

static WRITTEN: LazyLock<Written> = LazyLock::new(write);

fuzz_target!(
    init: {
        tolerate_panics_of_sled();
        LazyLock::force(&WRITTEN);
    },
    |input: &[u8]| {
        let mut files = WRITTEN.files.clone();
        let _ = change(&mut Unstructured::new(input), &mut files);
        let anchored = WRITTEN.files.iter().filter(|(name, _)| name == "head").all(|file| files.contains(file));
        let data = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = data.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        check(data.path(), anchored);
    }
);

/// The log has two sealed segments and one that was closed.
fn write() -> Written {
    let data = tempfile::tempdir().unwrap();
    let events: Vec<_> = (1..=50).map(event).collect();
    let limits = Limits { segment_events: 20, ..Limits::default() };
    let head = runtime().block_on(async {
        let log = LocalLog::open_with(data.path(), limits).unwrap();
        for event in &events {
            log.append(Append::one(event.clone())).await.unwrap();
        }
        let head = log.head().await.unwrap();
        log.close().await;
        head
    });
    // What the close put off is sealed now.
    let segments = data.path().join("segments");
    let log = LocalLog::open_with(data.path(), limits).unwrap();
    while fs::read_dir(&segments).unwrap().filter(|s| s.as_ref().unwrap().path().join("seal").exists()).count() < 2 {
        std::thread::yield_now();
    }
    runtime().block_on(log.close());
    let mut files = Vec::new();
    let mut folders = vec![data.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(data.path()).unwrap().to_str().unwrap().to_owned();
                files.push((name, fs::read(path).unwrap()));
            }
        }
    }
    files.retain(|(name, _)| !name.starts_with("index/"));
    files.sort();
    Written { files, events, head }
}

fn event(sequence: u64) -> Event {
    let origin = DeviceOrigin { boot_id: "b".to_owned(), sequence, ..DeviceOrigin::default() };
    Event { event_id: format!("e{sequence}"), origin: Some(origin), ..Event::default() }
}

/// Changes as the fuzzer chooses, where there is something: sled's files end in long zeros.
fn change(choices: &mut Unstructured, files: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    for _ in 0..CHANGES_MAX {
        if choices.is_empty() || files.is_empty() {
            break;
        }
        let kind: u8 = choices.arbitrary()?;
        let at = choices.choose_index(files.len())?;
        let bytes = &mut files[at].1;
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let offset = choices.int_in_range(0..=used)?;
        match kind % 8 {
            0 => drop(files.remove(at)),
            1 => bytes.truncate(offset),
            2 => bytes.truncate(choices.choose_index(bytes.len() + 1)?),
            3 => bytes.push(choices.arbitrary()?),
            4 => {
                let run: [u8; 8] = choices.arbitrary()?;
                bytes.iter_mut().skip(offset).zip(run).for_each(|(byte, new)| *byte = new);
            }
            _ => {
                let new = choices.arbitrary()?;
                bytes.iter_mut().skip(offset).take(1).for_each(|byte| *byte = new);
            }
        }
    }
    Ok(())
}

/// Where the anchor is changed, a reader that cannot ask a witness may believe in an earlier end; never in
/// another event.
fn check(data: &Path, anchored: bool) {
    match verify(data, &Scope::default(), |_, _| {}) {
        Ok(head) => assert_eq!(head, WRITTEN.head, "verified"),
        Err(StartError::Read(error)) => no_panic(&error),
        Err(_) => {}
    }
    let log = match StoppedLog::open(data) {
        Ok(log) => log,
        Err(StartError::Read(error)) => return no_panic(&error),
        Err(_) => return,
    };
    let read = runtime().block_on(async {
        let batches: Vec<_> = log.follow(1).try_collect().await?;
        Ok(batches.iter().flat_map(|batch| batch.events().map(|(_, event)| event.clone())).collect::<Vec<_>>())
    });
    match read {
        Ok(events) if anchored => assert_eq!(events, WRITTEN.events, "read"),
        Ok(events) => assert!(WRITTEN.events.starts_with(&events), "read"),
        Err(error) => no_panic(&error),
    }
}

/// A panic on a thread that reads for us comes back as an error.
fn no_panic(error: &ReadError) {
    assert!(!error.to_string().contains("panicked"), "{error}");
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// sled panics on some damaged files, which the store turns into errors; the fuzzer would end at once. Our
/// own panics end it, on whatever thread.
fn tolerate_panics_of_sled() {
    let fatal = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let file = panic.location().map_or("", |location| location.file());
        if !file.contains("/sled-") && !file.contains("library/") {
            fatal(panic);
        }
    }));
}
