//! What end-to-end tests share: the real binary as a process, a real Mosquitto, a real MQTT client.
//!
//! Nothing here sleeps in place of a condition: [`eventually`] asks again until an answer comes or its
//! deadline passes.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

pub mod authority;
pub mod mqtt;
pub mod server;
pub mod terminal;
pub mod web;

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};

pub use server::Server;

/// Longest wait for something that must happen. Generous, because the machine may be busy.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Asks until there is an answer.
///
/// # Panics
/// If there is none within [`DEADLINE`].
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let mut ticks = interval(Duration::from_millis(10));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let asked = timeout(DEADLINE, async {
        loop {
            ticks.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    });
    asked.await.unwrap_or_else(|_| panic!("not within {DEADLINE:?}: {what}"))
}

/// A port that was free a moment ago, for programs that cannot pick one themselves.
///
/// # Panics
/// If the system gives none.
#[must_use]
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound address").port()
}
