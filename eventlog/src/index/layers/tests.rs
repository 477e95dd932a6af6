//! Layers over many segments: merging, restarts, and files that are missing or of another log.

use super::*;
use crate::Head;
use crate::store::Sealed;

fn key(number: u64) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(&blake3::hash(&number.to_be_bytes()).as_bytes()[..16]);
    key
}

/// Segments of ten positions each.
fn ended(segments: u64) -> Vec<Ended> {
    let segment = |at: u64| {
        let head = Head { position: at * 10 + 10, hash: *blake3::hash(&at.to_be_bytes()).as_bytes() };
        let seal = Sealed { previous: [0; 32], tail: Tail { head, recorded_at: 0 } };
        Ended { first: at * 10 + 1, last: at * 10 + 10, seal: Some(seal) }
    };
    (0..segments).map(segment).collect()
}

fn grow(layers: &Layers, segments: std::ops::Range<u64>) {
    for segment in &ended(segments.end)[usize::try_from(segments.start).unwrap()..] {
        let entries = (segment.first..=segment.last).map(|position| (key(position), position)).collect();
        layers.freeze(segment.first, segment.seal.unwrap().tail, entries);
        layers.persist().unwrap();
    }
}

fn assert_knows(layers: &Layers, end: u64) {
    for position in 1..=end {
        assert_eq!(layers.get(&key(position)).unwrap(), Some(position));
    }
    assert_eq!(layers.get(&key(end + 1)).unwrap(), None);
}

// P2, P10: however many segments there were, few runs are asked, and none of them forgets.
#[test]
fn runs_are_merged_and_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = Some(dir.path().to_owned());
    let (layers, covered) = Layers::open(path.clone(), &[]).unwrap();
    assert_eq!(covered, Tail::default());
    grow(&layers, 0..200);
    assert_knows(&layers, 2_000);
    assert!(layers.read().len() <= 3 * MERGE_FAN_IN, "{}", layers.read().len());
    let files = || std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(files(), layers.read().len());

    let (layers, covered) = Layers::open(path.clone(), &ended(200)).unwrap();
    assert_eq!(covered.head.position, 2_000);
    assert_knows(&layers, 2_000);

    // What is of another log, or of a segment that is not sealed, is not believed.
    let (_, covered) = Layers::open(path.clone(), &ended(199)).unwrap();
    assert!(covered.head.position < 2_000);
    let mut others = ended(199);
    others.iter_mut().for_each(|ended| ended.seal.as_mut().unwrap().tail.head.hash = [9; 32]);
    assert_eq!(Layers::open(path, &others).unwrap().1, Tail::default());
    assert_eq!(files(), 0);
}

// P4: a damaged file is thrown away, and what it said is learned from the log again.
#[test]
fn a_damaged_run_is_thrown_away() {
    let dir = tempfile::tempdir().unwrap();
    let path = Some(dir.path().to_owned());
    grow(&Layers::open(path.clone(), &[]).unwrap().0, 0..3);
    let second = run::list(dir.path()).unwrap().into_iter().find(|(range, _)| range.first == 11).unwrap().1;
    let mut bytes = std::fs::read(&second).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&second, bytes).unwrap();
    let (layers, covered) = Layers::open(path, &ended(3)).unwrap();
    assert_eq!(covered.head.position, 10);
    assert!(!second.exists());
    grow(&layers, 1..3);
    assert_knows(&layers, 30);
}

// P4: a block that was changed answers nothing, and the next start makes its file anew.
#[test]
fn a_run_that_breaks_while_it_is_open_is_thrown_away() {
    let dir = tempfile::tempdir().unwrap();
    let (layers, _) = Layers::open(Some(dir.path().to_owned()), &[]).unwrap();
    grow(&layers, 0..1);
    let (range, path) = run::list(dir.path()).unwrap().remove(0);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[0] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(layers.get(&key(1)).is_err());
    assert!(!range.path(dir.path()).exists());
}

#[test]
fn a_file_that_cannot_be_opened_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let tail = ended(1)[0].seal.unwrap().tail;
    let range = Range { first: 1, last: 10, mark: run::mark(&tail.head.hash) };
    std::os::unix::fs::symlink("nowhere", range.path(dir.path())).unwrap();
    assert!(Layers::open(Some(dir.path().to_owned()), &ended(1)).is_err());
    assert!(range.path(dir.path()).is_symlink());
}

// P10: filters take no more memory than they may, and without one a run answers the same.
#[test]
fn the_oldest_runs_go_without_a_filter() {
    let dir = tempfile::tempdir().unwrap();
    let (layers, _) = Layers::open(Some(dir.path().to_owned()), &[]).unwrap();
    grow(&layers, 0..3);
    let runs = || layers.read().iter().filter_map(Layer::run).collect::<Vec<_>>();
    let one = runs()[0].filter_bytes();
    assert_eq!(one, 16, "for ten entries");
    for (bytes_max, filters) in [(3 * one, [true; 3]), (3 * one - 1, [false, true, true]), (0, [false; 3])] {
        layers.fit_filters(bytes_max);
        assert!(runs().iter().map(|run| run.has_filter()).eq(filters), "{bytes_max} bytes");
        assert_knows(&layers, 30);
    }
}

#[test]
fn eight_neighbours_of_like_size_are_merged() {
    let largest = 4 * 1024 * 1024;
    for (sizes, from) in [
        (vec![], None),
        (vec![1; 7], None),
        (vec![1; 8], Some(0)),
        (vec![0, 7, 1, 2, 3, 4, 5, 7], Some(0)),
        (vec![8, 1, 1, 1, 1, 1, 1, 1], None),
        ([vec![100, 64], vec![1; 8]].concat(), Some(2)),
        (vec![64, 64, 64, 8, 8, 8, 8, 8, 8, 8, 8], Some(3)),
        (vec![8, 1, 8, 8, 8, 8, 8, 8], Some(0)),
        (vec![largest; 8], Some(0)),
        ([vec![largest + 1], vec![largest; 7]].concat(), None),
    ] {
        assert_eq!(due(&sizes), from, "{sizes:?}");
    }
}
