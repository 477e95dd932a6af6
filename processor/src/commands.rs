//! Carries out operators' commands: decide, append, wait until the event has come back, answer.
//!
//! Invariant: the answer is always read from the log's record of that request id, so the first answer and
//! every later one are the same (P6).

use std::sync::Arc;

use sos_eventlog::{Append, AppendError, EventLog, Expected, ReadError, clock};
use sos_proto::alert::v1::{Alert, AlertKind};
use sos_proto::event::v1::Event;
use sos_proto::event::v1::event::Body;
use sos_proto::time;
use uuid::{NoContext, Uuid};

use crate::config::COMMAND_ROUNDS_MAX;
use crate::core::commands::{Action, Rejection, Standing, decide};
use crate::core::{CommandKind, State, evolve};
use crate::live::{Behind, Live};
use crate::timeline;

/// Version of the meaning of the events written here.
pub(crate) const SCHEMA: u32 = 1;

/// An operator's command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    /// The alert.
    pub alert_id: String,
    /// Names the command.
    pub request_id: String,
    /// Refuse if the alert has another revision.
    pub expected_revision: Option<u64>,
    /// Who commands.
    pub actor: String,
    /// What to do.
    pub action: Action,
}

/// Why a command had no effect.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// There is no such alert.
    #[error("there is no alert {0}")]
    NotFound(String),
    /// The request id names another command.
    #[error("request_id {0:?} was already used for another command")]
    RequestIdTaken(String),
    /// The alert has changed since the caller looked.
    #[error("it has revision {}, not {expected}", .standing.revision)]
    Stale {
        /// The revision that the caller expected.
        expected: u64,
        /// How the alert stands now.
        standing: Standing,
    },
    /// The alert's state does not allow it.
    #[error("{}", .0.refusal)]
    Rejected(Rejection),
    /// Others changed the alert faster than this command could be decided.
    #[error("others change alert {0} all the time")]
    Contended(String),
    /// The log did not take the event.
    #[error(transparent)]
    Append(AppendError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Live state is behind the log.
    #[error(transparent)]
    Behind(#[from] Behind),
}

/// What the state says about a command.
enum Verdict {
    /// A command with its request id is at this position.
    Known(u64),
    Accepted(Append),
}

/// Carries out commands.
#[derive(Clone)]
pub(crate) struct Commands {
    live: Arc<Live>,
    log: Arc<dyn EventLog>,
}

impl Commands {
    /// Decides against this state, appends to this log.
    pub(crate) fn new(live: Arc<Live>, log: Arc<dyn EventLog>) -> Self {
        Self { live, log }
    }

    /// Carries out a command and answers with the alert as it was right after it.
    pub(crate) async fn execute(&self, command: &Command) -> Result<Alert, CommandError> {
        let mut caught_up = false;
        let mut rounds = 0;
        loop {
            match self.live.read(|state| judge(state, command, clock::now())) {
                Ok(Verdict::Known(position)) => {
                    self.check(command, position).await?;
                    return self.answer(&command.alert_id, position).await;
                }
                Ok(Verdict::Accepted(_)) if rounds == COMMAND_ROUNDS_MAX => {
                    return Err(CommandError::Contended(command.alert_id.clone()));
                }
                Ok(Verdict::Accepted(append)) => {
                    rounds += 1;
                    if let Some(position) = self.append(append).await? {
                        return self.answer(&command.alert_id, position).await;
                    }
                }
                Err(error) if caught_up => return Err(error),
                // P6: a repeat whose first event is durable but not folded yet must not be turned down.
                Err(_) => {
                    let head = self.log.head().await?;
                    self.live.catch_up(head.position).await?;
                    caught_up = true;
                }
            }
        }
    }

    /// P6: whether what the log holds under the command's request id is this command.
    async fn check(&self, command: &Command, position: u64) -> Result<(), CommandError> {
        let recorded = timeline::read(&*self.log, &[position]).await?.pop();
        let same = recorded.and_then(|recorded| recorded.event).is_some_and(|event| {
            event.request_id == command.request_id
                && event.alert_id == command.alert_id
                && event.actor == command.actor
                && CommandKind::of(event.body.as_ref()) == command.action.kind()
        });
        if same { Ok(()) } else { Err(CommandError::RequestIdTaken(command.request_id.clone())) }
    }

    /// Appends the event, unless somebody else appended to one of the expected streams first, and waits until
    /// the state has what the log has. Answers where the event is, if it is there now and was not before.
    async fn append(&self, append: Append) -> Result<Option<u64>, CommandError> {
        let (reached, is_new) = match self.log.append(append).await {
            Ok(appended) => appended.last().map_or((0, false), |last| (last.position, !last.duplicate)),
            Err(AppendError::Conflict { actual, .. }) => (actual, false),
            Err(error) => return Err(CommandError::Append(error)),
        };
        self.live.catch_up(reached).await?;
        Ok(is_new.then_some(reached))
    }

    /// The alert as it was right after a recorded command, by folding what had changed it until then.
    async fn answer(&self, alert_id: &str, position: u64) -> Result<Alert, CommandError> {
        let not_found = || CommandError::NotFound(alert_id.to_owned());
        let (form, changes, rules) = self
            .live
            .read(|state| {
                let (form, changes) = state.by_id(alert_id)?.past(position);
                Some((form, changes.to_vec(), Arc::clone(state.rules())))
            })
            .ok_or_else(not_found)?;
        let mut past = State::of(form, rules);
        for recorded in timeline::read(&*self.log, &changes).await? {
            let recorded_at = recorded.recorded_at.as_ref().and_then(time::micros).unwrap_or(0);
            if let Some(event) = &recorded.event {
                evolve(&mut past, recorded.position, recorded_at, event);
            }
        }
        past.by_id(alert_id).map(|entry| entry.view().alert.clone()).ok_or_else(not_found)
    }
}

/// What the state says about a command; a recorded one comes before everything else.
fn judge(state: &State, command: &Command, now: i64) -> Result<Verdict, CommandError> {
    if let Some(position) = state.request(&command.request_id) {
        return Ok(Verdict::Known(position));
    }
    let not_found = || CommandError::NotFound(command.alert_id.clone());
    let entry = state.by_id(&command.alert_id).ok_or_else(not_found)?;
    let alert = &entry.view().alert;
    if let Some(expected) = command.expected_revision.filter(|expected| *expected != alert.revision) {
        return Err(CommandError::Stale { expected, standing: Standing::of(alert) });
    }
    let body = decide(alert, &command.actor, &command.action).map_err(CommandError::Rejected)?;
    let expected = expected(state, command, alert, entry.stream_position);
    Ok(Verdict::Accepted(Append { events: vec![event(command, body, alert, now)], expected }))
}

/// What must still be true of the log when the event gets there. P6: commands about the alert never pass
/// each other. A press names no alert, so who insists on a revision insists on the call point as well; and a
/// repair names none either, so a technical alert may have closed itself meanwhile.
fn expected(state: &State, command: &Command, alert: &Alert, stream_position: u64) -> Vec<Expected> {
    let mut expected = vec![Expected::alert(&command.alert_id, stream_position)];
    if command.expected_revision.is_some() || alert.kind() == AlertKind::Technical {
        let (site, device) = (&alert.site_id, &alert.device_id);
        expected.push(Expected::call_point(site, device, state.call_point_position(site, device)));
    }
    expected
}

fn event(command: &Command, body: Body, alert: &Alert, now: i64) -> Event {
    let (actor, request_id) = (command.actor.clone(), command.request_id.clone());
    Event { actor, request_id, ..about(alert, body, now) }
}

/// An event about an alert that nobody commanded.
pub(crate) fn about(alert: &Alert, body: Body, now: i64) -> Event {
    Event {
        event_id: event_id(now),
        site_id: alert.site_id.clone(),
        device_id: alert.device_id.clone(),
        alert_id: alert.alert_id.clone(),
        received_at: Some(time::timestamp(now)),
        schema: SCHEMA,
        body: Some(body),
        ..Event::default()
    }
}

/// UUIDv7 for a time in microseconds since 1970.
pub(crate) fn event_id(now: i64) -> String {
    let seconds = u64::try_from(now.div_euclid(1_000_000)).unwrap_or(0);
    let nanos = u32::try_from(now.rem_euclid(1_000_000) * 1_000).unwrap_or(0);
    Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanos)).to_string()
}

