//! What is asked of the server beside the watch: orders, as many as the screen allows, and one look at a time.

use std::future::pending;

use sos_proto::alert::v1::{
    Alert, AlertFilter, AlertState, GetAlertRequest, GetAlertResponse, ListAlertsRequest,
};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};

use super::asker::Asker;
use super::{Client, Desk};
use crate::order::{Order, Outcome};
use crate::screen::CLOSED_MAX;

/// An answer of the server.
pub(super) enum Answer {
    Order { alert_id: String, outcome: Outcome },
    Look { alert_id: String, answer: Result<Box<GetAlertResponse>, String> },
    Closed(Result<Vec<Alert>, String>),
}

/// Where questions are asked.
pub(super) struct Desks {
    operator: String,
    /// The newest connection.
    client: watch::Sender<Option<Client>>,
    orders: JoinSet<Answer>,
    /// The last alert that was asked for; one asked for before is of no interest any more.
    look: JoinSet<Answer>,
    /// The same of closed alerts.
    list: JoinSet<Answer>,
}

impl Desks {
    pub(super) fn new(desk: &Desk) -> Self {
        Self {
            operator: desk.operator.clone(),
            client: watch::Sender::new(None),
            orders: JoinSet::new(),
            look: JoinSet::new(),
            list: JoinSet::new(),
        }
    }

    /// A new connection.
    pub(super) fn meet(&self, client: Client) {
        self.client.send_replace(Some(client));
    }

    /// The next answer.
    pub(super) async fn answer(&mut self) -> Result<Answer, JoinError> {
        tokio::select! {
            Some(answer) = self.orders.join_next() => answer,
            Some(answer) = self.look.join_next() => answer,
            Some(answer) = self.list.join_next() => answer,
            else => pending().await,
        }
    }

    /// What became of the orders under way, as far as that is known by then.
    pub(super) async fn drain(&mut self, until: Instant) -> Vec<Answer> {
        let mut answers = Vec::new();
        while let Ok(Some(ended)) = timeout_at(until, self.orders.join_next()).await {
            answers.extend(ended);
        }
        answers
    }

    pub(super) fn send(&mut self, order: Order) {
        let asker = self.asker();
        let alert_id = order.alert_id.clone();
        self.orders.spawn(async move {
            let outcome = asker.repeat(order).await;
            Answer::Order { alert_id, outcome }
        });
    }

    pub(super) fn look(&mut self, alert_id: String) {
        let asker = self.asker();
        self.look = JoinSet::new();
        self.look.spawn(async move {
            let request = GetAlertRequest { alert_id: alert_id.clone() };
            let answer = asker.once(async |mut client| client.get_alert(asker.signed(request)?).await).await;
            Answer::Look { alert_id, answer: answer.map(Box::new) }
        });
    }

    pub(super) fn list_closed(&mut self) {
        let asker = self.asker();
        self.list = JoinSet::new();
        self.list.spawn(async move {
            let filter = AlertFilter { states: vec![AlertState::Resolved.into()], ..AlertFilter::default() };
            let page_size = i32::try_from(CLOSED_MAX).unwrap_or(0);
            let request =
                ListAlertsRequest { filter: Some(filter), page_size, ..ListAlertsRequest::default() };
            let answer =
                asker.once(async |mut client| client.list_alerts(asker.signed(request)?).await).await;
            Answer::Closed(answer.map(|page| page.alerts))
        });
    }

    fn asker(&self) -> Asker {
        Asker { operator: self.operator.clone(), client: self.client.subscribe() }
    }
}
