//! Operators' commands: one request, answered with the alert as it is after it.

use sos_proto::event::v1::{Disposition, ResponseStatus};
use sos_terminal::{Command, Order, perform};

use super::{Client, Desk, complete};
use crate::cli::{CommandArgs, DispositionArg, OrderCommand, ResponseArg};
use crate::remote;

/// Carries out one command; an alert may be named by the beginning of its id.
pub async fn run(desk: &Desk, client: &mut Client, command: OrderCommand) -> anyhow::Result<()> {
    // A name that cannot be sent is told as what it is.
    desk.signed(())?;
    let (args, command) = parsed(command);
    let CommandArgs { alert_id, request_id, expected_revision } = args;
    let alert_id = complete(client, &alert_id).await?;
    let is_repeat = request_id.is_some();
    let request_id = request_id.unwrap_or_else(remote::request_id);
    let order = Order { alert_id, request_id, is_repeat, expected_revision, command };
    desk.answer(perform(client, &desk.0.operator, order).await)
}

/// The parts that every command has, and what is to be done.
fn parsed(command: OrderCommand) -> (CommandArgs, Command) {
    match command {
        OrderCommand::Ack(args) => (args, Command::Acknowledge),
        OrderCommand::Note { command, text } => (command, Command::Note { note: text }),
        OrderCommand::Dispatch { command, unit_id } => (command, Command::Dispatch { unit_id }),
        OrderCommand::Response { command, unit_id, status } => {
            (command, Command::Progress { unit_id, status: progress(status) })
        }
        OrderCommand::Escalate { command, reason } => (command, Command::Escalate { reason }),
        OrderCommand::Transfer { command, to_operator } => (command, Command::Transfer { to_operator }),
        OrderCommand::Reopen { command, note } => (command, Command::Reopen { note }),
        OrderCommand::Actual { command, reason } => (command, Command::DeclareActual { reason }),
        OrderCommand::Shelve { command, time, reason } => {
            let until = remote::after(time);
            (command, Command::Shelve { reason, length: time.unsigned_abs(), until })
        }
        OrderCommand::Unshelve(args) => (args, Command::Unshelve),
        OrderCommand::Resolve { command, disposition, note } => {
            (command, Command::Resolve { disposition: meaning(disposition), note })
        }
    }
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
