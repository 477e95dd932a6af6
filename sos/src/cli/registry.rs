//! What can be typed behind `sos sites`, `sos devices` and `sos windows`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use sos_proto::call_point::CallPoint;

use super::{DEFAULT_GRPC, Format};

/// Where to ask, in whose name, and how to write.
#[derive(Debug, Args)]
pub struct DeskArgs {
    /// The server
    #[arg(long, global = true, value_name = "HOST:PORT", default_value = DEFAULT_GRPC)]
    pub grpc: String,
    /// Your name as an operator
    #[arg(long = "as", global = true, value_name = "NAME", env = "USER", default_value = "operator")]
    pub operator: String,
    /// How to write
    #[arg(long, global = true, value_enum, default_value = "table")]
    pub format: Format,
}

/// `sos sites`.
#[derive(Debug, Args)]
pub struct SitesArgs {
    /// Where to ask.
    #[command(flatten)]
    pub desk: DeskArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: SitesCommand,
}

/// `sos sites …`.
#[derive(Debug, Subcommand)]
pub enum SitesCommand {
    /// List sites
    List,
    /// Register a site, or change it
    Put(SiteArgs),
    /// Register every row of a CSV file: site_id, name, kind, address, latitude, longitude, region
    Import {
        /// The file
        file: PathBuf,
    },
}

/// A site.
#[derive(Debug, Args)]
pub struct SiteArgs {
    /// Its id: [a-z0-9][a-z0-9._-]{0,63}
    pub site_id: String,
    /// What people call it
    #[arg(long)]
    pub name: String,
    /// What kind of place it is: school, hospital, public_place
    #[arg(long, default_value = "")]
    pub kind: String,
    /// Postal address
    #[arg(long, default_value = "")]
    pub address: String,
    /// Where it is, in degrees
    #[arg(long, allow_hyphen_values = true, default_value = "")]
    pub latitude: String,
    /// Where it is, in degrees
    #[arg(long, allow_hyphen_values = true, default_value = "")]
    pub longitude: String,
    /// The region or district that answers for it
    #[arg(long, default_value = "")]
    pub region: String,
}

/// `sos devices`.
#[derive(Debug, Args)]
pub struct DevicesArgs {
    /// Where to ask.
    #[command(flatten)]
    pub desk: DeskArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: DevicesCommand,
}

/// `sos devices …`.
#[derive(Debug, Subcommand)]
pub enum DevicesCommand {
    /// List call points, registered or only heard of
    List {
        /// Only of this site
        #[arg(long, value_name = "SITE", default_value = "")]
        site: String,
    },
    /// Show one call point
    Show(CallPointArgs),
    /// Register a call point, or change it
    Put(DeviceArgs),
    /// Take a call point out of use; a press from it still opens an alert
    Retire {
        /// Which one.
        #[command(flatten)]
        call_point: CallPointArgs,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Give a call point a new password, and print it this once
    Password {
        /// Which one
        #[arg(value_name = "SITE/DEVICE")]
        call_point: CallPoint,
    },
    /// Take away a call point's access: whatever it presents, it may not connect. In force at once
    Revoke {
        /// Which one
        #[arg(value_name = "SITE/DEVICE")]
        call_point: CallPoint,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Give it back, for its certificate; a password has to be made anew
    Allow {
        /// Which one
        #[arg(value_name = "SITE/DEVICE")]
        call_point: CallPoint,
    },
    /// Register every row of a CSV file: site_id, device_id, building, floor, room, latitude, longitude,
    /// supervision_class
    Import {
        /// The file
        file: PathBuf,
    },
}

/// A call point.
#[derive(Debug, Args)]
pub struct CallPointArgs {
    /// Its site
    pub site_id: String,
    /// Its id within the site
    pub device_id: String,
}

/// A call point and where it hangs.
#[derive(Debug, Args)]
pub struct DeviceArgs {
    /// Which one.
    #[command(flatten)]
    pub call_point: CallPointArgs,
    /// Building
    #[arg(long, default_value = "")]
    pub building: String,
    /// Floor
    #[arg(long, allow_hyphen_values = true, default_value = "")]
    pub floor: String,
    /// Room
    #[arg(long, default_value = "")]
    pub room: String,
    /// Where it is, in degrees
    #[arg(long, allow_hyphen_values = true, default_value = "")]
    pub latitude: String,
    /// Where it is, in degrees
    #[arg(long, allow_hyphen_values = true, default_value = "")]
    pub longitude: String,
    /// How soon its silence is noticed: a (90 s), b (3 min), c (30 min), d (25 h)
    #[arg(long = "class", value_name = "CLASS", default_value = "")]
    pub supervision_class: String,
}

/// `sos windows`.
#[derive(Debug, Args)]
pub struct WindowsArgs {
    /// Where to ask.
    #[command(flatten)]
    pub desk: DeskArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: WindowsCommand,
}

/// `sos windows …`.
#[derive(Debug, Subcommand)]
pub enum WindowsCommand {
    /// Put a site or a call point into an exercise or a test; alerts there say so
    Start {
        /// The site
        site_id: String,
        /// Only this call point of it
        #[arg(long, value_name = "DEVICE", default_value = "")]
        device: String,
        /// What for
        #[arg(long, value_enum)]
        kind: WindowArg,
        /// For how long: 30m, 8h
        #[arg(long = "for", value_name = "TIME")]
        time: jiff::SignedDuration,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// End it early
    End {
        /// The site
        site_id: String,
        /// Only this call point of it
        #[arg(long, value_name = "DEVICE", default_value = "")]
        device: String,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
}

/// What a window is for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum WindowArg {
    Exercise,
    Test,
}
