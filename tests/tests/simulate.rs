//! The tester's instrument against the real thing, and against things that were damaged on purpose.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use sos_tests::authority::Authority;
use sos_tests::server::{binary, sos, stderr, stdout};
use sos_tests::{Server, eventually, free_port};

/// A server whose ports stay the same when it starts again.
async fn up(data: &Path, mqtt: u16, grpc: u16) -> Server {
    let (mqtt, grpc) = (format!("127.0.0.1:{mqtt}"), format!("127.0.0.1:{grpc}"));
    let data = data.to_str().unwrap();
    Server::start(&["up", "--data", data, "--mqtt", &mqtt, "--grpc", &grpc, "--http", "127.0.0.1:0"]).await
}

fn simulate(args: &[&str], mqtt: u16, grpc: u16) -> Child {
    let (mqtt, grpc) = (format!("127.0.0.1:{mqtt}"), format!("127.0.0.1:{grpc}"));
    Command::new(binary())
        .args([&["simulate"], args, &["--mqtt", &mqtt, "--grpc", &grpc]].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn verify(ledger: &str, grpc: u16) -> Output {
    sos(&["simulate", "verify", "--ledger", ledger, "--grpc", &format!("127.0.0.1:{grpc}")])
}

fn report(output: &Output) -> Value {
    serde_json::from_str(&stdout(output)).unwrap_or_else(|error| panic!("{error}: {}", stderr(output)))
}

// P1, P2: under load, with lost acknowledgements and repeats, nothing is lost and nothing doubled; and whoever
// says otherwise is found out.
#[tokio::test(flavor = "multi_thread")]
async fn a_load_is_proven_and_a_damaged_ledger_is_found_out() {
    let dir = tempfile::tempdir().unwrap();
    let (mqtt, grpc) = (free_port(), free_port());
    let _server = up(&dir.path().join("data"), mqtt, grpc).await;
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (ledger, json, html) = (path("ledger"), path("report.json"), path("report.html"));
    let args = [
        "load",
        "--devices",
        "20",
        "--rate",
        "200",
        "--seconds",
        "3",
        "--ledger",
        &ledger,
        "--report",
        &json,
    ];
    let faults =
        ["--html", &html, "--duplicate", "0.2", "--reorder", "0.1", "--reset", "0.05", "--jitter-ms", "5"];
    let output = simulate(&[&args[..], &faults].concat(), mqtt, grpc).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let told = report(&output);
    for key in ["published", "acknowledged", "recorded", "seen"] {
        assert_eq!(told[key], 600, "{key} of {told}");
    }
    assert_eq!((&told["lost"], &told["duplicated"]), (&Value::from(0), &Value::from(0)));
    for key in ["press_to_puback_us", "press_to_receipt_us", "press_to_console_us"] {
        let at = |quantile: &str| told[key][quantile].as_u64().unwrap();
        assert!(at("p50") > 0 && at("p50") <= at("p99") && at("p99") <= at("max"), "{key} of {told}");
    }
    assert_eq!(serde_json::from_slice::<Value>(&std::fs::read(&json).unwrap()).unwrap(), told);
    let page = std::fs::read_to_string(&html).unwrap();
    assert!(
        page.contains("<polyline") && !page.contains("http://") && !page.contains("src="),
        "one file is enough"
    );

    let sound = verify(&ledger, grpc);
    assert_eq!(sound.status.code(), Some(0), "{}", stdout(&sound));
    assert!(
        stdout(&sound).contains("acknowledged 600 recorded 600 alerts 20 differences 0"),
        "{}",
        stdout(&sound)
    );
    // Somebody claims an acknowledgement that never was.
    let text = std::fs::read_to_string(&ledger).unwrap();
    let claims: String = (0..12)
        .map(|n| {
            let n = 900_000 + n;
            format!(
                "{{\"meant\":{{\"n\":{n},\"call_point\":\"load-0/point-0\",\"boot_id\":\"never\",\"sequence\":{n},\
                 \"what\":\"press\",\"at\":1}}}}\n{{\"sent\":{{\"n\":{n},\"at\":1}}}}\n{{\"acked\":{{\"n\":{n},\"at\":2}}}}\n"
            )
        })
        .collect();
    std::fs::write(&ledger, text + &claims).unwrap();
    let damaged = verify(&ledger, grpc);
    assert_eq!(damaged.status.code(), Some(3));
    let lines: Vec<_> = stdout(&damaged).lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 11, "the first ten, and the count: {lines:?}");
    assert!(
        lines[0].starts_with("message 900000: ")
            && lines[0].contains("was acknowledged and is not in the log")
    );
    assert!(lines[10].ends_with("differences 12"));
}

// P1: a server that is killed in the middle has everything that it acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn a_scenario_survives_a_kill_in_the_middle() {
    let dir = tempfile::tempdir().unwrap();
    let (mqtt, grpc) = (free_port(), free_port());
    let data = dir.path().join("data");
    let server = up(&data, mqtt, grpc).await;
    let ledger = dir.path().join("ledger").to_str().unwrap().to_owned();
    let scenario = dir.path().join("scenario.toml");
    let text = "about = \"presses\"\ndevices = 60\nseconds = 12\npresses_per_hour = 30000.0\nhealth_s = 2\n";
    std::fs::write(&scenario, text).unwrap();
    let run = simulate(&["fleet", scenario.to_str().unwrap(), "--ledger", &ledger], mqtt, grpc);
    let enough = || std::fs::read_to_string(&ledger).is_ok_and(|text| text.matches("\"acked\"").count() > 10);
    eventually("presses before the kill", async || enough().then_some(())).await;
    server.kill();
    let _server = up(&data, mqtt, grpc).await;
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{} {}", stdout(&output), stderr(&output));
    let verified = verify(&ledger, grpc);
    assert_eq!(verified.status.code(), Some(0), "{}", stdout(&verified));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (mqtt, grpc) = (free_port(), free_port());
    let nobody = simulate(&["load"], mqtt, grpc).wait_with_output().unwrap();
    assert_eq!(nobody.status.code(), Some(1));
    assert!(stderr(&nobody).contains("is `sos up` running?"), "{}", stderr(&nobody));
    let scenario = dir.path().join("scenario.toml");
    std::fs::write(&scenario, "about = \"x\"\ndevices = 10\nsecunds = 5\n").unwrap();
    let wrong = simulate(&["fleet", scenario.to_str().unwrap()], mqtt, grpc).wait_with_output().unwrap();
    assert_eq!(wrong.status.code(), Some(1));
    assert!(stderr(&wrong).contains("line 3") && stderr(&wrong).contains("secunds"), "{}", stderr(&wrong));
    let other = verify(scenario.to_str().unwrap(), grpc);
    assert_eq!(other.status.code(), Some(1));
    assert!(stderr(&other).contains("line 1: "), "{}", stderr(&other));

    let _server = up(&dir.path().join("data"), mqtt, grpc).await;
    let full = simulate(&["load", "--seconds", "1", "--ledger", "/dev/full"], mqtt, grpc)
        .wait_with_output()
        .unwrap();
    assert_eq!(full.status.code(), Some(1));
    assert!(stderr(&full).contains("cannot use the ledger /dev/full"), "{}", stderr(&full));
}

