//! What can be typed about who is who: certificates, tokens, and how a command proves who you are.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use sos_auth::Role;
use sos_proto::call_point::CallPoint;

use super::{DeskArgs, Format};

/// How a command proves who you are to a server.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Access")]
pub struct AccessArgs {
    /// Speak TLS to a server that this certificate vouches for
    #[arg(long, global = true, value_name = "FILE", env = "SOS_CA")]
    pub ca: Option<PathBuf>,
    /// Your certificate
    #[arg(long, global = true, value_name = "FILE", env = "SOS_CERT", requires = "key")]
    pub cert: Option<PathBuf>,
    /// The key to it
    #[arg(long, global = true, value_name = "FILE", env = "SOS_KEY", requires = "cert")]
    pub key: Option<PathBuf>,
    /// A file with your token
    #[arg(long, global = true, value_name = "FILE", env = "SOS_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
}

/// `sos certs`.
#[derive(Debug, Args)]
pub struct CertsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: CertsCommand,
}

/// `sos certs …`.
#[derive(Debug, Subcommand)]
pub enum CertsCommand {
    /// Make an authority for certificates, and a key for tokens
    Init {
        /// Its directory
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
    },
    /// Issue a certificate, as PREFIX.crt, with its key as PREFIX.key
    Issue(IssueArgs),
    /// Issue the certificate PREFIX.crt again, with a new key, in its place
    Renew {
        /// Directory of the authority
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// PREFIX.crt and PREFIX.key
        #[arg(long, value_name = "PREFIX")]
        out: PathBuf,
        /// For how many days
        #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u64).range(1..=7_300))]
        days: u64,
    },
    /// List every certificate that was issued, the first to end first
    List {
        /// Directory of the authority
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// How to write
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
    },
}

/// `sos certs issue`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("subject").required(true).args(["server", "device", "operator"])))]
pub struct IssueArgs {
    /// Directory of the authority
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// For a server, by these names or addresses
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub server: Vec<String>,
    /// For a call point
    #[arg(long, value_name = "SITE/DEVICE")]
    pub device: Option<CallPoint>,
    /// For an operator, by name
    #[arg(long, value_name = "NAME", requires = "role")]
    pub operator: Option<String>,
    /// What the operator may do: viewer, operator, supervisor, auditor, tester, admin
    #[arg(long, value_name = "ROLE")]
    pub role: Option<Role>,
    /// Where to write: PREFIX.crt and PREFIX.key
    #[arg(long, value_name = "PREFIX")]
    pub out: PathBuf,
    /// For how many days
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u64).range(1..=7_300))]
    pub days: u64,
}

/// `sos token`.
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: TokenCommand,
}

/// `sos token …`.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Print a token for an operator
    Issue {
        /// Directory of the authority
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// Who it is for
        #[arg(long, value_name = "NAME")]
        operator: String,
        /// What they may do: viewer, operator, supervisor, auditor, tester, admin
        #[arg(long, value_name = "ROLE")]
        role: Role,
        /// Only in this region; may be repeated
        #[arg(long, value_name = "REGION")]
        region: Vec<String>,
        /// Only at this site; may be repeated
        #[arg(long, value_name = "SITE")]
        site: Vec<String>,
        /// For how long (8h, 30m)
        #[arg(long, value_name = "TIME", default_value = "8h")]
        ttl: jiff::SignedDuration,
    },
}

/// `sos privacy`.
#[derive(Debug, Args)]
pub struct PrivacyArgs {
    /// Where to ask.
    #[command(flatten)]
    pub desk: DeskArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: PrivacyCommand,
}

/// `sos privacy …`.
#[derive(Debug, Subcommand)]
pub enum PrivacyCommand {
    /// Erase what is personal in a closed alert, in the log as well: locations and notes. That it was erased, by whom and
    /// why, stays
    Erase {
        /// The alert
        #[arg(long, value_name = "ID")]
        alert: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}
