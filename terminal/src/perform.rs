//! An order as a call of the contract.

use sos_proto::alert::v1::alert_service_client::AlertServiceClient;
use sos_proto::alert::v1::{
    AcknowledgeAlertRequest, AddNoteRequest, Alert, DeclareActualRequest, DispatchUnitRequest,
    EscalateAlertRequest, ReopenAlertRequest, ResolveAlertRequest, ShelveAlertRequest, TransferAlertRequest,
    UnshelveAlertRequest, UpdateResponseRequest,
};
use sos_proto::link::{self, Link};
use tonic::{Request, Status};

use crate::order::{Command, Order};

/// Sends an order once, in an operator's name; answers with the alert after it.
///
/// # Errors
/// What the server says, or that it says nothing.
pub async fn perform(
    client: &mut AlertServiceClient<Link>,
    operator: &str,
    order: Order,
) -> Result<Option<Alert>, Status> {
    let Order { alert_id, request_id, expected_revision, command, .. } = order;
    Ok(match command {
        Command::Acknowledge => {
            let request = AcknowledgeAlertRequest { alert_id, request_id, expected_revision };
            client.acknowledge_alert(signed(operator, request)?).await?.into_inner().alert
        }
        Command::Dispatch { unit_id } => {
            let request = DispatchUnitRequest { alert_id, request_id, expected_revision, unit_id };
            client.dispatch_unit(signed(operator, request)?).await?.into_inner().alert
        }
        Command::Progress { unit_id, status } => {
            let status = status.into();
            let request = UpdateResponseRequest { alert_id, request_id, expected_revision, unit_id, status };
            client.update_response(signed(operator, request)?).await?.into_inner().alert
        }
        Command::Note { note } => {
            let request = AddNoteRequest { alert_id, request_id, expected_revision, note };
            client.add_note(signed(operator, request)?).await?.into_inner().alert
        }
        Command::Transfer { to_operator } => {
            let request = TransferAlertRequest { alert_id, request_id, expected_revision, to_operator };
            client.transfer_alert(signed(operator, request)?).await?.into_inner().alert
        }
        Command::Escalate { reason } => {
            let request = EscalateAlertRequest { alert_id, request_id, expected_revision, reason };
            client.escalate_alert(signed(operator, request)?).await?.into_inner().alert
        }
        Command::Resolve { disposition, note } => {
            let disposition = disposition.into();
            let request = ResolveAlertRequest { alert_id, request_id, expected_revision, disposition, note };
            client.resolve_alert(signed(operator, request)?).await?.into_inner().alert
        }
        Command::Reopen { note } => {
            let request = ReopenAlertRequest { alert_id, request_id, expected_revision, note };
            client.reopen_alert(signed(operator, request)?).await?.into_inner().alert
        }
        Command::DeclareActual { reason } => {
            let request = DeclareActualRequest { alert_id, request_id, expected_revision, reason };
            client.declare_actual(signed(operator, request)?).await?.into_inner().alert
        }
        Command::Shelve { reason, until, .. } => {
            let until = Some(until);
            let request = ShelveAlertRequest { alert_id, request_id, expected_revision, reason, until };
            client.shelve_alert(signed(operator, request)?).await?.into_inner().alert
        }
        Command::Unshelve => {
            let request = UnshelveAlertRequest { alert_id, request_id, expected_revision };
            client.unshelve_alert(signed(operator, request)?).await?.into_inner().alert
        }
    })
}

/// A request in an operator's name.
pub(crate) fn signed<T>(operator: &str, message: T) -> Result<Request<T>, Status> {
    link::signed(operator, message).map_err(|error| Status::invalid_argument(error.to_string()))
}
