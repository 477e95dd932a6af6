//! `sos.registry.v1.RegistryService`: sites and call points, as they are registered and as they are.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;
use sos_eventlog::{EventLog, clock};
use sos_proto::event::v1::DeviceAccessChanged;
use sos_proto::event::v1::event::Body;
use sos_proto::registry::v1::registry_service_server::RegistryService;
use sos_proto::registry::v1::{
    Device, EndWindowRequest, EndWindowResponse, GetDeviceRequest, GetDeviceResponse, ListDevicesRequest,
    ListDevicesResponse, ListSitesRequest, ListSitesResponse, PutDeviceRequest, PutDeviceResponse,
    PutSiteRequest, PutSiteResponse, RetireDeviceRequest, RetireDeviceResponse, SetDeviceAccessRequest,
    SetDeviceAccessResponse, Site, StartWindowRequest, StartWindowResponse, WatchDevicesRequest,
    WatchDevicesResponse,
};
use sos_proto::time;
use tonic::{Code, Request, Response, Status};

use super::asker::{Asker, region};
use super::gate::Gate;
use super::pages::{self, page};
use super::status::InvalidField;
use super::watchers::Watchers;
use super::{parse, places};
use crate::core::{PointEntry, Registration, SiteEntry, State};
use crate::live::Live;
use crate::registrar::{Change, Entry, Registrar, RegistryError};
use crate::telemetry;

/// Answers whoever keeps the registry.
pub(crate) struct RegistryApi {
    live: Arc<Live>,
    log: Arc<dyn EventLog>,
    registrar: Registrar,
    watchers: Arc<Watchers>,
    gate: Gate,
}

/// What to change, and where: the site, and the call point if it is not the site itself.
type Subject = (String, String, Change);

impl RegistryApi {
    /// Answers from this state; changes go to this log.
    pub(crate) fn new(live: Arc<Live>, log: Arc<dyn EventLog>, watchers: Arc<Watchers>, gate: Gate) -> Self {
        let registrar = Registrar::new(Arc::clone(&live), Arc::clone(&log));
        Self { live, log, registrar, watchers, gate }
    }

    /// Makes one change, and counts it by its outcome.
    async fn change(
        &self,
        name: &'static str,
        asker: &Asker,
        request_id: String,
        subject: Result<Subject, InvalidField>,
    ) -> Result<Body, Status> {
        let answer = self.try_change(asker, request_id, subject).await;
        telemetry::commanded(name, answer.as_ref().map_or_else(Status::code, |_| Code::Ok));
        answer
    }

    async fn try_change(
        &self,
        asker: &Asker,
        request_id: String,
        subject: Result<Subject, InvalidField>,
    ) -> Result<Body, Status> {
        let _place = self.gate.admit()?;
        let actor = asker.name()?;
        let request_id = parse::id("request_id", request_id)?;
        let (site_id, device_id, mut change) = subject?;
        self.live.read(|state| check_scope(state, asker, &site_id, &device_id, &change))?;
        if let Change::StartWindow(window) = &mut change {
            window.author.clone_from(&actor);
        }
        Ok(self.registrar.execute(&Entry { site_id, device_id, request_id, actor, change }).await?)
    }

    /// A call point as it is, if it exists for who asks.
    fn device_for(&self, asker: &Asker, site_id: &str, device_id: &str) -> Result<Device, Status> {
        if !self.live.read(|state| asker.sees_site(state, site_id)) {
            return Err(RegistryError::NoDevice(format!("{site_id}/{device_id}")).into());
        }
        self.device(site_id, device_id)
    }

    /// A call point as it is.
    fn device(&self, site_id: &str, device_id: &str) -> Result<Device, Status> {
        let found = self.live.read(|state| {
            state.point_at(site_id, device_id).and_then(|point| device(state, point, clock::now()))
        });
        found.ok_or_else(|| RegistryError::NoDevice(format!("{site_id}/{device_id}")).into())
    }
}

/// Refuses to change what does not exist for who asks, and to put a site where it would not.
fn check_scope(
    state: &State,
    asker: &Asker,
    site_id: &str,
    device_id: &str,
    change: &Change,
) -> Result<(), RegistryError> {
    let seen = match change {
        Change::PutSite(site) => {
            // One that is not registered may have call points and alerts all the same.
            let is_new = state.site_at(site_id).is_none();
            asker.scope().has(site_id, &site.region) && (is_new || asker.sees_site(state, site_id))
        }
        _ => asker.sees_site(state, site_id),
    };
    match seen {
        true => Ok(()),
        false if device_id.is_empty() => Err(RegistryError::NoSite(site_id.to_owned())),
        false => Err(RegistryError::NoDevice(format!("{site_id}/{device_id}"))),
    }
}

