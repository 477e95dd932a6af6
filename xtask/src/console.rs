//! The browser console's own chores: its tests in Node.js and in a real browser, its bench, its pictures.
//!
//! Holds no rule of its own. Invariant: the browser sees the binary that was built just before.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process::{cargo, command, run as execute};

/// Where its sources are; their packages were installed by the build of the binary.
const SOURCES: &str = "console/web";

/// Where the documents have them.
const SHOWN: &str = "docs/screens";

/// Those that the documents show.
const MAIN: [&str; 13] = [
    "sign-in",
    "alerts",
    "detail",
    "detail-dark",
    "detail-kk",
    "detail-ru",
    "map",
    "devices",
    "registry-import",
    "shift",
    "report",
    "stale",
    "alerts-wall",
];

/// Types, view logic, then every story in a browser against `sos up`.
pub(crate) fn test() -> Result<()> {
    execute(&mut npm("check"))?;
    execute(&mut npm("test"))?;
    execute(npm("e2e").env("SOS_BINARY", binary("debug")?))
}

/// From a press to the painted row.
pub(crate) fn bench() -> Result<()> {
    execute(&mut cargo(&["build", "--release", "--locked", "-p", "sos"]))?;
    execute(npm("bench").env("SOS_BINARY", binary("release")?))
}

/// Pictures of its main pages, for the documents. The tests make more of them.
pub(crate) fn screens() -> Result<()> {
    execute(&mut cargo(&["build", "--locked", "-p", "sos"]))?;
    let mut pictures = npm("e2e");
    execute(pictures.args(["--", "screenshots"]).env("SOS_BINARY", binary("debug")?))?;
    fs::create_dir_all(SHOWN)?;
    for name in MAIN {
        let picture = format!("{name}.png");
        let made = Path::new("target/screenshots").join(&picture);
        fs::copy(&made, Path::new(SHOWN).join(&picture)).with_context(|| made.display().to_string())?;
    }
    Ok(())
}

fn npm(script: &str) -> Command {
    let mut npm = command("npm", &["run", "--silent", script]);
    npm.current_dir(SOURCES);
    npm
}

/// The binary of a profile, wherever cargo was told to put it.
fn binary(profile: &str) -> Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    std::path::absolute(Path::new(&target).join(profile).join("sos")).context("the binary has no place")
}
