//! The tester's instrument against the real thing, and against things that were damaged on purpose.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
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
