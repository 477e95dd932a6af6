//! What can be typed behind `sos simulate`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};

use super::DEFAULT_GRPC;

/// `sos simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// What to simulate.
    #[command(subcommand)]
    pub command: SimulateCommand,
}

/// `sos simulate …`.
#[derive(Debug, Subcommand)]
pub enum SimulateCommand {
    /// Publish what a file holds: emergency calls (CSV), `sos log export`, or `sos simulate record`
    Replay(ReplayArgs),
    /// Write down what devices send, until Ctrl-C
    Record(RecordArgs),
    /// Stand between two sides as a bad network, until Ctrl-C
    Proxy(ProxyArgs),
    /// Live through a scenario with many virtual call points, and check what must hold afterwards
    Fleet(FleetArgs),
    /// Press by the clock, whether or not the system keeps up, and measure
    Load(LoadArgs),
    /// Compare the ledger of a run with the log and the alerts; exit 3 and what differs if anything does
    Verify(VerifyLedgerArgs),
}

/// `sos simulate load`.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// Where it runs, and what is kept of it.
    #[command(flatten)]
    pub run: RunArgs,
    /// Virtual call points, each with its own connection
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub devices: usize,
    /// Presses a second in all, or `max`: as fast as acknowledged
    #[arg(long, value_name = "N|max", default_value = "100")]
    pub rate: RateArg,
    /// For how long
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub seconds: u64,
    /// Every publish waits so many milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub latency_ms: u64,
    /// Up to so many milliseconds more
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub jitter_ms: u64,
    /// Chance of a publish to be sent twice, 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    pub duplicate: f64,
    /// Chance of a publish to be sent after the next one, 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    pub reorder: f64,
    /// Chance of a publish to be the last of its connection, 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    pub reset: f64,
}

/// `sos simulate record`.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// The broker
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:1883")]
    pub mqtt: String,
    /// Write to FILE, one line of JSON a message
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
}

/// `sos simulate proxy`.
#[derive(Debug, Args)]
pub struct ProxyArgs {
    /// Listen here; port 0 picks a free one
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: String,
    /// Pass on to there
    #[arg(long, value_name = "HOST:PORT")]
    pub to: String,
    /// What chance grows from
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Milliseconds that every byte takes, in each direction
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub latency_ms: u64,
    /// Up to so many milliseconds more
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub jitter_ms: u64,
    /// Kilobytes a second in each direction of a connection; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub bandwidth: u64,
    /// Chance of a connection to be cut in each second, 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    pub reset: f64,
    /// Chance of a connection to be half open: taken, and nothing ever comes through; 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    pub half_open: f64,
    /// Chance of a connection, in each second, that nothing comes back on it any more, so that acknowledgements are
    /// lost; 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    pub mute: f64,
    /// Nothing comes through from this second on …
    #[arg(long, value_name = "S", default_value_t = 0.0)]
    pub partition_at: f64,
    /// … for so many seconds
    #[arg(long, value_name = "S", default_value_t = 0.0)]
    pub partition_for: f64,
}

/// `sos simulate fleet`.
#[derive(Debug, Args)]
pub struct FleetArgs {
    /// A TOML file, or one of quiet-night, school-emergency, power-cut, broker-restart, prankster, bad-firmware,
    /// wrong-clocks
    pub scenario: PathBuf,
    /// Where it runs, and what is kept of it.
    #[command(flatten)]
    pub run: RunArgs,
    /// Virtual call points [default: as the scenario says]
    #[arg(long, value_name = "N")]
    pub devices: Option<usize>,
    /// Call points that are connected, at most 20,000; the others are only registered
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    pub connected: usize,
    /// How long [default: as the scenario says]
    #[arg(long, value_name = "N")]
    pub seconds: Option<u64>,
    /// Register sites and call points first
    #[arg(long)]
    pub register: bool,
}

/// Where a run takes place, and what is kept of it.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The broker
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:1883")]
    pub mqtt: String,
    /// Connect with TLS, each call point with a certificate of the authority in DIR
    #[arg(long, value_name = "DIR")]
    pub pki: Option<PathBuf>,
    /// The server, where the log and the alerts are read
    #[arg(long, value_name = "HOST:PORT", default_value = DEFAULT_GRPC)]
    pub grpc: String,
    /// Write the figures to FILE, as JSON
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write the figures and plots to FILE, as one page
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write down what was meant, sent and heard, for `sos simulate verify`
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// Name of the run, part of the boot ids [default: a new one]
    #[arg(long = "run", value_name = "NAME")]
    pub name: Option<String>,
    /// What chance grows from: the same seed, the same history
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// How fast to press.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RateArg {
    /// So many a second.
    PerSecond(f64),
    /// As fast as acknowledged.
    Max,
}

impl FromStr for RateArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        text.parse().map(Self::PerSecond).map_err(|_| "neither a number nor `max`".to_owned())
    }
}

/// `sos simulate verify`.
#[derive(Debug, Args)]
pub struct VerifyLedgerArgs {
    /// The ledger of a run
    #[arg(long, value_name = "FILE")]
    pub ledger: PathBuf,
    /// The server
    #[arg(long, value_name = "HOST:PORT", default_value = DEFAULT_GRPC)]
    pub grpc: String,
}

/// `sos simulate replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// CSV with the columns latitude, longitude, category, called_at, township, place; or lines of JSON
    pub file: PathBuf,
    /// The broker
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:1883")]
    pub mqtt: String,
    /// Divide the recorded spacing by N; 0: as fast as acknowledged
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    pub speed: f64,
    /// Name of the run, part of the boot ids: the same run again adds no event [default: a digest of the file]
    #[arg(long, value_name = "NAME")]
    pub run: Option<String>,
    /// Connections at one time
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub connections: usize,
    /// Count a press as failed after so many seconds without an acknowledgement
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub give_up: u64,
    /// Write messages as JSON instead of protobuf
    #[arg(long)]
    pub json: bool,
}