// Whoever stops a run early still gets its report and its ledger.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_still_reports() {
    let dir = tempfile::tempdir().unwrap();
    let (mqtt, grpc) = (free_port(), free_port());
    let _server = up(&dir.path().join("data"), mqtt, grpc).await;
    let ledger = dir.path().join("ledger").to_str().unwrap().to_owned();
    let load = simulate(&["load", "--rate", "200", "--seconds", "600", "--ledger", &ledger], mqtt, grpc);
    let began = || std::fs::metadata(&ledger).is_ok_and(|file| file.len() > 10_000);
    eventually("the beginning of the run", async || began().then_some(())).await;
    let stopped = Command::new("kill").args(["-INT", &load.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    let output = load.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let told = report(&output);
    assert!(told["acknowledged"].as_u64().unwrap() > 0 && told["lost"] == 0, "{told}");
    assert_eq!(verify(&ledger, grpc).status.code(), Some(0));
}

/// Asks a program to stop, and waits for what it says.
fn stopped(child: Child) -> Output {
    let asked = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(asked.success());
    child.wait_with_output().unwrap()
}

/// How many presses the log of a server holds.
fn presses(server: &Server) -> usize {
    server.export().iter().filter(|recorded| recorded.pointer("/event/press").is_some()).count()
}

// P2: what happened on one system can be played on another, and playing it again adds nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_can_be_played_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let (mqtt, grpc) = (free_port(), free_port());
    let here = up(&dir.path().join("here"), mqtt, grpc).await;
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (capture, export) = (path("capture"), path("export"));
    let broker = format!("127.0.0.1:{mqtt}");
    let recorder = Command::new(binary())
        .args(["simulate", "record", "--mqtt", &broker, "--output", &capture])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // A message that is there when it is shows that the recorder listens.
    eventually("the recorder listens", async || {
        let sent = sos_tests::mqtt::publish(mqtt, "sos/v1/hall/door/health", &["-m", "{}", "-q", "0"]);
        assert!(sent.status.success());
        std::fs::metadata(&capture).is_ok_and(|file| file.len() > 0).then_some(())
    })
    .await;
    let load = simulate(&["load", "--devices", "5", "--rate", "50", "--seconds", "2"], mqtt, grpc);
    assert!(load.wait_with_output().unwrap().status.success());
    let exported = sos(&["log", "export", "--grpc", here.address("grpc"), "--output", &export]);
    assert!(exported.status.success(), "{}", stderr(&exported));
    let told = stopped(recorder);
    assert!(stdout(&told).starts_with("recorded 1"), "{}", stdout(&told));
    assert_eq!(presses(&here), 100);

    let there = up(&dir.path().join("there"), free_port(), free_port()).await;
    let play = |file: &str| {
        let output = sos(&["simulate", "replay", file, "--mqtt", there.address("mqtt"), "--speed", "0"]);
        assert!(output.status.success(), "{}", stderr(&output));
        presses(&there)
    };
    assert_eq!([play(&capture), play(&capture)], [100, 100]);
    assert_eq!([play(&export), play(&export)], [200, 200]);
}

