//! One watch, from the connection to its end. When and where to resume is the screen's business.

use futures::StreamExt as _;
use sos_proto::alert::v1::{WatchAlertsRequest, WatchAlertsResponse};
use sos_proto::link::Link;
use sos_proto::session::v1::GetSessionRequest;
use sos_proto::session::v1::session_service_client::SessionServiceClient;
use tokio::sync::mpsc;
use tonic::{Code, Status};

use super::{Client, Desk};
use crate::perform::signed;
use crate::screen::Loss;
use crate::session::Session;

/// What a watch says.
pub(super) enum Word {
    /// It begins; commands go the same way.
    Open {
        client: Box<Client>,
        session: Session,
    },
    Step(Box<WatchAlertsResponse>),
    /// It has ended.
    Lost {
        loss: Loss,
        is_other_log: bool,
    },
}

/// Watches until the watch is lost, and says why it was.
pub(super) async fn run(desk: Desk, after_position: u64, say: mpsc::Sender<Word>) {
    let lost = match follow(&desk, after_position, &say).await {
        Ok(()) => return,
        Err(lost) => lost,
    };
    // Nobody to tell: the loop watches another one, or has ended.
    let _ = say.send(lost).await;
}

async fn follow(desk: &Desk, after_position: u64, say: &mpsc::Sender<Word>) -> Result<(), Word> {
    let gone = |reason: String| Word::Lost { loss: Loss { reason, is_final: false }, is_other_log: false };
    let link = (desk.connect)().await.map_err(|error| gone(error.to_string()))?;
    let session = session(&desk.operator, link.clone()).await.map_err(|status| lost(&status, 0))?;
    let lost = |status: Status| lost(&status, after_position);
    let mut client = Client::new(link);
    let request = WatchAlertsRequest { filter: None, after_position };
    let request = signed(&desk.operator, request).map_err(lost)?;
    let mut stream = client.watch_alerts(request).await.map_err(lost)?.into_inner();
    if say.send(Word::Open { client: Box::new(client), session }).await.is_err() {
        return Ok(());
    }
    while let Some(step) = stream.next().await {
        let step = step.map_err(lost)?;
        if say.send(Word::Step(Box::new(step))).await.is_err() {
            return Ok(());
        }
    }
    Err(gone("the server ended the watch".to_owned()))
}

/// Who the operator is. A server that does not know the question is asked nothing more about it.
async fn session(operator: &str, link: Link) -> Result<Session, Status> {
    let mut client = SessionServiceClient::new(link);
    match client.get_session(signed(operator, GetSessionRequest {})?).await {
        Ok(answer) => Ok(Session::told(answer.into_inner())),
        Err(status) if status.code() == Code::Unimplemented => Ok(Session::untold(operator)),
        Err(status) => Err(status),
    }
}

/// Whether a watch is refused for a reason that trying again does not remove.
#[must_use]
pub fn is_final(code: Code) -> bool {
    matches!(code, Code::InvalidArgument | Code::PermissionDenied | Code::Unauthenticated)
}

fn lost(status: &Status, after_position: u64) -> Word {
    let is_final = is_final(status.code());
    // A position is the only argument of ours that a server can find wrong.
    let is_other_log = status.code() == Code::InvalidArgument && after_position > 0;
    let code = if is_final { format!(" ({:?})", status.code()) } else { String::new() };
    let reason = format!("{}{code}", status.message());
    Word::Lost { loss: Loss { reason, is_final }, is_other_log }
}
