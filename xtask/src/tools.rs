//! What the tests need beyond cargo: found, or installed where that is allowed, or named and refused.
//!
//! Invariant: nothing is skipped because a tool is missing.

use anyhow::{Result, bail};

use crate::process::{command, is_installed, output, run};

/// Programs and the Debian packages they come from.
const NEEDED: [(&str, &str); 6] = [
    ("mosquitto", "mosquitto"),
    ("mosquitto_pub", "mosquitto-clients"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("strace", "strace"),
    ("chromium", "chromium"),
];

/// Makes sure that every needed program is there; installs packages only as root on Debian.
pub(crate) fn provide() -> Result<()> {
    let missing = missing(is_installed);
    if missing.is_empty() {
        return Ok(());
    }
    if may_install()? {
        install(&missing)?;
    }
    demand(is_installed)
}

/// Packages of the programs that are not there.
fn missing(is_there: impl Fn(&str) -> bool) -> Vec<&'static str> {
    NEEDED.iter().filter(|(program, _)| !is_there(program)).map(|&(_, package)| package).collect()
}

fn demand(is_there: impl Fn(&str) -> bool) -> Result<()> {
    let missing = missing(is_there);
    if !missing.is_empty() {
        bail!("install the Debian packages {}, then run this again", missing.join(" "));
    }
    Ok(())
}

fn may_install() -> Result<bool> {
    Ok(is_installed("apt-get") && output(&mut command("id", &["-u"]))?.trim() == "0")
}

fn install(packages: &[&str]) -> Result<()> {
    println!("installing the Debian packages {}", packages.join(" "));
    run(&mut command("apt-get", &["update", "--quiet"]))?;
    let mut apt = command("apt-get", &["install", "--quiet", "--yes", "--no-install-recommends"]);
    run(apt.args(packages).env("DEBIAN_FRONTEND", "noninteractive"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_in_one_line() {
        let error = demand(|program| !program.starts_with("mosquitto") && program != "strace").unwrap_err();
        assert_eq!(
            error.to_string(),
            "install the Debian packages mosquitto mosquitto-clients strace, then run this again"
        );
        demand(|_| true).unwrap();
    }
}
