//! What is exported is imported byte by byte, and whatever was changed on the way is found.

use std::iter;

use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;
use sos_proto::device::v1 as device;
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{self as event, Event};
use sos_proto::registry::v1 as registry;

use super::*;
use crate::record::Hash;

mod events;

const RECORDED_AT: i64 = 1_700_000_000_000_001;

/// A log of these batches, from `first` on.
fn log(first: u64, batches: &[Vec<Event>]) -> Vec<Record> {
    let (mut next, mut previous) = (first, if first == 1 { Hash::default() } else { [0xAB; 32] });
    let chain = batches.iter().zip(RECORDED_AT..).map(|(events, recorded_at)| {
        let encoded: Vec<_> = events.iter().map(Event::encode_to_vec).collect();
        let bytes = record::encode(next, recorded_at, &previous, encoded.iter().map(Vec::as_slice));
        let record = Record { first: next, bytes: bytes.into() };
        (next, previous) = (next + events.len() as u64, record.hash());
        record
    });
    chain.collect()
}

fn head(records: &[Record]) -> Head {
    records.last().map_or_else(Head::default, |last| Head {
        position: last.decode().unwrap().end() - 1,
        hash: last.hash(),
    })
}

/// The export of record batches, whole and with its head.
fn exported(records: &[Record]) -> String {
    let mut text = Vec::new();
    for record in records {
        lines(record, 0, u64::MAX, &head(records), &mut text).unwrap();
    }
    String::from_utf8(text).unwrap()
}

fn imported(text: impl AsRef<[u8]>) -> Result<Vec<Record>, ImportError> {
    Importer::new(text.as_ref()).collect()
}

/// The error of an import, or how many batches it gave.
fn outcome(text: impl AsRef<[u8]>) -> String {
    imported(text).map_or_else(|e| e.to_string(), |records| format!("{} batches", records.len()))
}

fn note(note: &str) -> Event {
    let note = event::AlertNoted { note: note.to_owned() };
    Event { event_id: "e".to_owned(), body: Some(Body::AlertNoted(note)), ..Event::default() }
}

/// Batches of the positions 1 to 3, 4, 5 to 6.
fn sample() -> Vec<Record> {
    log(1, &[vec![note("a"), note("b"), note("c")], vec![note("d")], vec![note("e"), note("f")]])
}

/// The export of the sample, with its lines changed.
fn with_lines(change: impl FnOnce(&mut Vec<String>)) -> String {
    let mut lines = exported(&sample()).lines().map(|line| format!("{line}\n")).collect();
    change(&mut lines);
    lines.concat()
}

fn batches() -> impl Strategy<Value = Vec<Vec<Event>>> {
    vec(vec(events::any_event(), 1..5), 1..5)
}

