//! One watch, from the connection to its end. When and where to resume is the screen's business.

use futures::StreamExt as _;
use sos_proto::alert::v1::{WatchAlertsRequest, WatchAlertsResponse};
use sos_proto::link::signed;
use tokio::sync::mpsc;
use tonic::{Code, Status};

use super::{Client, Desk};
use crate::screen::Loss;

/// What a watch says.
pub(super) enum Word {
    /// It begins; commands go the same way.
    Open(Box<Client>),
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
    let mut client = Client::new(link);
    let request = WatchAlertsRequest { filter: None, after_position };
    let request = signed(&desk.operator, request).map_err(|error| gone(error.to_string()))?;
    let stream = client.watch_alerts(request).await;
    let mut stream = stream.map_err(|status| lost(&status, after_position))?.into_inner();
    if say.send(Word::Open(Box::new(client))).await.is_err() {
        return Ok(());
    }
    while let Some(step) = stream.next().await {
        let step = step.map_err(|status| lost(&status, after_position))?;
        if say.send(Word::Step(Box::new(step))).await.is_err() {
            return Ok(());
        }
    }
    Err(gone("the server ended the watch".to_owned()))
}

fn lost(status: &Status, after_position: u64) -> Word {
    let code = match status.code() {
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::Unauthenticated => "UNAUTHENTICATED",
        _ => {
            let loss = Loss { reason: status.message().to_owned(), is_final: false };
            return Word::Lost { loss, is_other_log: false };
        }
    };
    // A position is the only argument of ours that a server can find wrong.
    let is_other_log = status.code() == Code::InvalidArgument && after_position > 0;
    let reason = format!("{code}: {}", status.message());
    Word::Lost { loss: Loss { reason, is_final: true }, is_other_log }
}
