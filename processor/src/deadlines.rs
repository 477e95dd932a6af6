//! Watches the clock for the alerts (P8): when a deadline passes, that becomes an event in the log.
//!
//! Deadlines are times of the log, and waiting for them is measured by a clock that nobody can set. From the
//! start on the wall clock has no say: if it jumps, nothing escalates late or early. At the start it tells how
//! much time went by while nobody watched.
//!
//! Invariant: the event is appended only if nothing happened to the alert since; of two processors on one log,
//! one records a deadline.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use futures::future::join_all;
use sos_eventlog::{Append, AppendError, EventLog, Expected, clock};
use sos_proto::event::v1::event::Body;
use tokio::time::{Instant, timeout};

use crate::commands::about;
use crate::config::{DEADLINE_RETRY, DEADLINES_AT_ONCE_MAX, FOLD_WAIT_MAX, SCAN_ALERTS_MAX};
use crate::core::{AlertView, Deadlines, Opening, unheard};
use crate::live::Live;
use crate::on_duty::OnDuty;
use crate::telemetry;

/// Records deadlines that pass, for as long as the processor runs.
pub(crate) async fn keep(live: &Live, log: &dyn EventLog, deadlines: &Deadlines, on_duty: &OnDuty) {
    let mut folded = live.subscribe();
    let mut schedule = Schedule::default();
    let mut begin = Some(clock::now());
    loop {
        folded.borrow_and_update();
        schedule.catch_up(live, deadlines, begin.take()).await;
        let now = Instant::now();
        let passed: Vec<_> = schedule.passed(now).take(DEADLINES_AT_ONCE_MAX).collect();
        if passed.is_empty() {
            let next = schedule.next();
            tokio::select! {
                // Fails only when the sender is gone, and `live` holds it.
                _ = folded.changed() => {}
                () = sleep_until(next) => {}
            }
            continue;
        }
        // Whatever became of it: it is recorded only if it was not.
        let record = |(opening, log_time)| async move {
            let recorded = timeout(FOLD_WAIT_MAX, record(live, log, deadlines, on_duty, (opening, log_time)));
            let late = |_| Err(AppendError::Unavailable("no answer in time".to_owned()));
            recorded.await.unwrap_or_else(late)
        };
        let recorded = join_all(passed.into_iter().map(record)).await;
        if let Some(error) = recorded.into_iter().find_map(Result::err) {
            telemetry::deadline_not_recorded(&error);
            tokio::time::sleep(DEADLINE_RETRY).await;
        }
    }
}

async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Records what is due of one alert, and waits until that is folded.
async fn record(
    live: &Live,
    log: &dyn EventLog,
    deadlines: &Deadlines,
    on_duty: &OnDuty,
    (opening, now): (Opening, i64),
) -> Result<(), AppendError> {
    let due = live.read(|state| {
        let view = state.view(opening)?;
        let stream_position = state.by_id(&view.alert.alert_id)?.stream_position;
        let body = deadlines.overdue(&view, now)?;
        Some((view, stream_position, body))
    });
    let Some((view, stream_position, body)) = due else { return Ok(()) };
    let alert = &view.alert;
    let mut events = vec![about(alert, body.clone(), clock::now())];
    if let Some(unheard) = unheard(&view, &body)
        && !on_duty.sees(alert)
    {
        // P8: in the same append, so that it is recorded as often as the escalation is: once.
        events.push(about(alert, Body::EscalationUnheard(unheard), clock::now()));
        telemetry::escalation_unheard(alert);
    }
    let append = Append { events, expected: vec![Expected::alert(&alert.alert_id, stream_position)] };
    let reached = match log.append(append).await {
        Ok(appended) => {
            telemetry::deadline_passed(alert, &body);
            appended.last().map_or(0, |last| last.position)
        }
        // Somebody acted at the last moment, or another processor was faster.
        Err(AppendError::Conflict { actual, .. }) => actual,
        Err(error) => return Err(error),
    };
    live.reach(reached).await;
    Ok(())
}

/// A deadline, and the moment for it.
struct Wait {
    due: i64,
    at: Instant,
    /// The time of the log at that moment: later than the deadline where that had passed before.
    log_time: i64,
}

