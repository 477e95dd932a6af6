//! `cargo xtask promises`: each promise is broken on purpose in a scratch copy, and the test that is named for it must fail.
//!
//! Holds no test of its own. Invariant: a test counts only if it passes on the copy as it was committed, and what is broken is
//! put back before the next.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use crate::process::{cargo, command, run as execute};

/// Where the copy is.
const COPY: &str = "target/promises";

/// What is built of it, apart from everything else: the end-to-end tests start a binary, which must not stay for others.
const BUILT: &str = "target/promises-built";

/// A way to break a promise.
struct Break {
    promise: &'static str,
    /// What is true no longer.
    what: &'static str,
    file: &'static str,
    before: &'static str,
    after: &'static str,
    package: &'static str,
    /// `--lib`, or the name of a file in `tests`.
    suite: &'static str,
    test: &'static str,
}

const BREAKS: [Break; 14] = [
    Break {
        promise: "P1",
        what: "who appends is answered before the disk has it",
        file: "eventlog/src/commit.rs",
        before: "            self.store.sync()?;\n",
        after: "",
        package: "sos-eventlog",
        suite: "model",
        test: "random_histories_agree_with_the_model",
    },
    Break {
        promise: "P2",
        what: "a repeat is an event of its own",
        file: "eventlog/src/writer.rs",
        before: "let known = self.index.first(entry.identity.as_ref())?;",
        after: "let known: Option<u64> = None;",
        package: "sos-gateway",
        suite: "--lib",
        test: "ingest::tests::a_numbered_message_is_quarantined_once",
    },
    Break {
        promise: "P3",
        what: "a press with an odd field is unreadable",
        file: "gateway/src/decode.rs",
        before: "Ok(Value::Object(fields)) => salvage(fields),",
        after: "Ok(Value::Object(fields)) => salvage(fields).filter(|_| false),",
        package: "sos-gateway",
        suite: "--lib",
        test: "decode::tests::a_press_survives_odd_fields",
    },
    Break {
        promise: "P4",
        what: "a snapshot forgets who was lost lately",
        file: "processor/src/core/state/image.rs",
        before: "contents.losses_at.into_iter().zip(contents.losses).collect();",
        after: "Vec::new();",
        package: "sos-processor",
        suite: "--lib",
        test: "core::tests::histories::a_snapshot_and_the_rest_are_the_whole",
    },
    Break {
        promise: "P5",
        what: "a console that resumes is not told what changed meanwhile",
        file: "processor/src/service/watch.rs",
        before: "            self.recall().await;\n        }\n",
        after: "            self.recall().await;\n        }\n        if self.cursor > 0 {\n            self.reach(self.live.read(State::position));\n        }\n",
        package: "sos-processor",
        suite: "operators",
        test: "resuming::a_hundred_times_killed",
    },
    Break {
        promise: "P6",
        what: "commands about an alert pass each other",
        file: "processor/src/commands.rs",
        before: "vec![Expected::alert(&command.alert_id, stream_position)];",
        after: "vec![Expected::alert(&command.alert_id, stream_position)];\n    expected.clear();",
        package: "sos-processor",
        suite: "operators",
        test: "ownership::of_two_operators_one_wins",
    },
    Break {
        promise: "P7",
        what: "a cancel closes",
        file: "processor/src/core/evolve/call_point.rs",
        before: "        view.alert.cancel_requested = true;\n",
        after: "        view.alert.cancel_requested = true;\n        view.alert.set_state(sos_proto::alert::v1::AlertState::Resolved);\n",
        package: "sos-processor",
        suite: "--lib",
        test: "core::tests::rules::a_cancel_never_closes",
    },
    Break {
        promise: "P8",
        what: "nobody is told that nobody came",
        file: "processor/src/core/deadlines.rs",
        before: "AlertState::Raised => self.levels(view).map(|(_, at)| at).next(),",
        after: "AlertState::Raised => self.levels(view).map(|(_, at)| at).next().filter(|_| false),",
        package: "sos-processor",
        suite: "operators",
        test: "deadlines::a_deadline_that_passed_while_nothing_ran_is_told_once",
    },
    Break {
        promise: "P8",
        what: "an escalation that reaches nobody is not an alert",
        file: "processor/src/core/deadlines.rs",
        before: "alarms.then_some(",
        after: "(alarms && false).then_some(",
        package: "sos-processor",
        suite: "operators",
        test: "deadlines::an_escalation_that_reaches_nobody_is_an_alert",
    },
    Break {
        promise: "P9",
        what: "the last will of a connection that was taken over counts",
        file: "gateway/src/ingest/presence.rs",
        before: "&& session.is_superseded().await",
        after: "&& session.is_superseded().await\n            && false",
        package: "sos-gateway",
        suite: "--lib",
        test: "ingest::tests::only_the_will_of_the_newest_session_counts",
    },
    Break {
        promise: "P9",
        what: "nobody notices silence",
        file: "gateway/src/devices.rs",
        before: "device.online.is_some() && !device.retired",
        after: "device.online.is_some() && device.retired",
        package: "sos-gateway",
        suite: "--lib",
        test: "supervision::tests::silence_is_noticed_within_the_deadline_of_the_class",
    },
    Break {
        promise: "P10",
        what: "as many calls are answered at once as like",
        file: "processor/src/service/gate.rs",
        before: "calls_max.min(Semaphore::MAX_PERMITS)",
        after: "Semaphore::MAX_PERMITS",
        package: "sos-processor",
        suite: "operators",
        test: "behind::calls_at_once_are_counted",
    },
    Break {
        promise: "P11",
        what: "the chain is not looked at",
        file: "eventlog/src/record.rs",
        before: "if record.previous()? != self.head.hash {",
        after: "if record.previous()? != self.head.hash && false {",
        package: "sos-eventlog",
        suite: "--lib",
        test: "record::tests::the_chain_finds_what_is_missing_or_moved",
    },
    Break {
        promise: "P12",
        what: "a broker that comes back is not told what lamps should show",
        file: "gateway/src/external.rs",
        before: "        self.dark().extend(all);\n",
        after: "        drop(all);\n",
        package: "sos-tests",
        suite: "external",
        test: "a_broker_that_comes_back_gets_what_it_missed",
    },
];

