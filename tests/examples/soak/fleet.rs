//! Rounds of `sos simulate fleet`: every scenario and every fault of the simulator in turn, each with its ledger.
//!
//! What a scenario says of the number of alerts holds where nobody kills the server or closes alerts meanwhile, and is
//! left out; that nothing is lost or doubled is not. Invariant: the same number is the same round.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use sos_tests::mqtt::Killed;
use sos_tests::server::{binary, sos, stderr, stdout};
use tokio::time::{sleep, timeout};

use crate::house::{House, kept_port};

/// Call points.
const DEVICES: &str = "5000";

/// A round that takes longer hangs.
const ROUND_MAX: Duration = Duration::from_secs(400);

/// Pause before it is looked again whether a process has come on.
const LOOK: Duration = Duration::from_millis(50);

/// What goes wrong in a round: at the call points, and on the way.
struct Trouble {
    name: &'static str,
    /// Below `[faults]` of the scenario.
    faults: &'static str,
    /// Arguments of `sos simulate proxy`; without any there is none.
    network: &'static [&'static str],
}

/// Every fault of the simulator.
const TROUBLES: [Trouble; 6] = [
    Trouble { name: "nothing", faults: "", network: &[] },
    Trouble { name: "duplicates, half-open", faults: "duplicate = 0.2", network: &["--half-open", "0.05"] },
    Trouble { name: "out of order, narrow line", faults: "reorder = 0.2", network: &["--bandwidth", "2"] },
    Trouble { name: "resets, cuts", faults: "reset = 0.1", network: &["--reset", "0.003"] },
    Trouble { name: "latency, lost answers", faults: "latency_ms = 300", network: &["--mute", "0.003"] },
    Trouble {
        name: "jitter, partition",
        faults: "jitter_ms = 300",
        network: &["--latency-ms", "40", "--jitter-ms", "80", "--partition-at", "10", "--partition-for", "5"],
    },
];

/// What became of a round.
pub struct Round {
    /// Scenario and trouble.
    pub name: String,
    /// The figures of its presses.
    pub report: Value,
    /// What went wrong that should not.
    pub problem: Option<String>,
    ledger: PathBuf,
}

impl Round {
    /// A figure of the presses.
    pub fn count(&self, figure: &str) -> u64 {
        self.report.get(figure).and_then(Value::as_u64).unwrap_or(0)
    }
}

/// The scenarios, by name.
pub fn scenarios() -> Vec<PathBuf> {
    let found = std::fs::read_dir("simulator/scenarios").unwrap();
    let mut found: Vec<_> = found.map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// Lives through one round.
pub async fn round(house: &House, dir: &Path, number: usize, scenarios: &[PathBuf]) -> Round {
    let trouble = TROUBLES.get(number % TROUBLES.len()).unwrap();
    let scenario = scenarios.get(number % scenarios.len()).unwrap();
    let title = scenario.file_stem().unwrap().to_str().unwrap();
    let name = format!("{title}; {}", trouble.name);
    let [file, ledger, report, errors] =
        ["toml", "ledger", "json", "errors"].map(|ending| dir.join(format!("round-{number}.{ending}")));
    std::fs::write(&file, told(&std::fs::read_to_string(scenario).unwrap(), trouble.faults)).unwrap();
    let network = (!trouble.network.is_empty()).then(|| Network::open(&house.mqtt, trouble.network, number));
    let mqtt = network.as_ref().map_or(&house.mqtt, |network| &network.address);
    if let Some(network) = &network {
        network.ready().await;
    }
    let calm = house.calm.lock().await;
    let (run, seed) = (format!("night-{number}"), number.to_string());
    let [scenario, kept, figures] = [&file, &ledger, &report].map(|path| path.to_str().unwrap());
    let fleet = Command::new(binary())
        .args(["simulate", "fleet", scenario, "--devices", DEVICES, "--register", "--run", &run])
        .args(["--seed", &seed, "--ledger", kept, "--report", figures])
        .args(["--mqtt", mqtt, "--grpc", &house.grpc])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&errors).unwrap())
        .spawn();
    let mut fleet = Killed(fleet.unwrap());
    // Whoever finds no server at the start gives up; from then on it is borne.
    while !ledger.exists() && ended(&mut fleet).is_none() {
        sleep(LOOK).await;
    }
    drop(calm);
    let ended = timeout(ROUND_MAX, end(&mut fleet)).await;
    let problem = match ended {
        Ok(Some(0)) => None,
        Ok(code) => Some(format!("ended with {code:?}: {}", last_words(&errors))),
        Err(_) => Some(format!("did not end within {ROUND_MAX:?}")),
    };
    let report = std::fs::read(&report).ok().and_then(|text| serde_json::from_slice(&text).ok());
    Round { name, report: report.unwrap_or_default(), problem, ledger }
}

/// A scenario without what must hold of an undisturbed server, and with the faults of the round.
fn told(scenario: &str, faults: &str) -> String {
    let undisturbed = scenario.split("[must]").next().unwrap_or_default();
    // One that has faults of its own keeps them.
    let faults = if undisturbed.contains("[faults]") { "" } else { faults };
    let table = if faults.is_empty() { String::new() } else { format!("[faults]\n{faults}\n") };
    format!("{undisturbed}\n{table}")
}

fn last_words(errors: &Path) -> String {
    let text = std::fs::read_to_string(errors).unwrap_or_default();
    text.lines().rfind(|line| line.starts_with("error")).unwrap_or_default().to_owned()
}

/// What `sos simulate verify` says of the ledger of a round that is over, and whether that is well.
pub fn verify(round: &Round, grpc: &str) -> (bool, String) {
    let output = sos(&["simulate", "verify", "--ledger", round.ledger.to_str().unwrap(), "--grpc", grpc]);
    (output.status.success(), format!("{}{}", stdout(&output), stderr(&output)))
}

fn ended(process: &mut Killed) -> Option<Option<i32>> {
    process.0.try_wait().unwrap().map(|status| status.code())
}

/// Waits for the end of a process; answers with its exit code.
pub async fn end(process: &mut Killed) -> Option<i32> {
    loop {
        if let Some(code) = ended(process) {
            return code;
        }
        sleep(LOOK).await;
    }
}

/// A bad network in front of the server.
struct Network {
    address: String,
    _proxy: Killed,
}

impl Network {
    fn open(to: &str, faults: &[&str], seed: usize) -> Self {
        let (address, seed) = (format!("127.0.0.1:{}", kept_port()), seed.to_string());
        let proxy = Command::new(binary())
            .args(["simulate", "proxy", "--listen", &address, "--to", to, "--seed", &seed])
            .args(faults)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        Self { address, _proxy: Killed(proxy.unwrap()) }
    }

    async fn ready(&self) {
        while TcpStream::connect(&self.address).is_err() {
            sleep(LOOK).await;
        }
    }
}
