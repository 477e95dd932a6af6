//! A program in a pseudo-terminal, whose screen is read as a person would.

use std::io::{Read as _, Write};
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use vt100::{Parser, Screen};

use crate::eventually;

const ROWS: NonZero<u16> = NonZero::new(24).expect("some rows");
const COLUMNS: NonZero<u16> = NonZero::new(140).expect("some columns");

/// A program in a terminal of its own; killed when dropped.
pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    seen: Arc<Mutex<Parser>>,
    _terminal: Box<dyn MasterPty + Send>,
}

impl Terminal {
    /// Starts it.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn open(mut command: CommandBuilder) -> Self {
        let size = PtySize { rows: ROWS.get(), cols: COLUMNS.get(), pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a terminal");
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        let child = pair.slave.spawn_command(command).expect("the program starts");
        let mut output = pair.master.try_clone_reader().expect("what it prints");
        let seen = Arc::new(Mutex::new(Parser::new(ROWS, COLUMNS, 0)));
        let screen = Arc::clone(&seen);
        // Ends with the process, whose end closes its terminal.
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(length @ 1..) = output.read(&mut bytes) {
                let read = bytes.get(..length).unwrap_or_default();
                screen.lock().unwrap_or_else(PoisonError::into_inner).process(read);
            }
        });
        let keys = pair.master.take_writer().expect("its keys");
        Self { child, keys, seen, _terminal: pair.master }
    }

    /// Presses keys.
    ///
    /// # Panics
    /// If it is gone.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("it takes keys");
        self.keys.flush().expect("it takes keys");
    }

    /// What it shows now.
    #[must_use]
    pub fn screen(&self) -> Screen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).screen().clone()
    }

    /// Waits until the screen shows all of these.
    pub async fn shows(&self, texts: &[&str]) -> String {
        eventually(&format!("the screen shows {texts:?}"), async || {
            let shown = self.screen().contents();
            texts.iter().all(|text| shown.contains(text)).then_some(shown)
        })
        .await
    }

    /// Quits, and answers with the exit code.
    ///
    /// # Panics
    /// If it does not end, or does not give back the terminal.
    pub async fn quit(mut self) -> u32 {
        self.press("q");
        let status = eventually("it ends", async || self.child.try_wait().expect("its state")).await;
        eventually("the terminal is given back", async || (!self.screen().alternate_screen()).then_some(()))
            .await;
        status.exit_code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = writeln!(std::io::stderr(), "the screen:\n{}", self.screen().contents());
        }
        let _ = self.child.kill();
    }
}