/// What the log holds under a request id is of the kind that was asked for.
fn unexpected() -> Status {
    Status::internal("the log holds another change")
}

/// A call point on the wire; nothing for what stands for a whole site.
pub(super) fn device(state: &State, point: &PointEntry, now: i64) -> Option<Device> {
    let site = state.site_of(point).filter(|_| !point.device_id.is_empty())?;
    let Registration { place, location, supervision_class } =
        point.registered.as_deref().cloned().unwrap_or_default();
    Some(Device {
        place,
        location,
        supervision_class,
        device_id: point.device_id.clone(),
        site_id: site.site_id.clone(),
        capabilities: point.capabilities.clone(),
        online: point.online,
        last_seen_at: (point.last_seen_at > 0).then(|| time::timestamp(point.last_seen_at)),
        condition: point.condition,
        retired: point.retired,
        unverified: point.registered.is_none(),
        window: point.window.as_deref().filter(|window| window.is_in_force(now)).cloned(),
        faults: state.faults(point).into_iter().collect(),
    })
}

/// A site on the wire; nothing for one that is not registered.
fn site(site: &SiteEntry, now: i64) -> Option<Site> {
    let window = site.window.as_deref().filter(|window| window.is_in_force(now)).cloned();
    Some(Site { window, ..site.registered.as_deref()?.clone() })
}

#[tonic::async_trait]
impl RegistryService for RegistryApi {
    type WatchDevicesStream = Pin<Box<dyn Stream<Item = Result<WatchDevicesResponse, Status>> + Send>>;

    async fn put_site(&self, request: Request<PutSiteRequest>) -> Result<Response<PutSiteResponse>, Status> {
        let (asker, PutSiteRequest { request_id, site }) = Asker::of(request);
        let subject =
            places::site(site).map(|site| (site.site_id.clone(), String::new(), Change::PutSite(site)));
        match self.change("put_site", &asker, request_id, subject).await? {
            Body::SiteRegistered(registered) => Ok(Response::new(PutSiteResponse { site: registered.site })),
            _ => Err(unexpected()),
        }
    }

    async fn put_device(
        &self,
        request: Request<PutDeviceRequest>,
    ) -> Result<Response<PutDeviceResponse>, Status> {
        let (asker, PutDeviceRequest { request_id, device }) = Asker::of(request);
        let subject = places::device(device)
            .map(|device| (device.site_id.clone(), device.device_id.clone(), Change::PutDevice(device)));
        let Body::DeviceRegistered(registered) =
            self.change("put_device", &asker, request_id, subject).await?
        else {
            return Err(unexpected());
        };
        let registered = registered.device.ok_or_else(unexpected)?;
        let device = self.device(&registered.site_id, &registered.device_id)?;
        let Device { place, location, supervision_class, .. } = registered;
        let device = Some(Device { place, location, supervision_class, ..device });
        Ok(Response::new(PutDeviceResponse { device }))
    }

    async fn retire_device(
        &self,
        request: Request<RetireDeviceRequest>,
    ) -> Result<Response<RetireDeviceResponse>, Status> {
        let (asker, request) = Asker::of(request);
        let RetireDeviceRequest { request_id, site_id, device_id, reason } = request;
        let subject = places::call_point(&site_id, &device_id).and_then(|(site_id, device_id)| {
            let reason = parse::optional_text("reason", reason)?;
            Ok((site_id, device_id, Change::RetireDevice { reason }))
        });
        self.change("retire_device", &asker, request_id, subject).await?;
        let device = Some(self.device(&site_id, &device_id)?);
        Ok(Response::new(RetireDeviceResponse { device }))
    }

    async fn get_device(
        &self,
        request: Request<GetDeviceRequest>,
    ) -> Result<Response<GetDeviceResponse>, Status> {
        let _place = self.gate.admit()?;
        let (asker, GetDeviceRequest { site_id, device_id }) = Asker::of(request);
        let (site_id, device_id) = places::call_point(&site_id, &device_id)?;
        let device = Some(self.device_for(&asker, &site_id, &device_id)?);
        Ok(Response::new(GetDeviceResponse { device }))
    }

