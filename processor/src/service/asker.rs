//! Who asks, and what exists for them.
//!
//! Who asks comes from the guard in front of the services. Where nobody is authenticated it is the metadata key
//! `sos-operator`, and everything exists for everybody.

use sos_auth::caller::check_name;
use sos_auth::{Caller, Role, Scope};
use tonic::metadata::MetadataMap;
use tonic::{Request, Status};

use super::status;
use crate::core::State;

/// The metadata key that names the operator where nobody is authenticated.
const OPERATOR_KEY: &str = "sos-operator";

/// Who asks.
pub(super) struct Asker {
    caller: Option<Caller>,
    metadata: MetadataMap,
}

impl Asker {
    /// Takes a request apart.
    pub fn of<T>(request: Request<T>) -> (Self, T) {
        let (metadata, mut extensions, message) = request.into_parts();
        (Self { caller: extensions.remove::<Caller>(), metadata }, message)
    }

    /// Who was recognised; nothing where nobody is authenticated.
    pub fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    /// Their name, as it goes into the log.
    pub fn name(&self) -> Result<String, Status> {
        self.given_name()?.ok_or_else(|| refused("must name the operator"))
    }

    /// Their name, if they were recognised or say one. Names may be in any script: metadata is read as UTF-8.
    pub fn given_name(&self) -> Result<Option<String>, Status> {
        if let Some(caller) = &self.caller {
            return Ok(Some(caller.name.clone()));
        }
        let Some(value) = self.metadata.get(OPERATOR_KEY) else { return Ok(None) };
        let name = str::from_utf8(value.as_bytes()).map_err(|_| refused("is not UTF-8"))?;
        check_name(name).map_err(|what| refused(&what))?;
        Ok(Some(name.to_owned()))
    }

    /// What exists for them.
    pub fn scope(&self) -> Scope {
        self.caller.as_ref().map(|caller| caller.scope.clone()).unwrap_or_default()
    }

    /// Whether they could do something about an alert that they are shown.
    pub fn can_act(&self) -> bool {
        self.caller.as_ref().is_none_or(|caller| matches!(caller.role, Role::Operator | Role::Supervisor))
    }

    /// Refuses an alert that does not exist for them. What is not known yet cannot be told apart from that.
    pub fn sees_alert(&self, state: &State, alert_id: &str) -> Result<(), Status> {
        let Some(scope) = self.limits() else { return Ok(()) };
        let seen = state.by_id(alert_id).is_some_and(|entry| {
            let view = entry.view();
            scope.has(&view.alert.site_id, &view.alert.region)
        });
        if seen { Ok(()) } else { Err(status::not_found(alert_id)) }
    }

    /// Whether a site exists for them; one that is not registered has no region.
    pub fn sees_site(&self, state: &State, site_id: &str) -> bool {
        self.limits().is_none_or(|scope| scope.has(site_id, region(state, site_id)))
    }

    /// Their scope, if it leaves anything out.
    fn limits(&self) -> Option<&Scope> {
        self.caller.as_ref().map(|caller| &caller.scope).filter(|scope| !scope.is_everything())
    }
}

/// The name is missing, or cannot go into the log.
fn refused(what: &str) -> Status {
    Status::unauthenticated(format!("metadata key {OPERATOR_KEY} {what}"))
}

/// The region of a site; empty where it is not registered in one.
pub(super) fn region<'a>(state: &'a State, site_id: &str) -> &'a str {
    let registered = state.site_at(site_id).and_then(|site| site.registered.as_deref());
    registered.map(|site| site.region.as_str()).unwrap_or_default()
}
