//! `sos log` on a real log: copies, round trips, archives, and the witness.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use sos_tests::mqtt::{Killed, publish_acknowledged};
use sos_tests::server::{binary, sos, stderr, stdout};
use sos_tests::{Server, eventually};
use tempfile::TempDir;

const CALLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../simulator/data/emergency-calls.csv");
const EVENT: &str = "sos/v1/school-27/button-04/event";

/// A folder for a log, its copies and its configuration.
struct Place(TempDir);

impl Place {
    /// With small segments, so that there are several.
    fn new(more: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let witness = place.path("witness").replace('\\', "/");
        let more = more.replace("WITNESS", &witness);
        std::fs::write(
            place.path("sos.toml"),
            format!("[alerts]\nescalation = []\n[log]\nsegment_events = 300\n{more}"),
        )
        .unwrap();
        place
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    async fn up(&self) -> Server {
        Server::up(Path::new(&self.path("data")), &["--config", &self.path("sos.toml")]).await
    }

    /// The log of 2,308 recorded calls, whose server has ended.
    async fn of_calls() -> Self {
        let place = Self::new("");
        let server = place.up().await;
        done(&sos(&["simulate", "replay", CALLS, "--mqtt", server.address("mqtt"), "--speed", "0"]));
        assert_eq!(server.terminate().await.0, Some(0));
        place
    }
}

/// What a command that must succeed printed.
fn done(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    stdout(output)
}

/// What a command that must end with this code complained about.
fn refused(code: i32, output: &Output) -> String {
    assert_eq!(output.status.code(), Some(code), "{}{}", stdout(output), stderr(output));
    stderr(output)
}

fn verify(data: &str, more: &[&str]) -> Output {
    sos(&[&["log", "verify", "--data", data], more].concat())
}

/// Position and hash of the end of a log.
fn head(from: &[&str]) -> serde_json::Value {
    let info = done(&sos(&[&["log", "info", "--format", "json"], from].concat()));
    serde_json::from_str(&info).unwrap()
}

fn position(head: &serde_json::Value) -> u64 {
    head.get("position").and_then(serde_json::Value::as_u64).unwrap()
}

/// Every file below a directory.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), std::fs::read(path).unwrap());
        }
    }
    found
}

/// Where the segments of a log begin that are not archived.
fn segments(data: &str) -> Vec<u64> {
    let names = std::fs::read_dir(Path::new(data).join("segments")).unwrap().map(|e| e.unwrap().file_name());
    let mut firsts: Vec<_> = names.filter_map(|name| name.to_str()?.parse().ok()).collect();
    firsts.sort_unstable();
    firsts
}

/// Changes one byte in the middle of the database of the segment that begins at `first`.
fn damage(data: &str, first: u64) {
    let db = Path::new(data).join(format!("segments/{first:020}/db"));
    let mut bytes = std::fs::read(&db).unwrap();
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle).unwrap() ^= 1;
    std::fs::write(db, bytes).unwrap();
}

