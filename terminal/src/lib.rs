//! The duty officer's console on a terminal, for a machine without a browser.
//!
//! `screen` decides, pure and with the time as an argument; `draw` paints it; `shell` is the one loop between keys, the
//! server and the terminal. Not here: arguments, certificates and tokens, which whoever runs it hands in as a way to
//! connect.

mod clock;
mod draw;
mod key;
mod order;
mod perform;
mod screen;
mod session;
mod shell;
#[cfg(test)]
mod testing;
mod width;
pub mod words;

pub use order::{Command, Order};
pub use perform::perform;
pub use screen::{Loss, Pulse, STALE_AFTER, Standing};
pub use shell::{BoxError, Connect, Desk, Error, is_final, run};