proptest! {
    // P11: byte by byte.
    #[test]
    fn an_export_is_imported_byte_by_byte(
        batches in batches(),
        first in prop_oneof![Just(1u64), 2..1_000_000u64],
    ) {
        let records = log(first, &batches);
        let text = exported(&records);
        prop_assert_eq!(imported(&text).unwrap(), records);
        // And in JSON, every number of it.
        prop_assert!(!text.contains(r#","encoded":"#));
    }

    // P11: a changed byte is found, unless the line means the same.
    #[test]
    fn a_changed_byte_is_found(batches in batches(), at in 0usize..1_000_000, byte: u8) {
        let records = log(1, &batches);
        let mut text = exported(&records).into_bytes();
        let at = at % text.len();
        text[at] = byte;
        if let Ok(found) = imported(&text) {
            prop_assert_eq!(found, records);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(imported(&bytes).is_err());
    }
}

/// The form is a contract.
#[test]
fn golden_lines() {
    let text = exported(&log(7, &[vec![note("Ünder 🆘"), Event::default()]]));
    let hash = blake3::Hash::from_bytes(log(7, &[vec![note("Ünder 🆘"), Event::default()]])[0].hash());
    let at = "2023-11-14T22:13:20.000001Z";
    let expected = [
        format!(
            r#"{{"position":"7","recordedAt":"{at}","event":{{"eventId":"e","alertNoted":{{"note":"Ünder 🆘"}}}},"batch":{{"previous":"{}"}}}}"#,
            "ab".repeat(32)
        ),
        format!(
            r#"{{"position":"8","recordedAt":"{at}","event":{{}},"head":{{"position":"8","hash":"{hash}"}}}}"#
        ),
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_part_is_written_as_asked() {
    let records = sample();
    let part = |from, to| {
        let mut text = Vec::new();
        for record in &records {
            lines(record, from, to, &head(&records), &mut text).unwrap();
        }
        String::from_utf8(text).unwrap()
    };
    let all = exported(&records);
    let expected = |from: usize, to: usize| -> String {
        all.lines().take(to).skip(from - 1).flat_map(|line| [line, "\n"]).collect()
    };
    for (from, to) in [(1, 6), (2, 5), (4, 4), (5, 6), (3, 3)] {
        assert_eq!(part(from as u64, to as u64), expected(from, to), "{from} to {to}");
    }
    assert_eq!(part(7, 9), "");
    // Whole batches from the middle of the log are an export too; a piece of one is none.
    assert_eq!(imported(part(4, 6)).unwrap(), records[1..]);
    assert_eq!(
        outcome(part(2, 6)),
        "line 1: an event outside a batch: the export does not begin where a batch does"
    );
    assert_eq!(outcome(part(1, 5)), "line 6: the file ends without naming its head: it was cut");
}

/// Only a batch whose digest is known to be right is given.
#[test]
fn a_cut_file_is_found_wherever_it_is_cut() {
    let (records, text) = (sample(), exported(&sample()));
    for length in 0..text.len() - 1 {
        let given: Vec<_> = Importer::new(&text.as_bytes()[..length]).collect();
        let (last, whole) = given.split_last().unwrap();
        let line = text[..length].lines().count() as u64;
        let line = if length == 0 || text[..length].ends_with('\n') { line + 1 } else { line };
        match last {
            // The last bracket of a line was not written: the next line is the one that is missing.
            Err(error) => assert!((line..=line + 1).contains(&error.line), "{length}: {error}"),
            Ok(record) => panic!("{length} bytes, but {record:?}"),
        }
        for (given, expected) in whole.iter().zip(&records) {
            assert_eq!(given.as_ref().unwrap(), expected);
        }
    }
}

#[test]
fn lines_that_were_moved_are_found() {
    let swapped = |a, b| outcome(with_lines(|lines| lines.swap(a, b)));
    assert_eq!(swapped(1, 2), "line 2: position 3 where 2 was expected");
    assert_eq!(swapped(3, 4), "line 4: position 5 where 4 was expected");
    assert_eq!(swapped(4, 5), "line 5: position 6 where 5 was expected");
    assert_eq!(outcome(with_lines(|l| drop(l.remove(4)))), "line 5: position 6 where 5 was expected");
    assert_eq!(outcome(with_lines(|l| l.insert(3, l[2].clone()))), "line 4: position 3 where 4 was expected");
    // A whole batch at the end.
    let cut = outcome(with_lines(|lines| drop(lines.drain(4..6))));
    assert_eq!(cut, "line 5: the file ends without naming its head: it was cut");
    let longer = outcome(with_lines(|lines| lines.push("{}\n".to_owned())));
    assert_eq!(longer, "line 7: the file goes on behind its head");
}

#[test]
fn what_was_changed_is_found_with_its_line() {
    let changed = |line: usize, from: &str, to: &str| {
        outcome(with_lines(|lines| {
            let text = lines[line - 1].replace(from, to);
            assert_ne!(text, lines[line - 1], "{from} is not there");
            lines[line - 1] = text;
        }))
    };
    let field = |line, name| {
        format!("line {line}: field {name:?} is unknown or missing, or not as an export writes it")
    };
    let batch = |line| format!("line {line}: the batch at position {line} cannot be reproduced byte by byte");
    // A text, in the middle of a batch: the batch is named, by its first line.
    assert_eq!(changed(2, r#""b""#, r#""B""#), batch(1));
    assert_eq!(changed(6, r#""f""#, r#""F""#), batch(5));
    assert_eq!(changed(4, r#""previous":""#, r#""previous":"0"#), field(4, "batch.previous"));
    assert_eq!(changed(6, r#""hash":""#, r#""hash":"0"#), field(6, "head.hash"));
    let head = r#""head":{"position":""#;
    assert_eq!(changed(6, &format!("{head}6"), &format!("{head}06")), field(6, "head.position"));
    assert_eq!(changed(6, &format!("{head}6"), &format!("{head}six")), field(6, "head.position"));
    let elsewhere = "line 6: the head names position 7, and stands at 6";
    assert_eq!(changed(6, &format!("{head}6"), &format!("{head}7")), elsewhere);
    assert_eq!(changed(2, r#""note""#, r#""colour":1,"note""#), field(2, "event.alertNoted.colour"));
    assert_eq!(changed(2, r#","event""#, r#","extra":{},"event""#), field(2, "extra"));
    assert_eq!(changed(4, r#""previous""#, r#""next":1,"previous""#), field(4, "batch.next"));
    assert_eq!(changed(2, r#""event":"#, r#""events":"#), field(2, "events"));
    assert_eq!(changed(2, r#""recordedAt""#, r#""at""#), field(2, "recordedAt"));
    // Means the same to us, but nobody exported it so.
    assert_eq!(changed(2, "001Z", "001001Z"), field(2, "recordedAt"));
    assert_eq!(changed(2, "001Z", "002Z"), "line 2: the event was recorded at another time than its batch");
    assert_eq!(changed(2, r#""2""#, r#""02""#), field(2, "position"));
    assert_eq!(changed(2, r#""position":"2","#, ""), "line 2: position 0 where 2 was expected");
    assert_eq!(changed(1, r#""position":"1","#, ""), "line 1: position 0 where 1 was expected");
    let last = u64::MAX.to_string();
    assert!(
        changed(1, r#""1""#, &format!("{last:?}")).starts_with(&format!("line 1: position {last} where"))
    );
    assert_eq!(changed(2, r#"{"note""#, r#"{note""#), "line 2: key must be a string, at byte 97");
    assert_eq!(changed(3, "}}}", "}}"), "line 3: EOF while parsing an object, at byte 108");
    // Spaces and the order of keys are nobody's message.
    assert_eq!(changed(2, "\":", "\" : "), "3 batches");
    assert_eq!(changed(6, r#"","hash":"#, r#"", "hash":"#), "3 batches");
    let position = r#""position":"2","#;
    let moved = with_lines(|l| l[1] = l[1].replace(position, "").replace("}}}", r#"}},"position":"2"}"#));
    assert_eq!(outcome(moved), "3 batches");
}

/// A batch is only a batch where it was one.
#[test]
fn a_batch_cannot_be_divided_or_joined() {
    let mark = |line: &str| line[line.rfind(r#","batch""#).unwrap()..].to_owned();
    let divided = with_lines(|lines| {
        let mark = mark(&lines[3]);
        lines[1] = lines[1].replace("}}}\n", &format!("}}}}{mark}"));
    });
    assert_eq!(outcome(divided), "line 1: the batch at position 1 cannot be reproduced byte by byte");
    let joined = with_lines(|lines| {
        let mark = mark(&lines[4]);
        lines[4] = lines[4].replace(&mark, "}\n");
    });
    assert_eq!(outcome(joined), "line 5: the event was recorded at another time than its batch");
    // One time for all of it, and one batch where there were two: the digest tells.
    let joined = with_lines(|lines| {
        let mark = mark(&lines[4]);
        lines[4] = lines[4].replace(&mark, "}\n");
        lines[4..6].iter_mut().for_each(|line| *line = line.replace("000003Z", "000002Z"));
    });
    assert_eq!(outcome(joined), "line 4: the batch at position 4 cannot be reproduced byte by byte");
}

#[test]
fn a_batch_larger_than_the_log_writes_is_refused() {
    let many: Vec<_> = iter::repeat_n(note("a"), crate::BATCH_EVENTS_MAX + 1).collect();
    let long = vec![note(&"a".repeat(crate::BATCH_BYTES_MAX))];
    for (line, batch) in [(65, many), (1, long)] {
        let expected = format!("line {line}: the batch is larger than any that the log writes");
        assert_eq!(outcome(exported(&log(1, &[batch]))), expected);
    }
}

/// A source that never ends its line.
#[test]
fn a_line_above_the_limit_is_not_read() {
    let endless = io::BufReader::new(io::repeat(b' '));
    let error = Importer::new(endless).next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "line 1: it is longer than 262144 bytes");
    let long = log(1, &[vec![note(&"a".repeat(LINE_BYTES_MAX))]]);
    let error = lines(&long[0], 0, 9, &head(&long), &mut Vec::new()).unwrap_err();
    assert!(matches!(error, ExportError::Event { position: 1, fault: Fault::TooLong }), "{error}");
}

// P11: what JSON cannot say is not lost, and a device cannot keep a log from being exported with it.
#[test]
fn what_json_cannot_say_is_written_in_protobuf() {
    let press = |category| Body::Press(device::Press { category, ..device::Press::default() });
    let at = |latitude, accuracy_m| {
        let location = device::Location { latitude, accuracy_m, ..device::Location::default() };
        let site = registry::Site { location: Some(location), ..registry::Site::default() };
        Body::SiteRegistered(event::SiteRegistered { site: Some(site) })
    };
    let flags = vec![4; 10_000];
    let origin = event::DeviceOrigin { flags, ..event::DeviceOrigin::default() };
    let bodies = [press(99), at(f64::NAN, 0.0), at(f64::INFINITY, 0.0), at(1.0, 7.038531e-26)];
    let events = bodies.into_iter().map(|body| Event { body: Some(body), ..Event::default() });
    // JSON longer than a line may be; and a field of a newer version.
    let long = Event { origin: Some(origin), ..Event::default() };
    let mut encoded: Vec<_> = events.chain([long]).map(|event| event.encode_to_vec()).collect();
    encoded.push([note("a").encode_to_vec(), vec![0xF8, 0x07, 1]].concat());
    let bytes = record::encode(1, RECORDED_AT, &Hash::default(), encoded.iter().map(Vec::as_slice));
    let records = [Record { first: 1, bytes: bytes.into() }];
    let text = exported(&records);
    assert_eq!(text.matches(r#""encoded":""#).count(), encoded.len());
    assert_eq!(imported(&text).unwrap(), records);
    let last = text.lines().nth(5).unwrap();
    let expected = r#"{"position":"6","recordedAt":"2023-11-14T22:13:20.000001Z","encoded":"0a0165b203030a0161f80701","head":"#;
    assert!(last.starts_with(expected), "{last}");
    for (from, to, field) in [("f80701", "f8070", "encoded"), ("0a01", "0A01", "encoded")] {
        let field = format!("line 6: field {field:?} is unknown or missing, or not as an export writes it");
        assert_eq!(outcome(text.replace(last, &last.replace(from, to))), field);
    }
}

/// Bytes that this version would not write are not exported in another form.
#[test]
fn what_cannot_be_reproduced_is_not_exported() {
    let bytes = sample()[1].bytes.to_vec();
    // The length of the only event in two bytes instead of one, under a right checksum.
    let (header, payload) = bytes.split_at(64);
    let payload = [&[payload[0] | 0x80, 0][..], &payload[1..]].concat();
    let sums = [crc32c::crc32c(&payload).to_be_bytes(), (payload.len() as u32).to_be_bytes()].concat();
    let bytes = [&header[..56], &sums, &payload].concat();
    let mut text = Vec::new();
    let error =
        lines(&Record { first: 4, bytes: bytes.into() }, 0, 9, &Head::default(), &mut text).unwrap_err();
    assert_eq!(error.to_string(), "the batch at position 4 cannot be reproduced byte by byte");
    assert!(text.is_empty());
}

#[test]
fn a_damaged_batch_is_not_exported() {
    let mut record = sample().remove(0);
    record.bytes = record.bytes.slice(..record.bytes.len() - 1);
    assert!(matches!(lines(&record, 0, 9, &Head::default(), &mut Vec::new()), Err(ExportError::Read(_))));
}
