//! `sos alerts watch`: a screen that misses nothing, and says when it is stale (P5).

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use sos_proto::alert::v1::watch_alerts_response::Event;
use sos_proto::alert::v1::{WatchAlertsRequest, WatchAlertsResponse};
use sos_terminal::{Loss, Pulse, STALE_AFTER, Standing, is_final};

use super::{Client, Desk, table, wire};
use crate::cli::{AccessArgs, Format, WatchArgs};
use crate::stop::Stop;
use crate::{output, remote};

/// Time between two tries to resume.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// What is on the screen.
struct Screen<'a> {
    desk: &'a Desk,
    started: Instant,
    belief: Belief,
}

/// Whether what was shown can be believed, and whether whoever reads was told that it cannot.
struct Belief {
    pulse: Pulse,
    is_told: bool,
}

/// Watches until somebody stops it; resumes from the last position whenever the stream is lost.
pub async fn run(
    desk: &Desk,
    mut client: Client,
    args: WatchArgs,
    access: &AccessArgs,
) -> anyhow::Result<()> {
    let stop = Stop::listen()?;
    let belief = Belief { pulse: Pulse::new(args.after, Duration::ZERO), is_told: false };
    let mut screen = Screen { desk, started: Instant::now(), belief };
    if desk.0.format == Format::Table {
        output::line(&table::header());
    }
    loop {
        let (filter, after_position) = (Some(wire(&args.filter)), screen.belief.pulse.position());
        let lost = tokio::select! {
            lost = screen.follow(&mut client, WatchAlertsRequest { filter, after_position }) => lost?,
            () = stop.asked() => return Ok(()),
        };
        screen.lost(lost);
        tokio::select! {
            again = reconnected(desk, access) => client = again,
            () = stop.asked() => return Ok(()),
        }
    }
}

/// Connects again, however long that takes, and says what is in the way whenever it is something else.
async fn reconnected(desk: &Desk, access: &AccessArgs) -> Client {
    let mut told = String::new();
    loop {
        tokio::time::sleep(RETRY_INTERVAL).await;
        match remote::connect(&desk.0.grpc, access).await {
            Ok(link) => return Client::new(link),
            Err(error) => {
                let why = format!("{error:#}");
                if why != told {
                    output::alarm(&format!("STALE: {why}; trying again"));
                }
                told = why;
            }
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
            Ok(Err(status)) => return Ok(remote::reason(&status)),
            Err(_) => return Ok(silence()),
        };
        loop {
            match tokio::time::timeout(STALE_AFTER, stream.next()).await {
                Ok(Some(Ok(step))) => self.step(step)?,
                Ok(Some(Err(status))) => return Ok(remote::reason(&status)),
                Ok(None) => return Ok("the server ended the stream".to_owned()),
                Err(_) => return Ok(silence()),
            }
        }
    }

    fn step(&mut self, step: WatchAlertsResponse) -> anyhow::Result<()> {
        match self.belief.hear(&step, self.started.elapsed()) {
            Some(Standing::Stale { reason, .. }) => output::alarm(&format!("STALE: {reason}")),
            Some(_) => output::remark(&format!("live again at position {}", self.belief.pulse.position())),
            None => {}
        }
        if self.desk.0.format == Format::Json {
            return output::json(&step);
        }
        match step.event {
            Some(Event::Snapshot(alert) | Event::Changed(alert)) => self.desk.write(&alert),
            _ => Ok(()),
        }
    }

    fn lost(&mut self, reason: String) {
        let Belief { pulse, is_told } = &mut self.belief;
        output::alarm(&format!("STALE since position {}: {reason}; trying again", pulse.position()));
        *is_told = true;
        pulse.lost(Loss { reason, is_final: false }, self.started.elapsed());
    }
}

impl Belief {
    /// P5: hears a step, so long after the start. Answers with what has to be told: that the screen is stale, or live
    /// again.
    fn hear(&mut self, step: &WatchAlertsResponse, now: Duration) -> Option<Standing> {
        let head = match &step.event {
            Some(Event::Heartbeat(heartbeat)) => Some(heartbeat.head_position),
            _ => None,
        };
        self.pulse.heard(step.position, head, now);
        let standing = self.pulse.standing(now);
        let is_news = match standing {
            Standing::Live => std::mem::take(&mut self.is_told),
            Standing::Stale { .. } => !std::mem::replace(&mut self.is_told, true),
            Standing::CatchingUp => false,
        };
        is_news.then_some(standing)
    }
}

#[cfg(test)]
mod tests {
    use sos_proto::alert::v1::Heartbeat;

    use super::*;

    // P5: a screen that follows a log which grows all the time is not stale; one that stays behind is, once.
    #[test]
    fn only_who_stays_behind_is_stale() {
        let mut belief = Belief { pulse: Pulse::new(0, Duration::ZERO), is_told: false };
        let mut hear = |position, head_position, second| {
            let event = Some(Event::Heartbeat(Heartbeat { head_position, server_time: None }));
            belief.hear(&WatchAlertsResponse { position, event }, Duration::from_secs(second))
        };
        assert_eq!(hear(7, 7, 0), None);
        for second in 1..10 {
            assert_eq!(hear(7 + second, 8 + second, second), None, "{second}");
        }
        assert_eq!((hear(16, 30, 10), hear(16, 30, 11)), (None, None));
        assert!(matches!(hear(16, 30, 12), Some(Standing::Stale { .. })));
        assert_eq!((hear(16, 31, 13), hear(30, 31, 14)), (None, None));
        assert_eq!(hear(31, 31, 15), Some(Standing::Live));
    }
}
