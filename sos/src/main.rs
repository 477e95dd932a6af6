//! The one binary: arguments in, exit code out. What it does is in the other crates.

mod access;
mod alerts;
mod cli;
mod config;
mod console;
mod log;
mod output;
mod registry;
mod remote;
mod serve;
mod simulate;
mod stop;
mod telemetry;
mod web;
mod witness;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;

use crate::cli::{Cli, Command};

/// The system's allocator falls apart under many small things that live long beside many that do not: events
/// come and go, and alerts stay.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How a command ended, where it did not fail.
pub enum Outcome {
    /// It did what it was asked: exit code 0.
    Done,
    /// Verification found a fault: exit code 3.
    Fault,
}

/// Time that the runtime gives to what is left when a command has ended.
const RUNTIME_DRAIN: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return output::failed(&error.into()),
    };
    let outcome = runtime.block_on(run(cli));
    runtime.shutdown_timeout(RUNTIME_DRAIN);
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Fault) => ExitCode::from(3),
        Err(error) => output::failed(&error),
    }
}

async fn run(cli: Cli) -> anyhow::Result<Outcome> {
    let access = cli.access;
    match cli.command {
        Command::Up(args) => serve::up(args).await,
        Command::Gateway(args) => serve::gateway(args).await,
        Command::Processor(args) => serve::processor(args).await,
        Command::Simulate(args) => simulate::run(args, &access).await,
        Command::Alerts(args) => alerts::run(args, &access).await,
        Command::Console(args) => console::run(args, access).await,
        Command::Sites(args) => registry::sites(args, &access).await,
        Command::Devices(args) => registry::devices(args, &access).await,
        Command::Windows(args) => registry::windows(args, &access).await,
        Command::Log(args) => log::run(args, &access).await,
        Command::Config(args) => config::run(args),
        Command::Certs(args) => access::certs(args),
        Command::Token(args) => access::token(args),
        Command::Privacy(args) => alerts::erase(args, &access).await,
    }
}
