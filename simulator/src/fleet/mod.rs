//! A fleet of virtual call points that lives through a scenario: what it does is planned ahead from a seed, and
//! what must hold afterwards is checked.

mod act;
mod plan;
mod scenario;
mod towns;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sos_proto::alert::v1::{Alert, AlertKind, AlertState};
use sos_proto::link::Link;
use sos_proto::registry::v1::Device;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::button::{Button, IN_FLIGHT_MAX, Order, Shared};
use crate::config::{Broker, ConfigError, Identities, Run as Name};
use crate::recorder::Count;
use crate::report::Report;
use crate::session::{Session, SessionError};
use crate::system::{Registry, System, SystemError};
use towns::{Country, Point};

pub use scenario::{Must, Scenario, ScenarioError};

/// Most call points of a fleet.
pub const DEVICES_MAX: usize = 100_000;

/// Most call points that are connected at once.
pub const CONNECTED_MAX: usize = 20_000;

/// Call points that connect in a second at the beginning.
const CONNECTS_PER_SECOND: usize = 2_000;

/// Orders that wait for one call point. Beyond it the schedule waits.
const ORDERS_MAX: usize = 256;

/// How long unacknowledged messages may still be answered.
const DRAIN: Duration = Duration::from_secs(60);

/// What to simulate, and where.
#[derive(Debug, Clone)]
pub struct Config {
    /// Broker, `host:port`.
    pub mqtt: String,
    /// What its call points present, if it wants certificates.
    pub identities: Option<Identities>,
    /// The operator contract.
    pub grpc: Link,
    /// What happens.
    pub scenario: Scenario,
    /// Call points that are connected, at most; the others are only registered.
    pub connected: usize,
    /// Register sites and call points first.
    pub register: bool,
    /// Names the run, 1 to 40 characters of `[a-z0-9._-]`.
    pub run: String,
    /// What chance grows from.
    pub seed: u64,
    /// Where to keep the ledger. Absent: nowhere.
    pub ledger: Option<PathBuf>,
}

