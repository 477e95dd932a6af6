//! Builds the browser console with npm, and writes a table of its files for the crate to embed.
//!
//! Where Node.js or the packages cannot be had, the table is empty and a warning says so: the binary then serves a
//! page that says how to get the console. Invariant: sources that do not build fail the build; nothing half-made is
//! embedded.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Oldest Node.js that builds it.
const NODE_MIN: u32 = 18;

/// What the console is made of, apart from its sources.
const INPUTS: [&str; 10] = [
    "../proto/sos",
    "web/proto",
    "web/public",
    "web/index.html",
    "web/package.json",
    "web/package-lock.json",
    "web/tsconfig.json",
    "web/buf.gen.yaml",
    "web/svelte.config.js",
    "web/vite.config.ts",
];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("web");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir_all(&out)?;
    println!("cargo:rerun-if-env-changed=SOS_WITHOUT_CONSOLE");
    let missing = if std::env::var_os("SOS_WITHOUT_CONSOLE").is_some() {
        Some("SOS_WITHOUT_CONSOLE is set".to_owned())
    } else {
        packages()
    };
    match missing {
        None => {
            watch_inputs()?;
            npm(&["run", "--silent", "build"], &[("SOS_CONSOLE_OUT", &out)])?;
        }
        Some(reason) => {
            println!("cargo:warning={reason}: this build has no browser console, only a page that says so");
            // Looks again at the next build.
            println!("cargo:rerun-if-changed=web/no-such-file");
        }
    }
    fs::write(out.with_extension("rs"), table(&out)?)?;
    Ok(())
}

/// Generated sources are no input: they are written by the build itself.
fn watch_inputs() -> Result<(), Box<dyn Error>> {
    INPUTS.iter().for_each(|input| println!("cargo:rerun-if-changed={input}"));
    for entry in fs::read_dir("web/src")? {
        let path = entry?.path();
        if !path.ends_with("gen") {
            println!("cargo:rerun-if-changed={}", path.display());
        }
    }
    Ok(())
}

/// Makes the packages ready that the lock file names; says what is missing if that cannot be.
fn packages() -> Option<String> {
    let version = Command::new("node").arg("--version").output().ok();
    let version =
        version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok());
    if major.is_none_or(|major: u32| major < NODE_MIN) {
        return Some(format!(
            "Node.js {NODE_MIN} or newer is not installed (on Debian: apt-get install nodejs npm, then build again)"
        ));
    }
    let lock = match fs::read("web/package-lock.json") {
        Ok(lock) => lock,
        Err(error) => return Some(format!("web/package-lock.json cannot be read ({error})")),
    };
    let installed = Path::new("web/node_modules/.sos-installed");
    if fs::read(installed).is_ok_and(|known| known == lock) {
        return None;
    }
    match npm(&["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], &[]) {
        Ok(()) => fs::write(installed, lock).err().map(|error| error.to_string()),
        Err(error) => Some(error.to_string()),
    }
}

/// Runs npm where the console's sources are. Its output is shown if it fails.
#[expect(clippy::print_stderr, reason = "cargo shows what a build script says there if it fails")]
fn npm(arguments: &[&str], variables: &[(&str, &Path)]) -> Result<(), Box<dyn Error>> {
    let mut npm = Command::new("npm");
    npm.args(arguments).current_dir("web").envs(variables.iter().copied()).stdin(Stdio::null());
    let output = npm.output().map_err(|error| format!("npm cannot be started ({error})"))?;
    if output.status.success() {
        return Ok(());
    }
    eprintln!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("npm {} failed", arguments.join(" ")).into())
}

/// An array of all files below a folder, in Rust.
fn table(folder: &Path) -> Result<String, Box<dyn Error>> {
    let mut paths = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { paths.push(path) }
        }
    }
    paths.sort();
    let mut text = "&[\n".to_owned();
    for path in paths.iter().filter(|path| path.extension().is_none_or(|extension| extension != "gz")) {
        let compressed = PathBuf::from(format!("{}.gz", path.display()));
        let gzip = if paths.contains(&compressed) {
            format!("Some(include_bytes!({compressed:?}))")
        } else {
            "None".to_owned()
        };
        let name = path.strip_prefix(folder)?;
        writeln!(text, "File {{ path: {name:?}, bytes: include_bytes!({path:?}), gzip: {gzip} }},")?;
    }
    text.push_str("]\n");
    Ok(text)
}
