//! What can be typed.

mod access;
mod alerts;
mod registry;
mod simulate;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use access::{
    AccessArgs, CertsArgs, CertsCommand, IssueArgs, PrivacyArgs, PrivacyCommand, TokenArgs, TokenCommand,
};
pub use alerts::{
    AlertsArgs, AlertsCommand, CommandArgs, ConsoleArgs, DEFAULT_GRPC, DispositionArg, FilterArgs,
    OrderCommand, ResponseArg, StateArg, WatchArgs,
};
pub use registry::{
    DeskArgs, DeviceArgs, DevicesArgs, DevicesCommand, SiteArgs, SitesArgs, SitesCommand, WindowArg,
    WindowsArgs, WindowsCommand,
};
pub use simulate::{
    FleetArgs, LoadArgs, ProxyArgs, RateArg, RecordArgs, ReplayArgs, RunArgs, SimulateArgs, SimulateCommand,
    VerifyLedgerArgs,
};

/// The SOS gateway: from an emergency button to the person who sends help.
#[derive(Debug, Parser)]
#[command(name = "sos", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Who you are.
    #[command(flatten)]
    pub access: AccessArgs,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run broker, gateway, event log and processor in one process
    Up(UpArgs),
    /// Run broker, gateway and event log; serve the log to a processor
    Gateway(ServeArgs),
    /// Run the processor on the event log of a gateway
    Processor(ServeArgs),
    /// Act as call points
    Simulate(SimulateArgs),
    /// Look at alerts and handle them
    Alerts(AlertsArgs),
    /// Handle alerts on a terminal, until q
    Console(ConsoleArgs),
    /// Keep the registry of sites
    Sites(SitesArgs),
    /// Keep the registry of call points
    Devices(DevicesArgs),
    /// Put sites and call points into exercises and tests
    Windows(WindowsArgs),
    /// Look at the event log
    Log(LogArgs),
    /// Look at the configuration
    Config(ConfigArgs),
    /// Issue certificates to servers, call points and operators
    Certs(CertsArgs),
    /// Issue tokens to operators
    Token(TokenArgs),
    /// Erase personal data
    Privacy(PrivacyArgs),
}

/// `sos up`.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// Add a simulated town: its call points press, and a simulated colleague takes what you leave
    #[arg(long)]
    pub demo: bool,
    /// The rest.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// What every server takes.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Write the addresses in use to FILE, as JSON, once everything is ready
    #[arg(long, value_name = "FILE")]
    pub ports_file: Option<PathBuf>,
}

/// Where the configuration comes from: defaults, then the file, then SOS_… in the environment, then flags.
#[derive(Debug, Args)]
pub struct SourceArgs {
    /// Read the configuration from FILE (TOML); in the environment, the key mqtt.listen is SOS_MQTT__LISTEN
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Directory of the event log, and of the processor's snapshots [key: data] [default: sos-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Listen for MQTT; port 0 picks a free one [key: mqtt.listen] [default: 127.0.0.1:1883]
    #[arg(long, value_name = "HOST:PORT")]
    pub mqtt: Option<String>,
    /// Listen for gRPC [key: grpc.listen] [default: 127.0.0.1:50051]
    #[arg(long, value_name = "HOST:PORT")]
    pub grpc: Option<String>,
    /// Listen for HTTP [key: http.listen] [default: 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT")]
    pub http: Option<String>,
    /// The gateway's log: where `gateway` serves it and `processor` finds it [key: log.address]
    /// [default: 127.0.0.1:50052]
    #[arg(long, value_name = "HOST:PORT")]
    pub log: Option<String>,
    /// Listen beyond this machine without TLS or without knowing who is there [key: insecure]
    #[arg(long)]
    pub insecure: bool,
}

/// How to write a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs: one JSON object a line.
    Json,
}

/// `sos log`.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// Read the log of a stopped server
    #[arg(long, global = true, value_name = "DIR", conflicts_with = "grpc")]
    pub data: Option<PathBuf>,
    /// Ask a running server [default: 127.0.0.1:50051]
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub grpc: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: LogCommand,
}

/// `sos log …`.
#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// How far the log has come
    Info {
        /// How to write
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
    },
    /// Show the newest events, and go on with what comes
    Tail {
        /// Begin so many events before the head
        #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
        lines: u64,
        /// Stop at the head
        #[arg(long)]
        no_follow: bool,
        /// How to write
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
    },
    /// Check that nothing was changed, removed, inserted or moved; exit 3 and the first bad position if it was
    Verify(VerifyArgs),
    /// Copy the log of a running or stopped server to a directory, or what came since the last time, and verify it
    Backup {
        /// The directory
        dest: PathBuf,
    },
    /// Fill the new directory --data from a backup, and verify it
    Restore {
        /// The directory of the backup
        backup: PathBuf,
    },
    /// Fill the new directory --data from an export, and verify it
    Import {
        /// The file
        file: PathBuf,
    },
    /// Move the oldest segments of the stopped log --data to compressed files, where it goes on to read them
    Archive {
        /// Only what ends before this position, or this time (2026-01-31T00:00:00Z)
        #[arg(long, value_name = "POSITION|TIME")]
        before: String,
        /// The directory they go to
        dest: PathBuf,
    },
    /// Write every event as one line of JSON
    Export {
        /// To this file instead of standard output
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        /// From this position
        #[arg(long, value_name = "POSITION", default_value_t = 1)]
        from: u64,
        /// To this position, inclusive [default: the head]
        #[arg(long, value_name = "POSITION")]
        to: Option<u64>,
    },
}

/// `sos log verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// From this position
    #[arg(long, value_name = "POSITION", default_value_t = 1)]
    pub from: u64,
    /// To this position, inclusive [default: the end, which must be where it is known to be]
    #[arg(long, value_name = "POSITION")]
    pub to: Option<u64>,
    /// Check against the signed heads in FILE, too; may be repeated
    #[arg(long, value_name = "FILE")]
    pub witness: Vec<PathBuf>,
    /// Trust only heads that are signed with this public key, 64 hexadecimal digits [default: one key for all]
    #[arg(long, value_name = "HEX", requires = "witness")]
    pub witness_key: Option<String>,
}

/// `sos config`.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// `sos config …`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Show the configuration in force
    Show {
        /// Where it comes from.
        #[command(flatten)]
        source: SourceArgs,
        /// How to write
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
    },
    /// Say what is wrong with it
    Check {
        /// Where it comes from.
        #[command(flatten)]
        source: SourceArgs,
    },
}
