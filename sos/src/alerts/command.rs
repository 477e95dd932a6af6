//! Operators' commands: one request, answered with the alert as it is after it.

use sos_proto::alert::v1::{
    AcknowledgeAlertRequest, AddNoteRequest, DeclareActualRequest, DispatchUnitRequest, EscalateAlertRequest,
    ReopenAlertRequest, ResolveAlertRequest, ShelveAlertRequest, TransferAlertRequest, UnshelveAlertRequest,
    UpdateResponseRequest,
};
use sos_proto::event::v1::{Disposition, ResponseStatus};

use super::{Client, Desk, complete};
use crate::cli::{CommandArgs, DispositionArg, OrderCommand, ResponseArg};
use crate::remote;

/// Sends a request made of the parts that every command has and some of its own, and shows the answer.
macro_rules! send {
    ($desk:ident, $client:ident, $command:ident, $method:ident, $request:ident { $($field:ident: $value:expr),* }) => {{
        let (alert_id, request_id, expected_revision) = target($client, $command).await?;
        let request = $request { alert_id, request_id, expected_revision, $($field: $value),* };
        let answer = $client.$method($desk.signed(request)?).await;
        $desk.answer(answer.map(|r| r.into_inner().alert))
    }};
}

/// Carries out one command.
pub async fn run(desk: &Desk, client: &mut Client, command: OrderCommand) -> anyhow::Result<()> {
    match command {
        OrderCommand::Ack(command) => {
            send!(desk, client, command, acknowledge_alert, AcknowledgeAlertRequest {})
        }
        OrderCommand::Note { command, text } => {
            send!(desk, client, command, add_note, AddNoteRequest { note: text })
        }
        OrderCommand::Dispatch { command, unit_id } => {
            send!(desk, client, command, dispatch_unit, DispatchUnitRequest { unit_id: unit_id })
        }
        OrderCommand::Response { command, unit_id, status } => send!(
            desk,
            client,
            command,
            update_response,
            UpdateResponseRequest { unit_id: unit_id, status: progress(status).into() }
        ),
        OrderCommand::Escalate { command, reason } => {
            send!(desk, client, command, escalate_alert, EscalateAlertRequest { reason: reason })
        }
        OrderCommand::Transfer { command, to_operator } => {
            send!(desk, client, command, transfer_alert, TransferAlertRequest { to_operator: to_operator })
        }
        OrderCommand::Reopen { command, note } => {
            send!(desk, client, command, reopen_alert, ReopenAlertRequest { note: note })
        }
        OrderCommand::Actual { command, reason } => {
            send!(desk, client, command, declare_actual, DeclareActualRequest { reason: reason })
        }
        OrderCommand::Shelve { command, time: length, reason } => {
            let until = Some(remote::after(length));
            send!(desk, client, command, shelve_alert, ShelveAlertRequest { reason: reason, until: until })
        }
        OrderCommand::Unshelve(command) => {
            send!(desk, client, command, unshelve_alert, UnshelveAlertRequest {})
        }
        OrderCommand::Resolve { command, disposition, note } => send!(
            desk,
            client,
            command,
            resolve_alert,
            ResolveAlertRequest { disposition: meaning(disposition).into(), note: note }
        ),
    }
}

/// The parts that every command has; an alert may be named by the beginning of its id.
async fn target(client: &mut Client, command: CommandArgs) -> anyhow::Result<(String, String, Option<u64>)> {
    let alert_id = complete(client, &command.alert_id).await?;
    let request_id = command.request_id.unwrap_or_else(remote::request_id);
    Ok((alert_id, request_id, command.expected_revision))
}

fn progress(status: ResponseArg) -> ResponseStatus {
    match status {
        ResponseArg::EnRoute => ResponseStatus::EnRoute,
        ResponseArg::OnScene => ResponseStatus::OnScene,
        ResponseArg::Cleared => ResponseStatus::Cleared,
        ResponseArg::Withdrawn => ResponseStatus::Withdrawn,
    }
}

fn meaning(disposition: DispositionArg) -> Disposition {
    match disposition {
        DispositionArg::Genuine => Disposition::Genuine,
        DispositionArg::Accidental => Disposition::Accidental,
        DispositionArg::Malicious => Disposition::Malicious,
        DispositionArg::Test => Disposition::Test,
        DispositionArg::Technical => Disposition::Technical,
        DispositionArg::Duplicate => Disposition::Duplicate,
        DispositionArg::NobodyFound => Disposition::NobodyFound,
    }
}