#[cfg(test)]
mod tests {
    use sos_proto::device::v1::{Fault, Press};

    use super::*;

    // P6: who insists on no revision is never held up by presses, however fast they come.
    #[test]
    fn only_who_insists_on_a_revision_insists_on_the_call_point() {
        let mut state = State::default();
        let press = Event {
            event_id: "e1".into(),
            site_id: "hall".into(),
            device_id: "door".into(),
            body: Some(Body::Press(Press::default())),
            ..Event::default()
        };
        evolve(&mut state, 1, 0, &press);
        let fault = Fault { active: true, ..Fault::default() };
        evolve(&mut state, 2, 0, &Event { event_id: "e2".into(), body: Some(Body::Fault(fault)), ..press });
        let expected = |alert_id: &str, expected_revision| {
            let command = Command {
                alert_id: alert_id.into(),
                request_id: "r".into(),
                expected_revision,
                actor: "asel".into(),
                action: Action::Acknowledge,
            };
            match judge(&state, &command, 0) {
                Ok(Verdict::Accepted(append)) => append.expected,
                _ => panic!("an alert that nobody has can be taken"),
            }
        };
        let call_point = || Expected::call_point("hall", "door", 2);
        assert_eq!(expected("e1", None), [Expected::alert("e1", 0)]);
        assert_eq!(expected("e1", Some(1)), [Expected::alert("e1", 0), call_point()]);
        // A repair closes a technical alert: nobody is told that he has what is closed.
        assert_eq!(expected("e2", None), [Expected::alert("e2", 0), call_point()]);
    }
}
