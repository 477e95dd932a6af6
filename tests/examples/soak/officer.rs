//! The officer on duty: takes every press and closes it, across every kill.
//!
//! Invariant (P6): a command goes out under its request id until it is answered, and then counts once.

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::Duration;

use futures::StreamExt as _;
use sos_proto::alert::v1::alert_service_client::AlertServiceClient;
use sos_proto::alert::v1::{
    AcknowledgeAlertRequest, Alert, AlertKind, AlertOrder, AlertState, ListAlertsRequest, ResolveAlertRequest,
};
use sos_proto::event::v1::Disposition;
use sos_tests::server::signed;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Code, Status};

/// Who closes the alerts.
const NAME: &str = "night";

/// Alerts that are handled at once.
const AT_ONCE: usize = 16;

/// Pause before the next look at the list, and before a command is repeated.
const PAUSE: Duration = Duration::from_millis(300);

/// One command of so many is repeated although it was answered.
const REPEATED_OF: usize = 10;

/// What the officer did.
#[derive(Debug, Default)]
pub struct Tally {
    /// Commands that were answered.
    pub commands: u64,
    /// Tries that nobody answered: the server was gone, or busy.
    pub unanswered: u64,
    /// Commands that came too late.
    pub refused: u64,
    /// Commands that were repeated, and their first answer came again.
    pub confirmed: u64,
    /// What must not happen.
    pub problems: Vec<String>,
}

/// Works until stopped.
pub async fn work(grpc: &str, tally: &Mutex<Tally>, stop: &CancellationToken) {
    let channel = Channel::from_shared(format!("http://{grpc}")).unwrap().connect_lazy();
    let client = AlertServiceClient::new(channel);
    while !stop.is_cancelled() {
        let request = ListAlertsRequest {
            page_size: 1_000,
            order: AlertOrder::UrgentFirst.into(),
            ..ListAlertsRequest::default()
        };
        // Nobody there: the next look will tell.
        let page = client.clone().list_alerts(request).await.map(tonic::Response::into_inner);
        let alerts = page.map(|page| page.alerts).unwrap_or_default();
        let due = alerts.into_iter().filter(is_due).take_while(|_| !stop.is_cancelled());
        let handled = futures::stream::iter(due).map(|alert| handle(client.clone(), alert, tally));
        handled.buffer_unordered(AT_ONCE).collect::<()>().await;
        sleep(PAUSE).await;
    }
}

/// Presses at once; what is technical has time to clear by itself. One in sixteen is left, so that lists have something to
/// show in the end.
fn is_due(alert: &Alert) -> bool {
    let is_ripe = alert.kind() == AlertKind::Press || alert.escalation_level > 0;
    is_ripe && !alert.alert_id.ends_with('0')
}

async fn handle(client: AlertServiceClient<Channel>, alert: Alert, tally: &Mutex<Tally>) {
    let Alert { alert_id, revision, .. } = alert.clone();
    if alert.state() == AlertState::Raised {
        let request_id = format!("take-{alert_id}-{revision}");
        let take =
            AcknowledgeAlertRequest { alert_id: alert_id.clone(), request_id, expected_revision: None };
        let ask = async || {
            let answer = client.clone().acknowledge_alert(signed(NAME, take.clone())).await?;
            Ok(answer.into_inner().alert)
        };
        let Some(first) = insist(&ask, tally).await else { return };
        if fastrand::usize(..REPEATED_OF) == 0 {
            let again = insist(&ask, tally).await;
            let mut tally = tally.lock().unwrap();
            if again.as_ref() == Some(&first) {
                tally.confirmed += 1;
            } else {
                tally.problems.push(format!("{alert_id}: answered {first:?}, and then {again:?}"));
            }
        }
    }
    let disposition = match alert.kind() {
        AlertKind::Press => Disposition::Genuine,
        _ => Disposition::Technical,
    };
    let close = ResolveAlertRequest {
        request_id: format!("close-{alert_id}-{revision}"),
        alert_id,
        disposition: disposition.into(),
        ..ResolveAlertRequest::default()
    };
    let ask = async || {
        let answer = client.clone().resolve_alert(signed(NAME, close.clone())).await?;
        Ok(answer.into_inner().alert)
    };
    insist(&ask, tally).await;
}

/// Asks until there is an answer; none where the command came too late.
async fn insist(
    ask: &impl AsyncFn() -> Result<Option<Alert>, Status>,
    tally: &Mutex<Tally>,
) -> Option<Alert> {
    loop {
        let answer = ask().await;
        if let ControlFlow::Break(answer) = tally.lock().unwrap().count(answer) {
            return answer;
        }
        sleep(PAUSE).await;
    }
}

impl Tally {
    fn count(&mut self, answer: Result<Option<Alert>, Status>) -> ControlFlow<Option<Alert>> {
        match answer {
            Ok(alert) => {
                self.commands += 1;
                ControlFlow::Break(alert)
            }
            Err(status) => match status.code() {
                Code::FailedPrecondition => {
                    self.refused += 1;
                    ControlFlow::Break(None)
                }
                Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled | Code::Aborted => {
                    self.unanswered += 1;
                    ControlFlow::Continue(())
                }
                _ => {
                    self.problems.push(format!("a command is refused: {status}"));
                    ControlFlow::Break(None)
                }
            },
        }
    }
}
