//! One question to the server, over whatever connection there is.
//!
//! Invariant (P6): a command is repeated under one request id until there is an answer, for [`REPEAT_MAX`].

use std::time::Duration;

use sos_proto::alert::v1::{Alert, AlertState};
use sos_proto::time;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;

use super::Client;
use crate::order::{Order, Outcome, Refusal, Standing};
use crate::perform::{perform, signed};

/// How long a command is repeated, the last wait for an answer included.
const REPEAT_MAX: Duration = Duration::from_secs(30);

/// Longest wait for one answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Time between two tries.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Who asks, and the newest connection.
pub(super) struct Asker {
    pub operator: String,
    pub client: watch::Receiver<Option<Client>>,
}

impl Asker {
    pub(super) fn signed<T>(&self, message: T) -> Result<Request<T>, Status> {
        signed(&self.operator, message)
    }

    /// Asks once.
    pub(super) async fn once<T>(
        &self,
        ask: impl AsyncFnOnce(Client) -> Result<Response<T>, Status>,
    ) -> Result<T, String> {
        let Some(client) = self.client.borrow().clone() else { return Err("no connection".to_owned()) };
        match timeout(ANSWER_MAX, ask(client)).await {
            Ok(answer) => answer.map(Response::into_inner).map_err(|status| status.message().to_owned()),
            Err(_) => Err("no answer".to_owned()),
        }
    }

    /// P6: repeats a command until there is an answer.
    pub(super) async fn repeat(&self, order: Order) -> Outcome {
        let deadline = Instant::now() + REPEAT_MAX;
        let mut is_lost = order.is_repeat;
        loop {
            let client = self.client.borrow().clone();
            let is_sent = client.is_some();
            let status = match self.attempt(client, &order, deadline).await {
                Ok(alert) => return Outcome::Done(Box::new(alert)),
                Err(status) => status,
            };
            if let Some(outcome) = judged(&status, is_lost) {
                return outcome;
            }
            if Instant::now() + RETRY_INTERVAL >= deadline {
                return Outcome::Unknown(status.message().to_owned());
            }
            is_lost |= is_sent;
            sleep(RETRY_INTERVAL).await;
        }
    }

    async fn attempt(
        &self,
        client: Option<Client>,
        order: &Order,
        deadline: Instant,
    ) -> Result<Alert, Status> {
        let Some(mut client) = client else { return Err(Status::unavailable("no connection")) };
        let answer_by = deadline.min(Instant::now() + ANSWER_MAX);
        let answer = timeout_at(answer_by, perform(&mut client, &self.operator, order.clone())).await;
        let alert = answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer")))?;
        alert.ok_or_else(|| Status::internal("an answer without an alert"))
    }
}

/// What an error says of a command; nothing if to repeat it is safe and of use. `is_lost`: it was sent before, and no
/// answer came.
fn judged(status: &Status, is_lost: bool) -> Option<Outcome> {
    match status.code() {
        // It may have taken effect all the same, or may yet.
        Code::Unavailable | Code::Unknown | Code::Cancelled | Code::DeadlineExceeded | Code::Internal => None,
        // P6: a repeat is known by its request id before it comes to these.
        Code::FailedPrecondition | Code::Aborted => Some(Outcome::Refused(refusal(status))),
        // That this try is turned down says nothing about the one before.
        _ if is_lost => Some(Outcome::Unknown(status.message().to_owned())),
        _ => Some(Outcome::Refused(refusal(status))),
    }
}

fn refusal(status: &Status) -> Refusal {
    let info = status.get_details_error_info();
    let standing = info.as_ref().map(|info| {
        let value = |name: &str| info.metadata.get(name).cloned().unwrap_or_default();
        let since = value("acknowledged_at").parse::<jiff::Timestamp>().ok();
        Standing {
            state: AlertState::from_str_name(&value("state")).unwrap_or(AlertState::Unspecified),
            owner: value("owner"),
            since: since.map(|since| time::timestamp(since.as_microsecond())),
        }
    });
    let is_stale = info.is_some_and(|info| info.reason == "REVISION_MISMATCH");
    let reason = format!("{} ({:?})", status.message(), status.code());
    Refusal { reason, standing, is_stale }
}

#[cfg(test)]
mod tests {
    use super::*;

    // P6: a token that ran out between two tries does not undo the first.
    #[test]
    fn only_an_answer_about_the_alert_tells_what_became_of_a_lost_try() {
        let judged = |code, is_lost| match judged(&Status::new(code, "why"), is_lost) {
            None => "again",
            Some(Outcome::Refused(_)) => "refused",
            Some(Outcome::Unknown(_)) => "unknown",
            Some(Outcome::Done(_)) => "done",
        };
        for (code, first, after_a_lost_one) in [
            (Code::Unavailable, "again", "again"),
            (Code::Internal, "again", "again"),
            (Code::FailedPrecondition, "refused", "refused"),
            (Code::Aborted, "refused", "refused"),
            (Code::Unauthenticated, "refused", "unknown"),
            (Code::PermissionDenied, "refused", "unknown"),
            (Code::NotFound, "refused", "unknown"),
        ] {
            assert_eq!((judged(code, false), judged(code, true)), (first, after_a_lost_one), "{code:?}");
        }
    }
}
