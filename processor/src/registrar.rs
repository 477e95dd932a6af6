//! Carries out changes of the registry: each is an event in the log, and is answered once it is folded.
//!
//! Invariant: a request id has one effect, and what is answered of it is what the log holds (P6).

use std::sync::Arc;

use sos_eventlog::{Append, AppendError, EventLog, ReadError, clock};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{
    DeviceAccessChanged, DeviceRegistered, DeviceRetired, Event, SiteRegistered, WindowEnded, WindowStarted,
};
use sos_proto::registry::v1::{Device, Site, Window};
use sos_proto::time;

use crate::commands::{SCHEMA, event_id};
use crate::core::{CommandKind, State};
use crate::live::{Behind, Live};
use crate::timeline;

/// A change of the registry; every field was checked at the edge.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The site.
    pub site_id: String,
    /// The call point. Empty: the site itself.
    pub device_id: String,
    /// Names the change.
    pub request_id: String,
    /// Who makes it.
    pub actor: String,
    /// What to change.
    pub change: Change,
}

/// What to change.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// Register a site, or change it.
    PutSite(Site),
    /// Register a call point, or change it.
    PutDevice(Device),
    /// Take a call point out of use.
    RetireDevice {
        /// Why.
        reason: String,
    },
    /// Give a call point a password, or take away its access.
    SetDeviceAccess(DeviceAccessChanged),
    /// Begin an exercise or a test.
    StartWindow(Window),
    /// End an exercise or a test early.
    EndWindow {
        /// Why.
        reason: String,
    },
}

/// Why a change had no effect.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistryError {
    /// There is no such site.
    #[error("there is no site {0}")]
    NoSite(String),
    /// There is no such call point.
    #[error("there is no call point {0}")]
    NoDevice(String),
    /// The request id names another change.
    #[error("request_id {0:?} was already used for another command")]
    RequestIdTaken(String),
    /// Where nothing goes on, nothing can be ended.
    #[error("no exercise and no test goes on there")]
    NoWindow,
    /// The log did not take the event.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Live state is behind the log.
    #[error(transparent)]
    Behind(#[from] Behind),
}

/// Carries out changes.
#[derive(Clone)]
pub(crate) struct Registrar {
    live: Arc<Live>,
    log: Arc<dyn EventLog>,
}

impl Registrar {
    /// Judges by this state, appends to this log.
    pub(crate) fn new(live: Arc<Live>, log: Arc<dyn EventLog>) -> Self {
        Self { live, log }
    }

    /// Carries out a change, and answers with what the log holds of it.
    pub(crate) async fn execute(&self, entry: &Entry) -> Result<Body, RegistryError> {
        let mut caught_up = false;
        loop {
            let (known, judged) =
                self.live.read(|state| (state.request(&entry.request_id), entry.judge(state)));
            if let Some(position) = known {
                return self.recorded(entry, position).await;
            }
            match judged {
                Ok(()) => break,
                Err(error) if caught_up => return Err(error),
                // What it waits for may be durable and not folded yet.
                Err(_) => {
                    let head = self.log.head().await?;
                    self.live.catch_up(head.position).await?;
                    caught_up = true;
                }
            }
        }
        let appended = self.log.append(Append::one(entry.event(clock::now()))).await?;
        let position = appended.last().map_or(0, |last| last.position);
        self.live.catch_up(position).await?;
        self.recorded(entry, position).await
    }

    /// What the log holds under the request id of a change, if that is this change.
    async fn recorded(&self, entry: &Entry, position: u64) -> Result<Body, RegistryError> {
        let recorded = timeline::read(&*self.log, &[position]).await?.pop();
        let same = |event: &Event| {
            event.request_id == entry.request_id
                && event.site_id == entry.site_id
                && event.device_id == entry.device_id
                && event.actor == entry.actor
                && CommandKind::of(event.body.as_ref()) == entry.change.kind()
        };
        let event = recorded.and_then(|recorded| recorded.event).filter(same);
        event
            .and_then(|event| event.body)
            .ok_or_else(|| RegistryError::RequestIdTaken(entry.request_id.clone()))
    }
}

impl Entry {
    /// Whether it can be done.
    fn judge(&self, state: &State) -> Result<(), RegistryError> {
        let point = state.point_at(&self.site_id, &self.device_id);
        let site = state.site_at(&self.site_id);
        let no_site = || RegistryError::NoSite(self.site_id.clone());
        let no_device = || RegistryError::NoDevice(format!("{}/{}", self.site_id, self.device_id));
        match &self.change {
            Change::PutSite(_) => Ok(()),
            Change::PutDevice(_) => {
                site.filter(|site| site.registered.is_some()).map(|_| ()).ok_or_else(no_site)
            }
            // A password may be there before the call point is.
            Change::SetDeviceAccess(_) => Ok(()),
            Change::RetireDevice { .. } => {
                point.filter(|point| !point.device_id.is_empty()).map(|_| ()).ok_or_else(no_device)
            }
            Change::StartWindow(_) if self.device_id.is_empty() => site.map(|_| ()).ok_or_else(no_site),
            Change::StartWindow(_) => point.map(|_| ()).ok_or_else(no_device),
            Change::EndWindow { .. } => {
                let window = if self.device_id.is_empty() {
                    site.and_then(|site| site.window.as_ref())
                } else {
                    point.and_then(|point| point.window.as_ref())
                };
                window.map(|_| ()).ok_or(RegistryError::NoWindow)
            }
        }
    }

    fn event(&self, now: i64) -> Event {
        Event {
            event_id: event_id(now),
            site_id: self.site_id.clone(),
            device_id: self.device_id.clone(),
            received_at: Some(time::timestamp(now)),
            actor: self.actor.clone(),
            request_id: self.request_id.clone(),
            schema: SCHEMA,
            body: Some(self.change.body()),
            ..Event::default()
        }
    }
}

impl Change {
    fn kind(&self) -> CommandKind {
        match self {
            Self::PutSite(_) => CommandKind::PutSite,
            Self::PutDevice(_) => CommandKind::PutDevice,
            Self::RetireDevice { .. } => CommandKind::RetireDevice,
            Self::SetDeviceAccess(_) => CommandKind::SetDeviceAccess,
            Self::StartWindow(_) => CommandKind::StartWindow,
            Self::EndWindow { .. } => CommandKind::EndWindow,
        }
    }

    fn body(&self) -> Body {
        match self.clone() {
            Self::PutSite(site) => Body::SiteRegistered(SiteRegistered { site: Some(site) }),
            Self::PutDevice(device) => Body::DeviceRegistered(DeviceRegistered { device: Some(device) }),
            Self::RetireDevice { reason } => Body::DeviceRetired(DeviceRetired { reason }),
            Self::SetDeviceAccess(access) => Body::DeviceAccessChanged(access),
            Self::StartWindow(window) => Body::WindowStarted(WindowStarted { window: Some(window) }),
            Self::EndWindow { reason } => Body::WindowEnded(WindowEnded { reason }),
        }
    }
}
