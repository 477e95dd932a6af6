//! What can be typed behind `sos alerts`.

use clap::{Args, Subcommand, ValueEnum};

use super::DeskArgs;

/// The default address of the operator contract.
pub const DEFAULT_GRPC: &str = "127.0.0.1:50051";

/// `sos alerts`.
#[derive(Debug, Args)]
pub struct AlertsArgs {
    /// Where to ask.
    #[command(flatten)]
    pub desk: DeskArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: AlertsCommand,
}

/// `sos alerts …`.
#[derive(Debug, Subcommand)]
pub enum AlertsCommand {
    /// List alerts, newest first
    List {
        /// Which alerts.
        #[command(flatten)]
        filter: FilterArgs,
        /// Only those not resolved, the most urgent first
        #[arg(long)]
        urgent: bool,
    },
    /// List incidents: alerts of one site that follow each other closely
    Incidents {
        /// Only of this site; may be repeated
        #[arg(long, value_name = "SITE")]
        site: Vec<String>,
    },
    /// Show one alert and everything that happened to it
    Show {
        /// The alert, or the beginning of its id
        alert_id: String,
    },
    /// Show alerts as they change, until Ctrl-C
    Watch(WatchArgs),
    /// Change one.
    #[command(flatten)]
    Order(OrderCommand),
}

/// `sos console`.
#[derive(Debug, Args)]
pub struct ConsoleArgs {
    /// The server
    #[arg(long, value_name = "HOST:PORT", default_value = DEFAULT_GRPC)]
    pub grpc: String,
    /// Your name as an operator
    #[arg(long = "as", value_name = "NAME", env = "USER", default_value = "operator")]
    pub operator: String,
}

/// What changes an alert.
#[derive(Debug, Subcommand)]
pub enum OrderCommand {
    /// Take an alert
    Ack(CommandArgs),
    /// Write something down
    Note {
        /// Which alert.
        #[command(flatten)]
        command: CommandArgs,
        /// The text
        text: String,
    },
    /// Send a unit to an alert that is yours
    Dispatch {
        /// Which alert.
        #[command(flatten)]
        command: CommandArgs,
        /// The unit
        unit_id: String,
    },
    /// Report the progress of a unit
    Response {
        /// Which alert.
        #[command(flatten)]
        command: CommandArgs,
        /// The unit
        unit_id: String,
        /// Where it is now
        #[arg(value_enum)]
        status: ResponseArg,
    },
    /// Ask for more help
    Escalate {
        /// Which alert.
        #[command(flatten)]
        command: CommandArgs,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Hand an alert that is yours to another operator
    Transfer {
        /// Which alert.
        #[command(flatten)]
        command: CommandArgs,
        /// The new owner
        to_operator: String,
    },
    /// Open a closed alert again; it is yours then
    Reopen {
        /// Which alert.
        #[command(flatten)]
        command: CommandArgs,
        /// Why
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Turn an alert of an exercise or a test into a real one
    Actual {
        /// Which alert.
        #[command(flatten)]
        command: CommandArgs,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Put a technical alert aside for a while
    Shelve {
        /// Which alert.
        #[command(flatten)]
        command: CommandArgs,
        /// For how long: 90m, 8h, 3d
        #[arg(long = "for", value_name = "TIME")]
        time: jiff::SignedDuration,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Take a shelved alert back
    Unshelve(CommandArgs),
    /// Close an alert that is yours
    Resolve {
        /// Which alert.
        #[command(flatten)]
        command: CommandArgs,
        /// What it turned out to be
        #[arg(long, value_enum)]
        disposition: DispositionArg,
        /// Why
        #[arg(long, default_value = "")]
        note: String,
    },
}

/// Which alerts.
#[derive(Debug, Args)]
pub struct FilterArgs {
    /// Only in this state; may be repeated
    #[arg(long, value_enum)]
    pub state: Vec<StateArg>,
    /// Only of this site; may be repeated
    #[arg(long, value_name = "SITE")]
    pub site: Vec<String>,
    /// Only those of this owner
    #[arg(long, value_name = "NAME", default_value = "")]
    pub owner: String,
    /// Only those of this incident
    #[arg(long, value_name = "INCIDENT", default_value = "")]
    pub incident: String,
}

/// `sos alerts watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Which alerts.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Resume behind this position instead of opening with a snapshot
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    pub after: u64,
}

/// An alert, and how to command it.
#[derive(Debug, Args)]
pub struct CommandArgs {
    /// The alert, or the beginning of its id
    pub alert_id: String,
    /// Name this command, to repeat it safely [default: a new one]
    #[arg(long, value_name = "ID")]
    pub request_id: Option<String>,
    /// Refuse if the alert has another revision
    #[arg(long, value_name = "N")]
    pub expected_revision: Option<u64>,
}

/// States that can be asked for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum StateArg {
    Raised,
    Acknowledged,
    Resolved,
}

/// Where a unit can be that was sent.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ResponseArg {
    EnRoute,
    OnScene,
    Cleared,
    Withdrawn,
}

/// What an alert can turn out to be.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum DispositionArg {
    Genuine,
    Accidental,
    Malicious,
    Test,
    Technical,
    Duplicate,
    NobodyFound,
}
