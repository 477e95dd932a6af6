//! Chores of this repository: `cargo xtask test`, `tidy`, `bench`, `promises`, `mutants`, `screens` and `soak`.
//!
//! Builds nothing that is shipped and imports no other crate of ours, so that it runs when they do not
//! compile. Invariant: exit code 0 only if everything that was asked for was done and nothing was found.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the output is the result")]

mod bench;
mod console;
mod mutants;
mod process;
mod promises;
mod soak;
mod test;
mod tidy;
mod tools;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

const USAGE: &str =
    "usage: cargo xtask test    everything that has to pass, in order; stops at the first failure
       cargo xtask tidy    the rules of the house: imports, rooms, headers, sizes, citations
       cargo xtask bench   all of the following, in turn; half an hour of a machine that does nothing else
       cargo xtask bench log [--events N]
                           what the log costs on this machine, against the disk it stands on
       cargo xtask bench alerts [EVENTS]
                           what live alerts cost: rebuilding, memory, consoles
       cargo xtask bench system
                           the whole system beside Mosquitto and nats-server, where they are installed
       cargo xtask bench security
                           what TLS, certificates and tokens cost, and what is borne of hostile call points
       cargo xtask bench console
                           from a press to the painted row in a browser
       cargo xtask promises [P1...]
                           each promise broken on purpose, and the test that notices
       cargo xtask screens pictures of the console's pages, into docs/screens
       cargo xtask soak    the random tests, for a long time
       cargo xtask soak --minutes N
                           a night: 5,000 call points, every fault, kill -9, and people who watch
       cargo xtask mutants [FILE...]
                           whether the tests notice when what decides decides otherwise; hours";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let chore: Box<dyn Fn() -> Result<()>> = match arguments.as_slice() {
        ["test"] => Box::new(test::run),
        ["tidy"] => Box::new(tidy::run),
        ["bench"] => Box::new(bench::all),
        ["bench", "log", rest @ ..] => Box::new(|| bench::log(rest)),
        ["bench", "alerts", rest @ ..] => Box::new(|| bench::alerts(rest)),
        ["bench", "system"] => Box::new(bench::system),
        ["bench", "security"] => Box::new(bench::security),
        ["bench", "console"] => Box::new(console::bench),
        ["screens"] => Box::new(console::screens),
        ["promises", rest @ ..] => Box::new(|| promises::run(rest)),
        ["soak"] => Box::new(soak::run),
        ["soak", "--minutes", minutes] => Box::new(|| soak::night(minutes)),
        ["mutants", rest @ ..] => Box::new(|| mutants::run(rest)),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match enter_root().and_then(|()| chore()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Every path in this program is relative to the root of the repository.
fn enter_root() -> Result<()> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").context("not started by `cargo xtask`")?;
    let root = Path::new(&package).parent().context("the package has no parent folder")?;
    std::env::set_current_dir(root).with_context(|| format!("cannot enter {}", root.display()))
}