/// What became of a fleet.
#[derive(Debug)]
pub struct Outcome {
    /// What was measured of its presses.
    pub report: Report,
    /// What the scenario says must hold, and does not.
    pub broken: Vec<String>,
}

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It was not measured to its end.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The system cannot be asked.
    #[error(transparent)]
    System(#[from] SystemError),
    /// A fault of this program.
    #[error("a task of the fleet failed")]
    Task(#[from] JoinError),
}

/// Lives through a scenario, or as much of it as there is before `shutdown`.
///
/// # Errors
/// If a setting is wrong, the system is out of reach, or the ledger cannot be written.
pub async fn run(
    config: Config,
    counted: impl FnMut(Count) + Send + 'static,
    shutdown: CancellationToken,
) -> Result<Outcome, Error> {
    let (broker, name) =
        (Broker::secured(&config.mqtt, config.identities.clone())?, Name::parse(&config.run)?);
    let scenario = &config.scenario;
    let country = towns::country(scenario.devices, scenario.per_site);
    let points = connected(&country, config.connected.min(CONNECTED_MAX), config.seed);
    let steps = plan::steps(scenario, &points, config.seed);
    let system = System::new(config.grpc.clone());
    if config.register {
        register(config.grpc.clone(), &country, name.as_str()).await?;
    }
    let named = (name.as_str(), config.seed);
    let session = Session::begin(system.clone(), named, config.ledger.as_deref(), counted).await?;
    let over = shutdown.child_token();
    let shared = Arc::new(Shared {
        broker,
        faults: scenario.faults.clone(),
        facts: session.facts.clone(),
        start: session.start,
        shutdown: over.clone(),
        drain: DRAIN,
        presence: true,
        in_flight: IN_FLIGHT_MAX,
    });
    let boot_id = format!("fleet-{}", name.as_str());
    let (mut tasks, devices) = buttons(&points, &shared, &boot_id, config.seed);
    drop(shared);
    let warm =
        session.start + Duration::from_secs_f64(1.0 + points.len() as f64 / CONNECTS_PER_SECOND as f64);
    act::carry_out(steps, devices, &boot_id, scenario.clock_off_s, warm, &shutdown).await;
    if !shutdown.is_cancelled() {
        sleep_until(warm + Duration::from_secs(scenario.seconds)).await;
    }
    over.cancel();
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    let head = session.head();
    let report = session.finish().await?;
    let alerts = system.alerts(None, head).await?;
    let broken = broken(&scenario.must, &report, head, &alerts);
    Ok(Outcome { report, broken })
}

/// Lets every call point connect in its turn.
fn buttons(
    points: &[Point],
    shared: &Arc<Shared>,
    boot_id: &str,
    seed: u64,
) -> (JoinSet<()>, Vec<mpsc::Sender<Order>>) {
    let (mut tasks, mut devices) = (JoinSet::new(), Vec::new());
    for (number, point) in points.iter().enumerate() {
        let (orders, inbox) = mpsc::channel(ORDERS_MAX);
        let (call_point, seed) = (point.call_point.clone(), seed.wrapping_add(number as u64));
        let button = Button::new(Arc::clone(shared), call_point, boot_id.to_owned(), inbox, seed);
        let turn = Duration::from_secs_f64(number as f64 / CONNECTS_PER_SECOND as f64);
        tasks.spawn(async move {
            sleep(turn).await;
            button.run().await;
        });
        devices.push(orders);
    }
    (tasks, devices)
}

/// The call points that are connected, chosen by chance where not all are.
fn connected(country: &Country, most: usize, seed: u64) -> Vec<Point> {
    if country.points.len() <= most {
        return country.points.clone();
    }
    let mut numbers: Vec<_> = (0..country.points.len()).collect();
    fastrand::Rng::with_seed(seed).shuffle(&mut numbers);
    numbers.truncate(most);
    numbers.sort_unstable();
    numbers.into_iter().filter_map(|number| country.points.get(number).cloned()).collect()
}

async fn register(grpc: Link, country: &Country, run: &str) -> Result<(), SystemError> {
    let registry = Registry::new(grpc);
    registry.put_sites(&country.sites, run).await?;
    let devices = country.points.iter().map(|Point { call_point, .. }| Device {
        site_id: call_point.site().to_owned(),
        device_id: call_point.device().to_owned(),
        ..Device::default()
    });
    registry.put_devices(devices, run).await
}

/// What must hold and does not. Counted are alerts that changed in the run: some may have been open before.
fn broken(must: &Must, report: &Report, head: u64, alerts: &[Alert]) -> Vec<String> {
    let new = || alerts.iter().filter(|alert| alert.position > head);
    let presses = new().filter(|alert| alert.kind() == AlertKind::Press).count() as u64;
    let technical = || new().filter(|alert| alert.kind() == AlertKind::Technical);
    let still_open = technical().filter(|alert| alert.state() != AlertState::Resolved).count() as u64;
    let technical = technical().count() as u64;
    let checks = [
        (report.lost == 0, format!("lost is {}", report.lost)),
        (report.duplicated == 0, format!("duplicated is {}", report.duplicated)),
        (
            presses >= must.press_alerts_min,
            format!("{presses} press alerts are less than {}", must.press_alerts_min),
        ),
        at_most("press alerts", presses, must.press_alerts_max),
        (
            technical >= must.technical_alerts_min,
            format!("{technical} technical alerts are less than {}", must.technical_alerts_min),
        ),
        at_most("technical alerts", technical, must.technical_alerts_max),
        at_most("open technical alerts", still_open, must.technical_alerts_open_max),
    ];
    checks.into_iter().filter(|(holds, _)| !holds).map(|(_, told)| told).collect()
}

fn at_most(what: &str, count: u64, most: Option<u64>) -> (bool, String) {
    (
        most.is_none_or(|most| count <= most),
        format!("{count} {what} are more than {}", most.unwrap_or(u64::MAX)),
    )
}