    async fn list_devices(
        &self,
        request: Request<ListDevicesRequest>,
    ) -> Result<Response<ListDevicesResponse>, Status> {
        let _place = self.gate.admit()?;
        let (asker, ListDevicesRequest { site_id, page_size, page_token }) = Asker::of(request);
        let scope = asker.scope();
        let (page_size, after) = (parse::page_size(page_size)?, pages::token(&page_token)?);
        let now = clock::now();
        let (devices, next_page_token, position) = self.live.read(|state| {
            let named = state.points().iter().filter_map(|point| {
                let site = state.site_of(point).filter(|_| !point.device_id.is_empty())?;
                let wanted = (site_id.is_empty() || site_id == site.site_id)
                    && scope.has(&site.site_id, region(state, &site.site_id));
                wanted.then_some(((site.site_id.as_str(), point.device_id.as_str()), point))
            });
            let (points, next) = page(named, &after, page_size);
            let devices = points.into_iter().filter_map(|point| device(state, point, now)).collect();
            (devices, next, state.position())
        });
        Ok(Response::new(ListDevicesResponse { devices, next_page_token, position }))
    }

    async fn list_sites(
        &self,
        request: Request<ListSitesRequest>,
    ) -> Result<Response<ListSitesResponse>, Status> {
        let _place = self.gate.admit()?;
        let (asker, ListSitesRequest { page_size, page_token }) = Asker::of(request);
        let scope = asker.scope();
        let (page_size, after) = (parse::page_size(page_size)?, pages::token(&page_token)?);
        let now = clock::now();
        let (sites, next_page_token, position) = self.live.read(|state| {
            let registered = state.sites().iter().filter(|entry| {
                let region = entry.registered.as_deref().map(|site| site.region.as_str());
                region.is_some_and(|region| scope.has(&entry.site_id, region))
            });
            let named = registered.map(|entry| ((entry.site_id.as_str(), ""), entry));
            let (entries, next) = page(named, &after, page_size);
            let sites = entries.into_iter().filter_map(|entry| site(entry, now)).collect();
            (sites, next, state.position())
        });
        Ok(Response::new(ListSitesResponse { sites, next_page_token, position }))
    }

    async fn watch_devices(
        &self,
        request: Request<WatchDevicesRequest>,
    ) -> Result<Response<Self::WatchDevicesStream>, Status> {
        self.gate.check_ready()?;
        let (asker, WatchDevicesRequest { site_ids, after_position }) = Asker::of(request);
        let site_ids = site_ids.into_iter().map(|site| parse::id("site_ids", site));
        let site_ids = site_ids.collect::<Result<BTreeSet<_>, _>>()?;
        let stream = self.watchers.devices(&self.live, &*self.log, site_ids, after_position, &asker).await?;
        Ok(Response::new(Box::pin(stream)))
    }

    async fn set_device_access(
        &self,
        request: Request<SetDeviceAccessRequest>,
    ) -> Result<Response<SetDeviceAccessResponse>, Status> {
        let (asker, request) = Asker::of(request);
        let SetDeviceAccessRequest { request_id, site_id, device_id, revoked, password_hash, reason } =
            request;
        let subject = places::call_point(&site_id, &device_id).and_then(|(site_id, device_id)| {
            let reason = parse::optional_text("reason", reason)?;
            let password_hash = places::password_hash(password_hash, revoked)?;
            let access = DeviceAccessChanged { revoked, password_hash, reason };
            Ok((site_id, device_id, Change::SetDeviceAccess(access)))
        });
        self.change("set_device_access", &asker, request_id, subject).await?;
        Ok(Response::new(SetDeviceAccessResponse {}))
    }

    async fn start_window(
        &self,
        request: Request<StartWindowRequest>,
    ) -> Result<Response<StartWindowResponse>, Status> {
        let (asker, request) = Asker::of(request);
        let StartWindowRequest { request_id, site_id, device_id, kind, reason, ends_at } = request;
        let subject = places::scope(&site_id, &device_id).and_then(|(site_id, device_id)| {
            let window = places::window(kind, reason, ends_at.as_ref(), clock::now())?;
            Ok((site_id, device_id, Change::StartWindow(window)))
        });
        match self.change("start_window", &asker, request_id, subject).await? {
            Body::WindowStarted(started) => Ok(Response::new(StartWindowResponse { window: started.window })),
            _ => Err(unexpected()),
        }
    }

    async fn end_window(
        &self,
        request: Request<EndWindowRequest>,
    ) -> Result<Response<EndWindowResponse>, Status> {
        let (asker, request) = Asker::of(request);
        let EndWindowRequest { request_id, site_id, device_id, reason } = request;
        let subject = places::scope(&site_id, &device_id).and_then(|(site_id, device_id)| {
            let reason = parse::optional_text("reason", reason)?;
            Ok((site_id, device_id, Change::EndWindow { reason }))
        });
        self.change("end_window", &asker, request_id, subject).await?;
        Ok(Response::new(EndWindowResponse {}))
    }
}
