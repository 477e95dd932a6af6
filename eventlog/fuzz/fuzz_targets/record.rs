//! Arbitrary bytes as a stored record batch: never a panic, and what is read is always the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sos_eventlog::{Chain, Head, Record};

fuzz_target!(|input: (u64, Vec<u8>)| {
    let (first, bytes) = input;
    let record = Record { first, bytes: sealed(bytes).into() };
    let decoded = record.decode();
    if let (Ok(one), Ok(two)) = (&decoded, &record.decode()) {
        assert_eq!(one, two);
        assert_eq!(one.first(), first);
        assert_eq!(one.recorded().count() as u64, one.end() - first);
    }
    let before = Head { position: first.wrapping_sub(1), hash: record.previous().unwrap_or_default() };
    for mut chain in [Chain::default(), Chain::from(before)].into_iter().chain(Chain::before(&record)) {
        let head = chain.head();
        match chain.take(&record) {
            Ok(batch) => {
                assert_eq!(Ok(&batch), decoded.as_ref().map_err(|_| ()));
                assert_eq!(chain.head(), Head { position: batch.end() - 1, hash: record.hash() });
            }
            Err(_) => assert_eq!(chain.head(), head),
        }
    }
});

/// A checksum that matches, if the first byte asks for one: no fuzzer guesses it.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.first().is_some_and(|byte| byte % 2 == 1) && bytes.len() >= 64 {
        let (header, payload) = bytes.split_at_mut(64);
        header[0] = 1;
        header[56..60].copy_from_slice(&crc32c::crc32c(payload).to_be_bytes());
        header[60..64].copy_from_slice(&(payload.len() as u32).to_be_bytes());
    }
    bytes
}
