//! `sos alerts`: the operator contract on a terminal.

mod command;
mod table;
mod watch;

pub use table::event as event_line;

use sos_proto::alert::v1::alert_service_client::AlertServiceClient;
use sos_proto::alert::v1::{
    Alert, AlertFilter, AlertOrder, AlertState, EraseAlertRequest, GetAlertRequest, ListAlertsRequest,
    ListIncidentsRequest,
};
use sos_proto::link::Link;
use tonic::{Request, Status};

use crate::cli::{
    AccessArgs, AlertsArgs, AlertsCommand, DeskArgs, FilterArgs, Format, PrivacyArgs, PrivacyCommand,
    StateArg,
};
use crate::{Outcome, output, remote};

/// Alerts asked for at a time.
const PAGE_SIZE: i32 = 1_000;

/// Runs `sos alerts`.
pub async fn run(args: AlertsArgs, access: &AccessArgs) -> anyhow::Result<Outcome> {
    let desk = Desk(args.desk);
    let mut client = AlertServiceClient::new(remote::connect(&desk.0.grpc, access).await?);
    match args.command {
        AlertsCommand::List { filter, urgent } => {
            let order = if urgent { AlertOrder::UrgentFirst } else { AlertOrder::Unspecified };
            desk.list(&mut client, &filter, order).await?;
        }
        AlertsCommand::Incidents { site } => desk.incidents(&mut client, site).await?,
        AlertsCommand::Show { alert_id } => desk.show(&mut client, &alert_id).await?,
        AlertsCommand::Watch(args) => watch::run(&desk, client, args, access).await?,
        AlertsCommand::Order(command) => command::run(&desk, &mut client, command).await?,
    }
    Ok(Outcome::Done)
}

/// Runs `sos privacy`.
pub async fn erase(args: PrivacyArgs, access: &AccessArgs) -> anyhow::Result<Outcome> {
    let desk = Desk(args.desk);
    let mut client = AlertServiceClient::new(remote::connect(&desk.0.grpc, access).await?);
    let PrivacyCommand::Erase { alert: alert_id, reason } = args.command;
    let request_id = remote::request_id();
    let request = EraseAlertRequest { alert_id, request_id, expected_revision: None, reason };
    let answer = client.erase_alert(desk.signed(request)?).await;
    desk.answer(answer.map(|answer| answer.into_inner().alert))?;
    Ok(Outcome::Done)
}

type Client = AlertServiceClient<Link>;

/// Who sits where, and how to show things.
struct Desk(DeskArgs);

impl Desk {
    /// A request in the operator's name.
    fn signed<T>(&self, message: T) -> anyhow::Result<Request<T>> {
        remote::signed(&self.0.operator, message)
    }

    fn answer(&self, answer: Result<Option<Alert>, Status>) -> anyhow::Result<()> {
        match answer.map_err(|s| remote::refused(&s))? {
            Some(alert) => self.write(&alert),
            None => anyhow::bail!("the server answered without an alert"),
        }
    }

    fn write(&self, alert: &Alert) -> anyhow::Result<()> {
        match self.0.format {
            Format::Json => output::json(alert),
            Format::Table => {
                output::line(&table::row(alert));
                Ok(())
            }
        }
    }

    async fn incidents(&self, client: &mut Client, site_ids: Vec<String>) -> anyhow::Result<()> {
        if self.0.format == Format::Table {
            output::line(&table::incident_header());
        }
        let mut page_token = String::new();
        loop {
            let site_ids = site_ids.clone();
            let request = ListIncidentsRequest { site_ids, page_size: PAGE_SIZE, page_token };
            let page = client.list_incidents(request).await.map_err(|s| remote::refused(&s))?.into_inner();
            for incident in &page.incidents {
                match self.0.format {
                    Format::Json => output::json(incident)?,
                    Format::Table => output::line(&table::incident(incident)),
                }
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(());
            }
        }
    }

    async fn list(&self, client: &mut Client, filter: &FilterArgs, order: AlertOrder) -> anyhow::Result<()> {
        if self.0.format == Format::Table {
            output::line(&table::header());
        }
        let mut page_token = String::new();
        loop {
            let (filter, order) = (Some(wire(filter)), order.into());
            let request = ListAlertsRequest { filter, page_size: PAGE_SIZE, page_token, order };
            let page = client.list_alerts(request).await.map_err(|s| remote::refused(&s))?.into_inner();
            for alert in &page.alerts {
                self.write(alert)?;
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(());
            }
        }
    }

    async fn show(&self, client: &mut Client, alert_id: &str) -> anyhow::Result<()> {
        let alert_id = complete(client, alert_id).await?;
        let answer = client.get_alert(GetAlertRequest { alert_id }).await;
        let answer = answer.map_err(|s| remote::refused(&s))?.into_inner();
        match self.0.format {
            Format::Json => output::json(&answer),
            Format::Table => {
                for line in table::details(&answer) {
                    output::line(&line);
                }
                Ok(())
            }
        }
    }
}

/// Length of a whole alert id.
const ALERT_ID_LEN: usize = 36;

/// The one alert whose id begins so. A whole id is taken as it is.
async fn complete(client: &mut Client, beginning: &str) -> anyhow::Result<String> {
    if beginning.len() >= ALERT_ID_LEN || beginning.is_empty() {
        return Ok(beginning.to_owned());
    }
    let mut found = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListAlertsRequest { page_size: PAGE_SIZE, page_token, ..ListAlertsRequest::default() };
        let page = client.list_alerts(request).await.map_err(|s| remote::refused(&s))?.into_inner();
        found.extend(page.alerts.into_iter().map(|a| a.alert_id).filter(|id| id.starts_with(beginning)));
        page_token = page.next_page_token;
        if page_token.is_empty() || found.len() > 1 {
            break;
        }
    }
    match (found.pop(), found.is_empty()) {
        (Some(alert_id), true) => Ok(alert_id),
        (Some(_), false) => anyhow::bail!("alert_id: several alerts begin with {beginning:?}"),
        // The server says in its own words that there is none.
        (None, _) => Ok(beginning.to_owned()),
    }
}

fn wire(filter: &FilterArgs) -> AlertFilter {
    let state = |state: &StateArg| match state {
        StateArg::Raised => AlertState::Raised.into(),
        StateArg::Acknowledged => AlertState::Acknowledged.into(),
        StateArg::Resolved => AlertState::Resolved.into(),
    };
    AlertFilter {
        states: filter.state.iter().map(state).collect(),
        site_ids: filter.site.clone(),
        owner: filter.owner.clone(),
        incident_id: filter.incident.clone(),
        ..AlertFilter::default()
    }
}