/// The next deadline of every alert that has one.
#[derive(Default)]
struct Schedule {
    /// Everything up to here in the order of changes is known.
    seen: (u64, Opening),
    order: BTreeSet<(Instant, Opening)>,
    waits: HashMap<Opening, Wait>,
}

impl Schedule {
    /// Learns what has changed. `begin` is the wall clock at the start, before which nobody watched.
    async fn catch_up(&mut self, live: &Live, deadlines: &Deadlines, begin: Option<i64>) {
        loop {
            let (views, reached, recorded_at) = live.read(|state| {
                let changed = state.changed_after(self.seen).take(SCAN_ALERTS_MAX);
                (changed.collect::<Vec<_>>(), state.position(), state.recorded_at())
            });
            let log_time = begin.map_or(recorded_at, |begin| begin.max(recorded_at));
            for view in &views {
                self.learn(view, deadlines.due(view), log_time, Instant::now());
            }
            if views.len() < SCAN_ALERTS_MAX {
                self.seen = (reached, Opening::MAX);
                return;
            }
            self.seen = views.last().map_or(self.seen, |view| (view.alert.position, view.opening));
            tokio::task::yield_now().await;
        }
    }

    /// A deadline that is known already keeps its moment: the wall clock may have jumped since.
    fn learn(&mut self, view: &AlertView, due: Option<i64>, log_time: i64, now: Instant) {
        let opening = view.opening;
        if self.waits.get(&opening).map(|wait| wait.due) == due {
            return;
        }
        if let Some(wait) = self.waits.remove(&opening) {
            self.order.remove(&(wait.at, opening));
        }
        let Some(due) = due else { return };
        let left = u64::try_from(due.saturating_sub(log_time)).unwrap_or(0);
        let Some(at) = now.checked_add(Duration::from_micros(left)) else { return };
        self.order.insert((at, opening));
        self.waits.insert(opening, Wait { due, at, log_time: log_time.max(due) });
    }

    fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    /// The alerts whose deadlines have passed, each with what time of the log it is for it.
    fn passed(&self, now: Instant) -> impl Iterator<Item = (Opening, i64)> {
        let passed = self.order.iter().take_while(move |(at, _)| *at <= now);
        passed.filter_map(move |(_, opening)| {
            let wait = self.waits.get(opening)?;
            let elapsed = now.saturating_duration_since(wait.at).as_micros();
            Some((*opening, wait.log_time.saturating_add(i64::try_from(elapsed).unwrap_or(i64::MAX))))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> AlertView {
        AlertView { opening: 1, ..AlertView::default() }
    }

    const HOUR: i64 = 3_600_000_000;

    // P8: the log's times follow the wall clock; how long an alert waits does not.
    #[tokio::test(start_paused = true)]
    async fn a_wall_clock_that_jumps_changes_no_deadline() {
        let (view, mut schedule) = (view(), Schedule::default());
        let learnt = Instant::now();
        schedule.learn(&view, Some(30_000_000), 0, learnt);
        let at = schedule.next().unwrap();
        assert_eq!(at - learnt, Duration::from_secs(30));
        // Something else changed about it after the jump.
        schedule.learn(&view, Some(30_000_000), HOUR, learnt + Duration::from_secs(10));
        assert_eq!(schedule.next(), Some(at));
        assert_eq!(schedule.passed(at - Duration::from_micros(1)).count(), 0);
        assert_eq!(schedule.passed(at).collect::<Vec<_>>(), [(1, 30_000_000)]);
        // A new deadline counts from the time at which it began, by the same clock.
        schedule.learn(&view, Some(HOUR + 60_000_000), HOUR, at);
        assert_eq!(schedule.next(), Some(at + Duration::from_secs(60)));
        schedule.learn(&view, None, HOUR, at);
        assert_eq!((schedule.next(), schedule.waits.len()), (None, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_passed_while_nobody_watched_is_due_at_once() {
        let (view, mut schedule) = (view(), Schedule::default());
        let now = Instant::now();
        schedule.learn(&view, Some(30_000_000), HOUR, now);
        assert_eq!(schedule.passed(now).collect::<Vec<_>>(), [(1, HOUR)]);
    }
}