// P1, P2: over a network that delays, cuts and parts, nothing is lost and nothing doubled.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_network_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (mqtt, grpc, proxied) = (free_port(), free_port(), free_port());
    let _server = up(&dir.path().join("data"), mqtt, grpc).await;
    let (listen, to) = (format!("127.0.0.1:{proxied}"), format!("127.0.0.1:{mqtt}"));
    let network = [
        "--latency-ms",
        "5",
        "--jitter-ms",
        "20",
        "--reset",
        "0.3",
        "--partition-at",
        "2",
        "--partition-for",
        "1",
    ];
    let proxy = Command::new(binary())
        .args([&["simulate", "proxy", "--listen", &listen, "--to", &to][..], &network].concat())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    eventually("the proxy", async || std::net::TcpStream::connect(&listen).ok()).await;
    let ledger = dir.path().join("ledger").to_str().unwrap().to_owned();
    let args = ["load", "--devices", "10", "--rate", "50", "--seconds", "4", "--ledger", &ledger];
    let output = simulate(&args, proxied, grpc).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let told = report(&output);
    assert_eq!((&told["acknowledged"], &told["recorded"]), (&Value::from(200), &Value::from(200)), "{told}");
    assert!(
        told["press_to_puback_us"]["max"].as_u64().unwrap() > 500_000,
        "the partition is part of the latency: {told}"
    );
    assert_eq!(verify(&ledger, grpc).status.code(), Some(0));
    assert!(stopped(proxy).status.success());
}

// A system that wants certificates and tokens is tested like any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_secured_system_is_tested_with_an_authority() {
    let authority = Authority::new();
    let data = tempfile::tempdir().unwrap();
    let server = authority.up(&data.path().join("data"), &authority.config("certificate", "token", "")).await;
    let token = authority.path("token");
    std::fs::write(&token, authority.token("tests", "tester", &[])).unwrap();
    let (ca, token, ledger) = (authority.file("ca.crt"), authority.file("token"), authority.file("ledger"));
    let pki = authority.path("");
    let access = ["--grpc", server.address("grpc"), "--ca", &ca, "--token-file", &token];
    let load =
        ["simulate", "load", "--devices", "20", "--rate", "200", "--seconds", "2", "--ledger", &ledger];
    let place = ["--mqtt", server.address("mqtt"), "--pki", pki.to_str().unwrap()];
    let output = sos(&[&load[..], &place, &access].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((&report["acknowledged"], &report["lost"]), (&json!(400), &json!(0)));
    let verified = sos(&[&["simulate", "verify", "--ledger", &ledger][..], &access].concat());
    assert!(verified.status.success(), "{}{}", stdout(&verified), stderr(&verified));
}
