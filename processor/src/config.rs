//! Every setting and limit of the processor, with its unit and what happens there.

use std::path::PathBuf;
use std::time::Duration;

use crate::core::{Deadlines, Rules};

/// Settings of the processor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Time between two heartbeats of a watch (P5).
    pub heartbeat: Duration,
    /// Most consoles that may watch at once; the next one is refused with RESOURCE_EXHAUSTED (P10).
    pub watchers_max: usize,
    /// How long a watching console may take nothing; then its watch ends with RESOURCE_EXHAUSTED (P10).
    pub watch_stall: Duration,
    /// Most calls that may be answered at once, watches aside; the next one is refused with
    /// RESOURCE_EXHAUSTED (P10).
    pub calls_max: usize,
    /// How long alerts may wait (P8).
    pub deadlines: Deadlines,
    /// How long after a start a deadline that has passed waits for the consoles to be back: without them every
    /// escalation would be one that nobody hears (P8).
    pub return_wait: Duration,
    /// How alerts are judged.
    pub rules: Rules,
    /// Where snapshots of live state are kept. Absent: nowhere, and each start reads the whole log.
    pub snapshots: Option<PathBuf>,
    /// How long a shutdown waits for calls under way; after that they are cut off.
    pub drain: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(1),
            watchers_max: 1_000,
            watch_stall: Duration::from_secs(60),
            calls_max: 1_000,
            deadlines: Deadlines::default(),
            return_wait: Duration::from_secs(3),
            rules: Rules::default(),
            snapshots: None,
            drain: Duration::from_secs(3),
        }
    }
}

/// Events between two snapshots of live state: the most that a start reads after a crash, and a few.
pub(crate) const SNAPSHOT_EVENTS: u64 = 200_000;

/// Largest request, in bytes; a larger one is refused with OUT_OF_RANGE.
pub(crate) const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// Most bytes of the metadata of a request; the stream that has more is refused.
pub(crate) const HEADER_BYTES_MAX: u32 = 16 * 1024;

/// Longest id in a request, in bytes.
pub(crate) const ID_BYTES_MAX: usize = 128;

/// Alerts on a page where the caller does not say.
pub(crate) const PAGE_SIZE_DEFAULT: usize = 100;

/// Most alerts on a page; who asks for more gets this many.
pub(crate) const PAGE_SIZE_MAX: usize = 1_000;

/// Most bytes of the alerts on a page; one alert is always on it, the rest is on the next one. gRPC clients
/// refuse messages over 4 MiB unless told otherwise.
pub(crate) const PAGE_BYTES_MAX: usize = 3 * 1024 * 1024;

/// Alerts looked at under one hold of the state's lock.
pub(crate) const SCAN_ALERTS_MAX: usize = 256;

/// Messages that wait between a watch and its connection; at the limit the watch waits, and its console
/// gets newer states later instead of more of them (P10).
pub(crate) const WATCH_QUEUE_MAX: usize = 16;

/// Most events of a timeline in an answer: the opening one and the newest.
pub(crate) const TIMELINE_EVENTS_MAX: usize = 1_000;

/// Most bytes of a timeline in an answer; gRPC clients refuse messages over 4 MiB unless told otherwise.
pub(crate) const TIMELINE_BYTES_MAX: usize = 3 * 1024 * 1024;

/// How often a command is decided anew because others changed the alert meanwhile; then it is ABORTED.
pub(crate) const COMMAND_ROUNDS_MAX: usize = 16;

/// Deadlines that are recorded together; the next ones wait for them.
pub(crate) const DEADLINES_AT_ONCE_MAX: usize = 64;

/// Time between two tries to record that a deadline has passed, where the log takes nothing.
pub(crate) const DEADLINE_RETRY: Duration = Duration::from_secs(1);

/// How long a call waits for durable events to be folded; then it is UNAVAILABLE.
pub(crate) const FOLD_WAIT_MAX: Duration = Duration::from_secs(5);

/// Most calls and watches under way on one connection; the client holds back further ones.
pub(crate) const STREAMS_MAX: u32 = 256;

/// A connection that does not answer pings for this long is closed.
pub(crate) const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// Time between two pings of a connection.
pub(crate) const PING_INTERVAL: Duration = Duration::from_secs(10);
