//! `sos alerts watch`: a screen that misses nothing, and says when it is stale (P5).

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use sos_proto::alert::v1::watch_alerts_response::Event;
use sos_proto::alert::v1::{WatchAlertsRequest, WatchAlertsResponse};
use tonic::Code;

use super::{Client, Desk, table, wire};
use crate::cli::{AccessArgs, Format, WatchArgs};
use crate::stop::Stop;
use crate::{output, remote};

/// A screen that hears nothing for so long, or stays behind the log for so long, is stale.
const STALE_AFTER: Duration = Duration::from_secs(3);

/// Time between two tries to resume.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// What is on the screen.
struct Screen<'a> {
    desk: &'a Desk,
    /// Resume from here.
    position: u64,
    /// Since when the log has been ahead of the screen.
    behind_since: Option<Instant>,
    stale: bool,
}

/// Watches until somebody stops it; resumes from the last position whenever the stream is lost.
pub async fn run(
    desk: &Desk,
    mut client: Client,
    args: WatchArgs,
    access: &AccessArgs,
) -> anyhow::Result<()> {
    let stop = Stop::listen()?;
    let mut screen = Screen { desk, position: args.after, behind_since: None, stale: false };
    if desk.0.format == Format::Table {
        output::line(&table::header());
    }
    loop {
        let filter = Some(wire(&args.filter));
        let lost = tokio::select! {
            lost = screen.follow(&mut client, WatchAlertsRequest { filter, after_position: screen.position }) => lost?,
            () = stop.asked() => return Ok(()),
        };
        screen.stale = true;
        output::alarm(&format!("STALE since position {}: {lost}; trying again", screen.position));
        let connected = async {
            loop {
                tokio::time::sleep(RETRY_INTERVAL).await;
                if let Ok(channel) = remote::connect(&desk.0.grpc, access).await {
                    return channel;
                }
            }
        };
        tokio::select! {
            channel = connected => client = Client::new(channel),
            () = stop.asked() => return Ok(()),
        }
    }
}

impl Screen<'_> {
    /// Shows one stream until it is lost, and says why it was. An error is final.
    async fn follow(&mut self, client: &mut Client, request: WatchAlertsRequest) -> anyhow::Result<String> {
        let silence = || format!("no heartbeat for {} s", STALE_AFTER.as_secs());
        let mut stream = match tokio::time::timeout(STALE_AFTER, client.watch_alerts(request)).await {
            Ok(Ok(stream)) => stream.into_inner(),
            Ok(Err(status)) if is_final(status.code()) => {
                return Err(remote::refused(&status));
            }
            Ok(Err(status)) => return Ok(status.message().to_owned()),
            Err(_) => return Ok(silence()),
        };
        loop {
            match tokio::time::timeout(STALE_AFTER, stream.next()).await {
                Ok(Some(Ok(step))) => self.step(step)?,
                Ok(Some(Err(status))) => return Ok(status.message().to_owned()),
                Ok(None) => return Ok("the server ended the stream".to_owned()),
                Err(_) => return Ok(silence()),
            }
        }
    }

    fn step(&mut self, step: WatchAlertsResponse) -> anyhow::Result<()> {
        self.position = self.position.max(step.position);
        if let Some(Event::Heartbeat(heartbeat)) = &step.event {
            self.compare(heartbeat.head_position, Instant::now());
        }
        if self.desk.0.format == Format::Json {
            return output::json(&step);
        }
        match step.event {
            Some(Event::Snapshot(alert) | Event::Changed(alert)) => self.desk.write(&alert),
            _ => Ok(()),
        }
    }

    /// Compares the screen with the log.
    fn compare(&mut self, head: u64, now: Instant) {
        if head <= self.position {
            self.behind_since = None;
            if std::mem::take(&mut self.stale) {
                output::remark(&format!("live again at position {}", self.position));
            }
            return;
        }
        let since = *self.behind_since.get_or_insert(now);
        if now.duration_since(since) >= STALE_AFTER && !std::mem::replace(&mut self.stale, true) {
            output::alarm(&format!("STALE: the log is at position {head}, this screen at {}", self.position));
        }
    }
}

/// Whether trying again is of no use.
fn is_final(code: Code) -> bool {
    matches!(code, Code::InvalidArgument | Code::PermissionDenied | Code::Unauthenticated)
}
