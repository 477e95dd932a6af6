//! A night: everything that the simulator can do to a server that is killed again and again while people watch.
//! `cargo xtask soak --minutes N`.
//!
//! Invariant: exit code 0 only if nothing was lost, doubled, shown wrongly, or grew without work.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the output is the result, and a harness may panic"
)]

mod browsers;
mod consoles;
mod flat;
mod fleet;
mod house;
mod officer;
mod shown;
mod table;

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use browsers::Browsers;
use consoles::{Console, Shown, connect};
use flat::Sample;
use fleet::Round;
use house::House;
use officer::Tally;
use sos_proto::alert::v1::Alert;
use sos_proto::log::v1::event_log_service_client::EventLogServiceClient;
use sos_proto::log::v1::{GetHeadRequest, ReadEventsRequest};
use sos_proto::registry::v1::Device;
use sos_tests::server::{binary, sos, stderr, stdout};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

/// Consoles that watch alerts, and those that watch call points.
const ALERT_CONSOLES: usize = 16;
const DEVICE_CONSOLES: usize = 4;

/// Kills of a night; more than one in [`KILL_EVERY_MIN`] would leave nothing in between.
const KILLS: u32 = 15;
const KILL_EVERY_MIN: Duration = Duration::from_secs(20);

/// Time between two measurements.
const MEASURE_EVERY: Duration = Duration::from_secs(5);

/// Files that a process may have open: two connections for each call point in the proxy, and some.
const FILES_MIN: u64 = 12_000;

/// How long consoles may take to be shown everything, once nothing comes any more.
const SETTLE_MAX: Duration = Duration::from_secs(120);

/// Everybody who is there at night.
struct Night {
    house: House,
    alerts: Vec<Console<Alert>>,
    devices: Vec<Console<Device>>,
    tally: Mutex<Tally>,
    begin: Instant,
}

/// What was found, in the order of the table.
#[derive(Default)]
struct Findings {
    rounds: Vec<Round>,
    samples: Vec<Sample>,
    starts: Vec<Duration>,
    problems: Vec<String>,
    browsers: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let minutes: u64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(30);
    if files_max().is_some_and(|files| files < FILES_MIN) {
        println!(
            "a process may open fewer than {FILES_MIN} files here: raise the limit (`ulimit -n {FILES_MIN}`)"
        );
        return ExitCode::FAILURE;
    }
    let dir = tempfile::tempdir_in(binary().parent().unwrap()).unwrap();
    let night = Night {
        house: House::open(dir.path()).await,
        alerts: std::iter::repeat_with(Console::new).take(ALERT_CONSOLES).collect(),
        devices: std::iter::repeat_with(Console::new).take(DEVICE_CONSOLES).collect(),
        tally: Mutex::default(),
        begin: Instant::now(),
    };
    let findings = night.live(dir.path(), Duration::from_secs(minutes * 60)).await;
    table::print(&night, &findings);
    if findings.problems.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("what there was is in {}", dir.keep().display());
    ExitCode::FAILURE
}

/// The limit that the system sets, where it tells.
fn files_max() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

impl Night {
    async fn live(&self, dir: &Path, duration: Duration) -> Findings {
        let (over, closing) = (CancellationToken::new(), CancellationToken::new());
        let mut watching = JoinSet::new();
        for console in &self.alerts {
            watching.spawn(console.clone().watch(self.house.grpc.clone(), closing.clone()));
        }
        for console in &self.devices {
            watching.spawn(console.clone().watch(self.house.grpc.clone(), closing.clone()));
        }
        let browsers = Browsers::open(&self.house, dir, duration.as_secs() / 60);
        let rounds = async {
            let rounds = self.rounds(dir, duration).await;
            over.cancel();
            rounds
        };
        let (rounds, samples, (), ()) = tokio::join!(
            rounds,
            self.measure(&over),
            self.kill((duration / KILLS).max(KILL_EVERY_MIN), &over),
            officer::work(&self.house.grpc, &self.tally, &over),
        );
        let mut findings = Findings { rounds, samples, ..Findings::default() };
        findings.starts = self.house.starts().await;
        self.judge(&mut findings).await;
        let (well, said) = browsers.close().await;
        findings.browsers = said;
        if !well {
            findings.problems.push("browsers: see what they say above".to_owned());
        }
        closing.cancel();
        watching.join_all().await;
        self.close(&mut findings).await;
        findings
    }

    /// Rounds back to back until the time is over, and at least one of each scenario.
    async fn rounds(&self, dir: &Path, duration: Duration) -> Vec<Round> {
        let (scenarios, mut rounds) = (fleet::scenarios(), Vec::new());
        while rounds.len() < scenarios.len() || self.begin.elapsed() < duration {
            let round = fleet::round(&self.house, dir, rounds.len(), &scenarios).await;
            table::row(self.begin.elapsed(), rounds.len(), &round);
            rounds.push(round);
        }
        rounds
    }

