//! Runs against a map, and against changed bytes.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::identity;

const RANGE: Range = Range { first: 1, last: 1_000, mark: 7 };

type Map = BTreeMap<Key, u64>;

fn key(number: u64) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(&blake3::hash(&number.to_be_bytes()).as_bytes()[..16]);
    key
}

fn map(numbers: impl IntoIterator<Item = u64>) -> Map {
    numbers.into_iter().map(|number| (key(number), number + 1)).collect()
}

fn write(dir: &Path, range: Range, map: &Map) -> Run {
    Run::write(dir, range, map.iter().map(|(k, p)| Ok((*k, *p))), map.len() as u64).unwrap()
}

fn assert_same(run: &Run, map: &Map) {
    assert_eq!(run.len(), map.len() as u64);
    assert_eq!(run.entries().collect::<io::Result<Map>>().unwrap(), *map);
    for number in 0..400 {
        assert_eq!(run.get(&key(number)).unwrap(), map.get(&key(number)).copied());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_written_is_found(numbers in proptest::collection::btree_set(0u64..400, 0..300)) {
        let dir = tempfile::tempdir().unwrap();
        let map = map(numbers);
        let run = write(dir.path(), RANGE, &map);
        assert_same(&run, &map);
        assert_same(&run.without_filter(), &map);
        assert_same(&Run::open(RANGE, dir.path()).unwrap(), &map);
        assert_eq!(list(dir.path()).unwrap(), [(RANGE, RANGE.path(dir.path()))]);
    }

    // P2: of identities the first position stays, of streams the last.
    #[test]
    fn merged_runs_say_what_all_of_them_say(
        parts in proptest::collection::vec(proptest::collection::btree_set(0u64..400, 0..150), 1..5)
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut expected = Map::new();
        let mut runs = Vec::new();
        for (at, numbers) in (0..).zip(parts) {
            let range = Range { first: at * 1_000 + 1, last: (at + 1) * 1_000, mark: at };
            let part: Map = map(numbers).into_iter().map(|(k, p)| (k, at * 1_000 + p)).collect();
            for (key, position) in &part {
                if identity::is_stream(key) || !expected.contains_key(key) {
                    expected.insert(*key, *position);
                }
            }
            runs.push(Arc::new(write(dir.path(), range, &part)));
        }
        let merged = merge(dir.path(), &runs).unwrap();
        assert_same(&merged, &expected);
        let last = runs.last().unwrap().range();
        prop_assert_eq!(merged.range(), Range { first: 1, ..last });
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(RANGE.path(dir.path()), bytes).unwrap();
        prop_assert!(Run::open(RANGE, dir.path()).is_err());
    }
}

// P2, P3: a changed byte never makes a known event new, or a new one known.
#[test]
fn a_changed_byte_never_changes_an_answer() {
    let dir = tempfile::tempdir().unwrap();
    let map = map(0..70);
    write(dir.path(), RANGE, &map);
    let path = RANGE.path(dir.path());
    let good = fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, bytes).unwrap();
        let Ok(run) = Run::open(RANGE, dir.path()) else { continue };
        let mut failed = false;
        for number in 0..100 {
            match run.get(&key(number)) {
                Ok(found) => assert_eq!(found, map.get(&key(number)).copied(), "byte {at}"),
                Err(_) => failed = true,
            }
        }
        assert!(failed, "byte {at}");
    }
    for cut in 0..good.len() {
        fs::write(&path, &good[..cut]).unwrap();
        assert!(Run::open(RANGE, dir.path()).is_err(), "cut at {cut}");
    }
}

#[test]
fn a_file_of_another_name_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), RANGE, &map(0..3));
    let good = RANGE.path(dir.path());
    for name in ["1-1000-7", "00000000000000000001-00000000000000001000-0000000000000007.part", "notes"] {
        fs::write(dir.path().join(name), "").unwrap();
    }
    assert_eq!(list(dir.path()).unwrap(), [(RANGE, good)]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}