// P1, P11: a backup of a busy server is a whole log, and so is what is restored from it.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_server_is_backed_up_and_restored() {
    let place = Place::new("");
    let server = place.up().await;
    let (backup, restored) = (place.path("backup"), place.path("restored"));
    let mut replay = Killed(
        Command::new(binary())
            .args(["simulate", "replay", CALLS, "--mqtt", server.address("mqtt"), "--speed", "0"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap(),
    );
    eventually("some calls have arrived", async || (server.messages() > 200).then_some(())).await;
    let grpc = ["--grpc", server.address("grpc")];
    done(&sos(&["log", "backup", &backup, "--grpc", server.address("grpc")]));
    assert!(replay.0.try_wait().unwrap().is_none(), "the server was not busy any more");
    let first = head(&["--data", &backup]);
    assert!(position(&first) > 200);

    assert!(eventually("the replay ends", async || replay.0.try_wait().unwrap()).await.success());
    done(&sos(&["log", "backup", &backup, "--grpc", server.address("grpc")]));
    assert_eq!(head(&["--data", &backup]), head(&grpc));
    assert!(position(&first) < position(&head(&grpc)));
    done(&sos(&["log", "restore", &backup, "--data", &restored]));
    assert_eq!(head(&["--data", &restored]), head(&grpc));
    done(&verify(&restored, &[]));
    let again = refused(1, &sos(&["log", "restore", &backup, "--data", &restored]));
    assert!(again.contains("--data") && again.contains("holds an event log already"), "{again}");

    // The copy is a log like any other: a server goes on with it, and no other log is added to it.
    let alerts = server.list().await;
    let other = Server::up(Path::new(&restored), &[]).await;
    let identified = |alerts: Vec<sos_proto::alert::v1::Alert>| {
        alerts.into_iter().map(|alert| (alert.alert_id, alert.press_count)).collect::<Vec<_>>()
    };
    assert_eq!(identified(other.list().await), identified(alerts));
    let one_more = Place::new("");
    let stranger = one_more.up().await;
    publish_acknowledged(stranger.mqtt_port(), EVENT, r#"{"press":{}}"#);
    let mixed = refused(1, &sos(&["log", "backup", &backup, "--grpc", stranger.address("grpc")]));
    assert!(mixed.contains("backup"), "{mixed}");
    assert_eq!(head(&["--data", &backup]), head(&grpc));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_becomes_the_same_log_and_the_same_export() {
    let place = Place::of_calls().await;
    let (data, copy) = (place.path("data"), place.path("copy"));
    let (one, two) = (place.path("one.jsonl"), place.path("two.jsonl"));
    done(&sos(&["log", "export", "--data", &data, "--output", &one]));
    done(&sos(&["log", "import", &one, "--data", &copy]));
    done(&sos(&["log", "export", "--data", &copy, "--output", &two]));
    let (text, again) = (std::fs::read(&one).unwrap(), std::fs::read(&two).unwrap());
    assert!(text == again, "the exports differ");
    assert_eq!(head(&["--data", &copy]), head(&["--data", &data]));

    // P11: what was changed in between is not taken in, and is named.
    let text = String::from_utf8(text).unwrap();
    let changed = text.replacen("\"deviceId\":\"", "\"deviceId\":\"x", 1);
    assert_ne!(changed, text);
    std::fs::write(&two, changed).unwrap();
    let said = refused(1, &sos(&["log", "import", &two, "--data", &place.path("changed")]));
    assert!(said.contains(&two) && said.contains("position"), "{said}");
}

// P11: the first position that cannot be trusted is named, and only where it was asked for.
#[tokio::test(flavor = "multi_thread")]
async fn verify_looks_where_it_is_asked_to() {
    let place = Place::of_calls().await;
    let data = place.path("data");
    let whole = done(&verify(&data, &[]));
    assert!(whole.contains(&format!("{} events verified", position(&head(&["--data", &data])))), "{whole}");
    let (second, third) = (segments(&data)[1], segments(&data)[2]);
    let [first_end, begin, end, behind] = [second - 1, second, third - 1, third].map(|at| at.to_string());
    damage(&data, second);
    let before = files(Path::new(&data));
    for more in [&[][..], &["--from", &first_end], &["--to", &end], &["--from", &begin, "--to", &end]] {
        let said = refused(3, &verify(&data, more));
        let found: u64 = said.split("position ").nth(1).unwrap().split(':').next().unwrap().parse().unwrap();
        assert!((second..third).contains(&found), "{more:?}: {said}");
    }
    done(&verify(&data, &["--to", &first_end]));
    done(&verify(&data, &["--from", &behind]));
    assert!(refused(1, &verify(&data, &["--from", "5", "--to", "4"])).contains("--to"));
    assert!(files(Path::new(&data)) == before, "verification changed something");
}

// P11: cutting off the newest events, and setting back all that the log says of itself, is found by what was
// handed out.
#[tokio::test(flavor = "multi_thread")]
async fn the_witness_knows_what_was_cut_off() {
    let place = Place::new("witness = \"WITNESS\"\nwitness_interval_s = 1\n");
    let (data, witness) = (place.path("data"), place.path("witness"));
    let server = place.up().await;
    publish_acknowledged(server.mqtt_port(), EVENT, r#"{"press":{"note":"one"}}"#);
    server.terminate().await;
    let older = place.path("older");
    assert!(Command::new("cp").args(["-r", &data, &older]).status().unwrap().success());
    let server = place.up().await;
    publish_acknowledged(server.mqtt_port(), EVENT, r#"{"press":{"note":"two"}}"#);
    let end = position(&head(&["--grpc", server.address("grpc")]));
    done(&sos(&["log", "verify", "--grpc", server.address("grpc"), "--witness", &witness]));
    server.terminate().await;
    done(&verify(&data, &["--witness", &witness]));

    std::fs::rename(&data, place.path("newer")).unwrap();
    std::fs::rename(&older, &data).unwrap();
    done(&verify(&data, &[]));
    let said = refused(3, &verify(&data, &["--witness", &witness]));
    assert!(said.contains(&end.to_string()), "{said}");
    let said = refused(1, &sos(&["up", "--data", &data, "--config", &place.path("sos.toml")]));
    assert!(said.contains("contradicts its witness"), "{said}");
    // And nobody can make a witness say something else.
    let text = std::fs::read_to_string(&witness).unwrap();
    std::fs::write(&witness, text.replacen(&format!("{end}"), "1", 1)).unwrap();
    assert_ne!(verify(&data, &["--witness", &witness]).status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn archived_segments_are_smaller_and_still_a_part_of_the_log() {
    let place = Place::of_calls().await;
    let (data, shelf) = (place.path("data"), place.path("shelf"));
    let exported = done(&sos(&["log", "export", "--data", &data]));
    let bytes = |dir: &str| files(Path::new(dir)).values().map(Vec::len).sum::<usize>();
    let before = bytes(&data);
    let said = done(&sos(&["log", "archive", "--before", "1000", &shelf, "--data", &data]));
    let end = *segments(&data).first().unwrap() - 1;
    assert!(end > 300 && said.contains(&format!("positions 1 to {end} were moved")), "{said}");
    let shelved = bytes(&shelf);
    assert!(shelved > 0 && bytes(&data) + shelved < before, "{before} became {} + {shelved}", bytes(&data));
    done(&verify(&data, &[]));
    assert!(done(&sos(&["log", "export", "--data", &data])) == exported, "the log reads differently");
    // P2: a server knows what is archived, too.
    let server = place.up().await;
    done(&sos(&["simulate", "replay", CALLS, "--mqtt", server.address("mqtt"), "--speed", "0"]));
    assert_eq!(position(&head(&["--grpc", server.address("grpc")])) as usize, exported.lines().count());
    server.terminate().await;
    let said = done(&sos(&["log", "archive", "--before", "2020-01-01T00:00:00Z", &shelf, "--data", &data]));
    assert!(said.contains("nothing was moved"), "{said}");
    let said = refused(1, &sos(&["log", "archive", "--before", "yesterday", &shelf, "--data", &data]));
    assert!(said.contains("--before"), "{said}");

    let archive = files(Path::new(&shelf)).into_iter().next().unwrap().0;
    let mut bytes = std::fs::read(&archive).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&archive, bytes).unwrap();
    assert!(refused(3, &verify(&data, &[])).contains("position 1"));
}
