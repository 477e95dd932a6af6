//! `sos.alert.v1.AlertService`: checks what was sent, asks the live state or the commands, and puts the
//! answer on the wire. Holds no rule about alerts.
//!
//! Invariant: an error names the field that was wrong, or how the alert stands (P6).

mod asker;
mod gate;
mod incidents;
mod line;
mod list;
mod on_screen;
mod pages;
mod parse;
mod places;
mod registry;
mod session;
mod status;
mod watch;
mod watch_devices;
mod watchers;

use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;
use sos_eventlog::EventLog;
use sos_proto::alert::v1::alert_service_server::AlertService;
use sos_proto::alert::v1::{
    AcknowledgeAlertRequest, AcknowledgeAlertResponse, AddNoteRequest, AddNoteResponse, Alert,
    DeclareActualRequest, DeclareActualResponse, DispatchUnitRequest, DispatchUnitResponse,
    EraseAlertRequest, EraseAlertResponse, EscalateAlertRequest, EscalateAlertResponse, GetAlertRequest,
    GetAlertResponse, ListAlertsRequest, ListAlertsResponse, ListIncidentsRequest, ListIncidentsResponse,
    ReopenAlertRequest, ReopenAlertResponse, ResolveAlertRequest, ResolveAlertResponse, ShelveAlertRequest,
    ShelveAlertResponse, TransferAlertRequest, TransferAlertResponse, UnshelveAlertRequest,
    UnshelveAlertResponse, UpdateResponseRequest, UpdateResponseResponse, WatchAlertsRequest,
    WatchAlertsResponse,
};
use tonic::{Code, Request, Response, Status};

use crate::commands::{Command, Commands};
use crate::core::Filter;
use crate::core::commands::Action;
use crate::erasure::Eraser;
use crate::live::Live;
use crate::{telemetry, timeline};

use asker::Asker;
pub(crate) use gate::Gate;
pub(crate) use line::Pace;
pub(crate) use registry::RegistryApi;
pub(crate) use session::SessionApi;
pub(crate) use watchers::{Watchers, WatchesEnd};

/// Answers operators.
pub(crate) struct AlertApi {
    live: Arc<Live>,
    log: Arc<dyn EventLog>,
    commands: Commands,
    watchers: Arc<Watchers>,
    gate: Gate,
    eraser: Eraser,
}

/// What every command names.
struct Target {
    alert_id: String,
    request_id: String,
    expected_revision: Option<u64>,
}

impl AlertApi {
    /// Answers from this state; commands go to this log.
    pub(crate) fn new(
        live: Arc<Live>,
        log: Arc<dyn EventLog>,
        watchers: Arc<Watchers>,
        gate: Gate,
        eraser: Eraser,
    ) -> Self {
        let commands = Commands::new(Arc::clone(&live), Arc::clone(&log));
        Self { live, log, commands, watchers, gate, eraser }
    }

    async fn timeline(&self, alert_id: &str) -> Result<GetAlertResponse, Status> {
        let found = self.live.read(|state| {
            state.by_id(alert_id).map(|entry| (entry.view(), timeline::shown(&entry.positions)))
        });
        let (view, positions) = found.ok_or_else(|| status::not_found(alert_id))?;
        let events =
            timeline::read(&*self.log, &positions).await.map_err(|error| status::unreadable(&error))?;
        Ok(GetAlertResponse { alert: Some(view.alert.clone()), timeline: timeline::cut(events) })
    }

    /// Carries out one command and counts it by its outcome.
    async fn command(
        &self,
        name: &'static str,
        asker: &Asker,
        target: Target,
        action: Result<Action, status::InvalidField>,
    ) -> Result<Alert, Status> {
        let answer = self.try_command(asker, target, action).await;
        telemetry::commanded(name, answer.as_ref().map_or_else(Status::code, |_| Code::Ok));
        answer
    }

    async fn try_command(
        &self,
        asker: &Asker,
        target: Target,
        action: Result<Action, status::InvalidField>,
    ) -> Result<Alert, Status> {
        let _place = self.gate.admit()?;
        let actor = asker.name()?;
        let alert_id = parse::id("alert_id", target.alert_id)?;
        self.live.read(|state| asker.sees_alert(state, &alert_id))?;
        let command = Command {
            actor,
            alert_id,
            request_id: parse::id("request_id", target.request_id)?,
            expected_revision: target.expected_revision,
            action: action?,
        };
        Ok(self.commands.execute(&command).await?)
    }
}