    async fn kill(&self, every: Duration, over: &CancellationToken) {
        loop {
            tokio::select! {
                () = over.cancelled() => return,
                () = sleep(every) => {}
            }
            self.house.kill().await;
        }
    }

    async fn measure(&self, over: &CancellationToken) -> Vec<Sample> {
        let (mut ticks, mut samples) = (interval(MEASURE_EVERY), Vec::new());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = over.cancelled() => return samples,
                _ = ticks.tick() => {}
            }
            let (memory, disk, at) = (self.house.memory().await, self.house.disk(), self.begin.elapsed());
            let Some(first) = self.alerts.first() else { continue };
            let (events, alerts) = first.look(|view| (view.position, view.items.len() as u64));
            samples.push(Sample { at, memory, disk, events, alerts });
        }
    }

    /// What the consoles hold, what the ledgers say, and what was used.
    async fn judge(&self, findings: &mut Findings) {
        let problems = &mut findings.problems;
        problems.extend(agree(&self.house.grpc, &self.alerts).await);
        problems.extend(agree(&self.house.grpc, &self.devices).await);
        let mut clean = 0;
        for (number, round) in findings.rounds.iter().enumerate() {
            let wrong = round.problem.iter().map(|problem| format!("round {number}: {problem}"));
            problems.extend(wrong);
            let (well, said) = fleet::verify(round, &self.house.grpc);
            if well {
                clean += 1;
            } else {
                problems.push(format!("round {number} ({}): verify says\n{said}", round.name));
            }
        }
        println!("simulate verify: no difference in {clean} of {} ledgers", findings.rounds.len());
        problems.extend(requests(&self.house.grpc).await);
        problems.append(&mut self.tally.lock().unwrap().problems);
        match flat::halves(&findings.samples) {
            Some(halves) => problems.extend(flat::problems(&halves)),
            None => problems.push("nothing was measured".to_owned()),
        }
    }

    /// Stops the server, and checks what it leaves behind.
    async fn close(&self, findings: &mut Findings) {
        let code = self.house.close().await;
        if code != Some(0) {
            findings.problems.push(format!("the server ended with {code:?}"));
        }
        let verified = sos(&["log", "verify", "--data", self.house.data.to_str().unwrap()]);
        println!("log verify: {}", stdout(&verified).trim());
        if !verified.status.success() {
            findings.problems.push(format!("log verify: {}{}", stdout(&verified), stderr(&verified)));
        }
    }
}

/// P5: every console holds exactly what a fresh list has, once nothing comes any more.
async fn agree<T: Shown>(grpc: &str, consoles: &[Console<T>]) -> Vec<String> {
    let begin = Instant::now();
    let fresh = loop {
        let all_at = |head| consoles.iter().all(|console| console.look(|view| view.position == head));
        match listed::<T>(grpc).await {
            Some((head, fresh)) if all_at(head) => break fresh,
            _ if begin.elapsed() > SETTLE_MAX => {
                return vec![format!("{}: no console came to rest within {SETTLE_MAX:?}", T::WHAT)];
            }
            _ => sleep(Duration::from_millis(100)).await,
        }
    };
    println!("{} listed afresh: {}; consoles: {}", T::WHAT, fresh.len(), consoles.len());
    let numbered = consoles.iter().enumerate();
    let wrong = numbered.flat_map(|(number, console)| {
        let told = console.differences(&fresh).into_iter();
        told.map(move |told| format!("console {number} of {}: {told}", T::WHAT))
    });
    wrong.collect()
}

/// A fresh list, if it is of the head of the log and the log stood still meanwhile.
async fn listed<T: Shown>(grpc: &str) -> Option<(u64, std::collections::BTreeMap<String, T>)> {
    let channel = connect(grpc).await.ok()?;
    let (position, fresh) = T::list(channel.clone()).await.ok()??;
    let head = EventLogServiceClient::new(channel).get_head(GetHeadRequest {}).await.ok()?;
    (head.into_inner().position == position).then_some((position, fresh))
}

/// P6: each command is in the log once.
async fn requests(grpc: &str) -> Vec<String> {
    let mut log = EventLogServiceClient::new(connect(grpc).await.unwrap());
    let mut pieces = log.read_events(ReadEventsRequest::default()).await.unwrap().into_inner();
    let mut counts: HashMap<String, u64> = HashMap::new();
    while let Some(piece) = pieces.message().await.unwrap() {
        for event in piece.events.into_iter().filter_map(|recorded| recorded.event) {
            *counts.entry(event.request_id).or_default() += 1;
        }
    }
    counts.remove("");
    println!("commands in the log: {}", counts.len());
    let doubled = counts.into_iter().filter(|(_, count)| *count > 1);
    doubled.map(|(request, count)| format!("the log holds {request} {count} times")).collect()
}
