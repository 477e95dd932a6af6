//! Random bytes that grow from real ones, for whatever reads what strangers send: topics, JSON, protobuf, tokens. Nothing
//! panics, nothing takes long, and what is accepted is what it seems to be.
//!
//! `SOS_FUZZ_SECONDS` says for how long each; the seed is printed, and `SOS_FUZZ_SEED` repeats it.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and its seed must be seen"
)]

use std::time::{Duration, Instant};

use bytes::Bytes;
use sos_auth::certs::Authority;
use sos_auth::token::{AUDIENCE, Claims, Keys, now};
use sos_auth::{Role, policy};
use sos_proto::call_point::{CallPoint, is_id};

/// Longest input, in bytes.
const BYTES_MAX: usize = 4_096;

/// Feeds `read` with inputs that grow from the corpus.
fn fuzz(name: &str, corpus: &[&[u8]], mut read: impl FnMut(&[u8])) {
    let seconds = std::env::var("SOS_FUZZ_SECONDS").map_or(1, |text| text.parse().unwrap());
    let seed =
        std::env::var("SOS_FUZZ_SEED").map_or_else(|_| fastrand::u64(..), |text| text.parse().unwrap());
    eprintln!("{name}: SOS_FUZZ_SEED={seed}");
    let mut chance = fastrand::Rng::with_seed(seed);
    let begin = Instant::now();
    let mut count = 0_u64;
    while begin.elapsed() < Duration::from_secs(seconds) {
        let input = mutated(corpus, &mut chance);
        let started = Instant::now();
        read(&input);
        // Not how fast it is, but whether a few bytes can hold it up: generous by a factor of thousands.
        assert!(started.elapsed() < Duration::from_secs(5), "{name}: {input:?}");
        count += 1;
    }
    eprintln!("{name}: {count} inputs");
    assert!(count > 100);
}

fn mutated(corpus: &[&[u8]], chance: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = corpus[chance.usize(..corpus.len())].to_vec();
    for _ in 0..chance.usize(1..6) {
        let at = chance.usize(..=bytes.len());
        match chance.u8(..6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, chance.u8(..)),
            2 if at < bytes.len() => bytes[at] ^= 1 << chance.u8(..8),
            3 if at < bytes.len() => drop(bytes.remove(at)),
            // A piece of another, or of itself, again and again.
            4 => {
                let other = corpus[chance.usize(..corpus.len())];
                let end = chance.usize(..=other.len());
                let piece = other[chance.usize(..=end)..end].repeat(chance.usize(1..40));
                bytes.splice(at..at, piece);
            }
            _ => bytes.extend((0..chance.usize(..8)).map(|_| chance.u8(..))),
        }
        bytes.truncate(BYTES_MAX);
    }
    bytes
}

#[test]
fn topics() {
    let corpus: [&[u8]; 4] = [
        b"sos/v1/school-1/door/event",
        b"sos/v1/a/b/state",
        b"sos/v1/+/#",
        "sos/v1/школа/дверь/event".as_bytes(),
    ];
    fuzz("topics", &corpus, |input| {
        let text = String::from_utf8_lossy(input);
        if let Ok((call_point, leaf)) = CallPoint::parse_topic(&text) {
            assert_eq!(call_point.topic(leaf), text);
            assert!(is_id(call_point.site()) && is_id(call_point.device()));
            assert_eq!(call_point.to_string().parse(), Ok(call_point));
        }
        assert!(!policy::Wants::of(&text).allows(Role::Viewer) || !text.starts_with("sos/v1"));
    });
}

#[test]
fn messages() {
    let corpus: [&[u8]; 6] = [
        br#"{"press":{}}"#,
        br#"{"bootId":"b","sequence":"7","occurredAt":"2026-01-01T00:00:00Z","press":{"category":"CATEGORY_MEDICAL","note":"x"}}"#,
        br#"{"location":{"latitude":43.2,"longitude":76.9},"fault":{"kind":"FAULT_KIND_TAMPER","active":true}}"#,
        b"\x0a\x01b\x10\x07\x52\x00",
        b"\x0a\x04boot\x10\x01\x1a\x06\x08\x80\x88\xda\xcb\x06\x52\x04\x1a\x02hi",
        b"\x0b\x0b\x0b\x0c\x0c\x0c",
    ];
    fuzz("messages", &corpus, |input| {
        let input = &Bytes::copy_from_slice(input);
        // What is read is a message; what is not has a reason.
        if let Err(unreadable) = sos_gateway::decode::event(input, None) {
            assert!(!unreadable.reason.is_empty());
        }
        let _read = sos_gateway::decode::event(input, Some("application/json")).is_ok();
    });
}

#[test]
fn tokens() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::init(dir.path()).unwrap();
    let keys = Keys::read(&dir.path().join("jwks.json")).unwrap();
    let (nbf, exp) = (now(), now() + 3_600);
    let (sub, aud) = ("asel".to_owned(), AUDIENCE.to_owned());
    let claims = Claims { sub, role: Role::Viewer, regions: Vec::new(), sites: Vec::new(), aud, nbf, exp };
    let token = authority.token(&claims).unwrap();
    let none = b"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhc2VsIn0.";
    fuzz("tokens", &[token.as_bytes(), none], |input| {
        let text = String::from_utf8_lossy(input);
        // Nobody becomes anybody else by chance.
        if let Ok(caller) = keys.verify(&text) {
            assert_eq!((caller.name.as_str(), caller.role), ("asel", Role::Viewer), "{text}");
        }
    });
}
