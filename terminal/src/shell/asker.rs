//! One question to the server, over whatever connection there is.
//!
//! Invariant (P6): a command is repeated under one request id until there is an answer, for [`REPEAT_MAX`].

use std::time::Duration;

use sos_proto::alert::v1::{
    AcknowledgeAlertRequest, AddNoteRequest, Alert, AlertState, DeclareActualRequest, DispatchUnitRequest,
    EscalateAlertRequest, ReopenAlertRequest, ResolveAlertRequest, ShelveAlertRequest, TransferAlertRequest,
    UnshelveAlertRequest, UpdateResponseRequest,
};
use sos_proto::link;
use sos_proto::time;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;

use super::Client;
use crate::order::{Command, Order, Outcome, Refusal, Standing};

/// How long a command is repeated.
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
        link::signed(&self.operator, message).map_err(|error| Status::invalid_argument(error.to_string()))
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
    pub(super) async fn repeat(&self, order: Order, request_id: String) -> Outcome {
        let begun = Instant::now();
        loop {
            let client = self.client.borrow().clone();
            let answer = match client {
                Some(client) => {
                    timeout(ANSWER_MAX, self.perform(client, order.clone(), request_id.clone())).await
                }
                None => Ok(Err(Status::unavailable("no connection"))),
            };
            let status = match answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer"))) {
                Ok(Some(alert)) => return Outcome::Done(Box::new(alert)),
                Ok(None) => Status::internal("an answer without an alert"),
                Err(status) => status,
            };
            if !is_unknown(status.code()) {
                return Outcome::Refused(refusal(&status));
            }
            if begun.elapsed() + RETRY_INTERVAL > REPEAT_MAX {
                return Outcome::Unknown(status.message().to_owned());
            }
            sleep(RETRY_INTERVAL).await;
        }
    }

    async fn perform(
        &self,
        mut client: Client,
        order: Order,
        request_id: String,
    ) -> Result<Option<Alert>, Status> {
        let Order { alert_id, expected_revision, command } = order;
        /// Sends a request made of the parts that every command has and some of its own.
        macro_rules! send {
            ($method:ident, $request:ident { $($field:ident),* }) => {{
                let request = $request { alert_id, request_id, expected_revision, $($field),* };
                Ok(client.$method(self.signed(request)?).await?.into_inner().alert)
            }};
        }
        match command {
            Command::Acknowledge => send!(acknowledge_alert, AcknowledgeAlertRequest {}),
            Command::Dispatch { unit_id } => send!(dispatch_unit, DispatchUnitRequest { unit_id }),
            Command::Progress { unit_id, status } => {
                let status = status.into();
                send!(update_response, UpdateResponseRequest { unit_id, status })
            }
            Command::Note { note } => send!(add_note, AddNoteRequest { note }),
            Command::Transfer { to_operator } => send!(transfer_alert, TransferAlertRequest { to_operator }),
            Command::Escalate { reason } => send!(escalate_alert, EscalateAlertRequest { reason }),
            Command::Resolve { disposition, note } => {
                let disposition = disposition.into();
                send!(resolve_alert, ResolveAlertRequest { disposition, note })
            }
            Command::Reopen { note } => send!(reopen_alert, ReopenAlertRequest { note }),
            Command::DeclareActual { reason } => send!(declare_actual, DeclareActualRequest { reason }),
            Command::Shelve { reason, until } => {
                let until = Some(until);
                send!(shelve_alert, ShelveAlertRequest { reason, until })
            }
            Command::Unshelve => send!(unshelve_alert, UnshelveAlertRequest {}),
        }
    }
}

/// Whether the command may have taken effect all the same, or may yet: to repeat it is safe and of use.
fn is_unknown(code: Code) -> bool {
    matches!(code, Code::Unavailable | Code::Unknown | Code::Cancelled | Code::DeadlineExceeded)
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