/// Breaks these promises in a copy of the last commit; all of them if none is named.
pub(crate) fn run(promises: &[&str]) -> Result<()> {
    if let Some(unknown) = promises.iter().find(|name| BREAKS.iter().all(|one| one.promise != **name)) {
        bail!("there is no promise {unknown}");
    }
    let copy = Path::new(COPY);
    let _left_over = command("git", &["worktree", "remove", "--force", COPY]).stderr(Stdio::null()).status();
    execute(&mut command("git", &["worktree", "add", "--force", "--detach", COPY, "HEAD"]))?;
    println!("| promise | broken: | the test that fails |\n| --- | --- | --- |");
    let is_meant = |one: &&Break| promises.is_empty() || promises.contains(&one.promise);
    for broken in BREAKS.iter().filter(is_meant) {
        let verdict = broken.check(copy);
        verdict.with_context(|| format!("{}: {}", broken.promise, broken.what))?;
        println!("{}", broken.row());
    }
    execute(&mut command("git", &["worktree", "remove", "--force", COPY]))
}

impl Break {
    /// As docs/testing.md has it.
    fn row(&self) -> String {
        let Self { promise, what, package, test, .. } = self;
        format!("| {promise} | {what} | `{package}`: `{test}` |")
    }

    fn check(&self, copy: &Path) -> Result<()> {
        let path = copy.join(self.file);
        let whole =
            std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", self.file))?;
        ensure!(
            whole.matches(self.before).count() == 1,
            "{} does not hold {:?} once",
            self.file,
            self.before
        );
        ensure!(self.passes(copy)?, "{} fails already", self.test);
        std::fs::write(&path, whole.replace(self.before, self.after))?;
        let passes = self.passes(copy);
        std::fs::write(&path, whole)?;
        ensure!(!passes?, "{} does not notice", self.test);
        Ok(())
    }

    /// Whether the test passes; an error if it could not be run.
    fn passes(&self, copy: &Path) -> Result<bool> {
        if self.package == "sos-tests" {
            execute(&mut cargo_in(copy, &["build", "--locked", "--quiet", "-p", "sos"])?)?;
        }
        let suite: &[&str] = if self.suite == "--lib" { &["--lib"] } else { &["--test", self.suite] };
        let words =
            [&["test", "--locked", "--quiet", "-p", self.package][..], suite, &["--", "--exact", self.test]];
        let ended = cargo_in(copy, &words.concat())?.output().context("cannot start cargo")?;
        let told = String::from_utf8_lossy(&ended.stdout);
        match (told.contains("1 passed; 0 failed"), told.contains("0 passed; 1 failed")) {
            (true, _) => Ok(true),
            (_, true) => Ok(false),
            _ => bail!("{} was not run:\n{told}{}", self.test, String::from_utf8_lossy(&ended.stderr)),
        }
    }
}

/// The console in the browser is not needed.
fn cargo_in(copy: &Path, arguments: &[&str]) -> Result<Command> {
    let mut command = cargo(arguments);
    command
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", std::path::absolute(BUILT)?)
        .env("SOS_WITHOUT_CONSOLE", "1");
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_every_break_and_no_other() {
        let document = include_str!("../../docs/testing.md");
        let rows: Vec<_> = document.lines().filter(|line| line.starts_with("| P")).collect();
        assert_eq!(rows, BREAKS.each_ref().map(Break::row));
    }
}