#[tonic::async_trait]
impl AlertService for AlertApi {
    type WatchAlertsStream = Pin<Box<dyn Stream<Item = Result<WatchAlertsResponse, Status>> + Send>>;

    async fn list_alerts(
        &self,
        request: Request<ListAlertsRequest>,
    ) -> Result<Response<ListAlertsResponse>, Status> {
        let _place = self.gate.admit()?;
        let (asker, request) = Asker::of(request);
        Ok(Response::new(list::list(&self.live, request, asker.scope()).await?))
    }

    async fn get_alert(
        &self,
        request: Request<GetAlertRequest>,
    ) -> Result<Response<GetAlertResponse>, Status> {
        let _place = self.gate.admit()?;
        let (asker, GetAlertRequest { alert_id }) = Asker::of(request);
        let alert_id = parse::id("alert_id", alert_id)?;
        self.live.read(|state| asker.sees_alert(state, &alert_id))?;
        Ok(Response::new(self.timeline(&alert_id).await?))
    }

    async fn watch_alerts(
        &self,
        request: Request<WatchAlertsRequest>,
    ) -> Result<Response<Self::WatchAlertsStream>, Status> {
        self.gate.check_ready()?;
        let (asker, request) = Asker::of(request);
        let filter = Filter { scope: asker.scope(), ..parse::filter(request.filter)? };
        let stream =
            self.watchers.alerts(&self.live, &*self.log, filter, request.after_position, &asker).await?;
        Ok(Response::new(Box::pin(stream)))
    }

    async fn acknowledge_alert(
        &self,
        request: Request<AcknowledgeAlertRequest>,
    ) -> Result<Response<AcknowledgeAlertResponse>, Status> {
        let (asker, request) = Asker::of(request);
        let AcknowledgeAlertRequest { alert_id, request_id, expected_revision } = request;
        let target = Target { alert_id, request_id, expected_revision };
        let alert = self.command("acknowledge", &asker, target, Ok(Action::Acknowledge)).await?;
        Ok(Response::new(AcknowledgeAlertResponse { alert: Some(alert) }))
    }

    async fn add_note(&self, request: Request<AddNoteRequest>) -> Result<Response<AddNoteResponse>, Status> {
        let (asker, request) = Asker::of(request);
        let AddNoteRequest { alert_id, request_id, expected_revision, note } = request;
        let target = Target { alert_id, request_id, expected_revision };
        let action = parse::note(note).map(|note| Action::AddNote { note });
        let alert = self.command("add_note", &asker, target, action).await?;
        Ok(Response::new(AddNoteResponse { alert: Some(alert) }))
    }

    async fn resolve_alert(
        &self,
        request: Request<ResolveAlertRequest>,
    ) -> Result<Response<ResolveAlertResponse>, Status> {
        let (asker, request) = Asker::of(request);
        let ResolveAlertRequest { alert_id, request_id, expected_revision, disposition, note } = request;
        let target = Target { alert_id, request_id, expected_revision };
        let action = parse::disposition(disposition).and_then(|disposition| {
            parse::optional_text("note", note).map(|note| Action::Resolve { disposition, note })
        });
        let alert = self.command("resolve", &asker, target, action).await?;
        Ok(Response::new(ResolveAlertResponse { alert: Some(alert) }))
    }

    async fn dispatch_unit(
        &self,
        request: Request<DispatchUnitRequest>,
    ) -> Result<Response<DispatchUnitResponse>, Status> {
        let (asker, request) = Asker::of(request);
        let DispatchUnitRequest { alert_id, request_id, expected_revision, unit_id } = request;
        let target = Target { alert_id, request_id, expected_revision };
        let action = parse::id("unit_id", unit_id).map(|unit_id| Action::Dispatch { unit_id });
        let alert = self.command("dispatch", &asker, target, action).await?;
        Ok(Response::new(DispatchUnitResponse { alert: Some(alert) }))
    }

    async fn update_response(
        &self,
        request: Request<UpdateResponseRequest>,
    ) -> Result<Response<UpdateResponseResponse>, Status> {
        let (asker, request) = Asker::of(request);
        let UpdateResponseRequest { alert_id, request_id, expected_revision, unit_id, status } = request;
        let target = Target { alert_id, request_id, expected_revision };
        let action = parse::id("unit_id", unit_id).and_then(|unit_id| {
            parse::progress(status).map(|status| Action::UpdateResponse { unit_id, status })
        });
        let alert = self.command("update_response", &asker, target, action).await?;
        Ok(Response::new(UpdateResponseResponse { alert: Some(alert) }))
    }

