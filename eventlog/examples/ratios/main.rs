//! What the log costs against the disk it stands on: `cargo xtask bench log`.
//!
//! Prints ratios between things measured in turn in one run on one machine. It asserts nothing: a machine
//! that is busy makes a bench slow, not wrong.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the output is the result")]

mod appending;
mod long;
mod press;
mod report;

use std::path::Path;

use anyhow::{Context as _, bail};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["child", task, data, number] => long::child(task, Path::new(data), number.parse()?),
        ["--events", events] => bench(events.parse().context("--events")?),
        [] => bench(10_000_000),
        _ => bail!("usage: ratios [--events N]"),
    }
}

fn bench(events: u64) -> anyhow::Result<()> {
    let dir = tempfile::tempdir_in(".").context("failed to make a directory beside the sources")?;
    println!("{}", report::machine()?);
    report::head();
    appending::bench(dir.path())?;
    long::bench(dir.path(), events)
}
