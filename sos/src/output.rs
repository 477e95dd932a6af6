//! What people and programs read: standard output and standard error.

#![expect(clippy::print_stderr, reason = "writing to them is this file's job")]

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use serde::Serialize;
use sos_proto::time::{self, Timestamp};
pub use sos_terminal::words::{plain, short};

/// Writes a line to standard output. A reader that went away ends the program quietly.
pub fn line(text: &str) {
    if let Err(error) = writeln!(io::stdout(), "{text}") {
        let code = if error.kind() == io::ErrorKind::BrokenPipe { 0 } else { 1 };
        std::process::exit(code);
    }
}

/// Writes a line to standard output, where a server says what it does. It goes on if nobody reads.
pub fn announce(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Writes a value as one line of JSON.
///
/// # Errors
/// If the value has no JSON form.
pub fn json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    line(&serde_json::to_string(value)?);
    Ok(())
}

/// Writes a remark to standard error.
pub fn remark(text: &str) {
    eprintln!("{text}");
}

/// Writes an alarming remark to standard error, in red on a terminal.
pub fn alarm(text: &str) {
    if io::stderr().is_terminal() {
        remark(&format!("\u{1b}[1;31m{text}\u{1b}[0m"));
    } else {
        remark(text);
    }
}

/// Says why a command failed, in one line.
pub fn failed(error: &anyhow::Error) -> ExitCode {
    let cause = error.root_cause().downcast_ref::<io::Error>();
    if cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe) {
        // Whoever reads us has enough.
        return ExitCode::SUCCESS;
    }
    remark(&format!("sos: {error:#}"));
    ExitCode::FAILURE
}

/// A point in time for people, in UTC; `-` where it is unknown.
pub fn moment(timestamp: Option<&Timestamp>) -> String {
    let micros = timestamp.and_then(time::micros);
    let moment = micros.and_then(|m| jiff::Timestamp::from_microsecond(m).ok());
    moment.map_or_else(|| "-".to_owned(), |m| m.strftime("%Y-%m-%d %H:%M:%S").to_string())
}