    async fn escalate_alert(
        &self,
        request: Request<EscalateAlertRequest>,
    ) -> Result<Response<EscalateAlertResponse>, Status> {
        let (asker, request) = Asker::of(request);
        let EscalateAlertRequest { alert_id, request_id, expected_revision, reason } = request;
        let target = Target { alert_id, request_id, expected_revision };
        let action = parse::optional_text("reason", reason).map(|reason| Action::Escalate { reason });
        let alert = self.command("escalate", &asker, target, action).await?;
        Ok(Response::new(EscalateAlertResponse { alert: Some(alert) }))
    }

    async fn transfer_alert(
        &self,
        request: Request<TransferAlertRequest>,
    ) -> Result<Response<TransferAlertResponse>, Status> {
        let (asker, request) = Asker::of(request);
        let TransferAlertRequest { alert_id, request_id, expected_revision, to_operator } = request;
        let target = Target { alert_id, request_id, expected_revision };
        let action = parse::to_operator(to_operator).map(|to_operator| Action::Transfer { to_operator });
        let alert = self.command("transfer", &asker, target, action).await?;
        Ok(Response::new(TransferAlertResponse { alert: Some(alert) }))
    }

    async fn reopen_alert(
        &self,
        request: Request<ReopenAlertRequest>,
    ) -> Result<Response<ReopenAlertResponse>, Status> {
        let (asker, request) = Asker::of(request);
        let ReopenAlertRequest { alert_id, request_id, expected_revision, note } = request;
        let target = Target { alert_id, request_id, expected_revision };
        let action = parse::optional_text("note", note).map(|note| Action::Reopen { note });
        let alert = self.command("reopen", &asker, target, action).await?;
        Ok(Response::new(ReopenAlertResponse { alert: Some(alert) }))
    }

    async fn declare_actual(
        &self,
        request: Request<DeclareActualRequest>,
    ) -> Result<Response<DeclareActualResponse>, Status> {
        let (asker, request) = Asker::of(request);
        let DeclareActualRequest { alert_id, request_id, expected_revision, reason } = request;
        let target = Target { alert_id, request_id, expected_revision };
        let action = parse::optional_text("reason", reason).map(|reason| Action::DeclareActual { reason });
        let alert = self.command("declare_actual", &asker, target, action).await?;
        Ok(Response::new(DeclareActualResponse { alert: Some(alert) }))
    }

    async fn erase_alert(
        &self,
        request: Request<EraseAlertRequest>,
    ) -> Result<Response<EraseAlertResponse>, Status> {
        if !self.log.can_forget() {
            return Err(status::cannot_forget());
        }
        let (asker, request) = Asker::of(request);
        let EraseAlertRequest { alert_id, request_id, expected_revision, reason } = request;
        let target = Target { alert_id: alert_id.clone(), request_id, expected_revision };
        let action = parse::reason(reason).map(|reason| Action::Erase { reason });
        let alert = self.command("erase", &asker, target, action).await?;
        self.eraser.erase(&self.live, &*self.log, &alert_id).await.map_err(|e| status::not_erased(&e))?;
        Ok(Response::new(EraseAlertResponse { alert: Some(alert) }))
    }

    async fn shelve_alert(
        &self,
        request: Request<ShelveAlertRequest>,
    ) -> Result<Response<ShelveAlertResponse>, Status> {
        let (asker, request) = Asker::of(request);
        let ShelveAlertRequest { alert_id, request_id, expected_revision, reason, until } = request;
        let target = Target { alert_id, request_id, expected_revision };
        let action = parse::shelving(reason, until.as_ref());
        let alert = self.command("shelve", &asker, target, action).await?;
        Ok(Response::new(ShelveAlertResponse { alert: Some(alert) }))
    }

    async fn unshelve_alert(
        &self,
        request: Request<UnshelveAlertRequest>,
    ) -> Result<Response<UnshelveAlertResponse>, Status> {
        let (asker, request) = Asker::of(request);
        let UnshelveAlertRequest { alert_id, request_id, expected_revision } = request;
        let target = Target { alert_id, request_id, expected_revision };
        let alert = self.command("unshelve", &asker, target, Ok(Action::Unshelve)).await?;
        Ok(Response::new(UnshelveAlertResponse { alert: Some(alert) }))
    }

    async fn list_incidents(
        &self,
        request: Request<ListIncidentsRequest>,
    ) -> Result<Response<ListIncidentsResponse>, Status> {
        let _place = self.gate.admit()?;
        let (asker, request) = Asker::of(request);
        Ok(Response::new(incidents::list(&self.live, request, &asker.scope())?))
    }
}
