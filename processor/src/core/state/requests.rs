//! The commands that the log holds, each under its request id (P6).

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use sos_proto::event::v1::event::Body;

/// Which kind of command an event came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum CommandKind {
    /// A command that this version does not serve.
    Other = 0,
    /// Take the alert.
    Acknowledge = 1,
    /// Write something down.
    Note = 2,
    /// Close the alert.
    Resolve = 3,
    /// Send a unit.
    Dispatch = 4,
    /// Report the progress of a unit.
    UpdateResponse = 5,
    /// Ask for more help.
    Escalate = 6,
    /// Hand the alert over.
    Transfer = 7,
    /// Open the alert again.
    Reopen = 8,
    /// Say that an exercise is none.
    DeclareActual = 9,
    /// Put it aside.
    Shelve = 10,
    /// Take it back.
    Unshelve = 11,
    /// Register a site.
    PutSite = 12,
    /// Register a call point.
    PutDevice = 13,
    /// Take a call point out of use.
    RetireDevice = 14,
    /// Begin an exercise or a test.
    StartWindow = 15,
    /// End an exercise or a test.
    EndWindow = 16,
}

impl CommandKind {
    /// The kind of command that leaves this body in the log.
    pub(crate) fn of(body: Option<&Body>) -> Self {
        match body {
            Some(Body::AlertAcknowledged(_)) => Self::Acknowledge,
            Some(Body::AlertNoted(_)) => Self::Note,
            Some(Body::AlertResolved(_)) => Self::Resolve,
            Some(Body::UnitDispatched(_)) => Self::Dispatch,
            Some(Body::ResponseUpdated(_)) => Self::UpdateResponse,
            Some(Body::AlertEscalated(_)) => Self::Escalate,
            Some(Body::AlertTransferred(_)) => Self::Transfer,
            Some(Body::AlertReopened(_)) => Self::Reopen,
            Some(Body::AlertDeclaredActual(_)) => Self::DeclareActual,
            Some(Body::AlertShelved(_)) => Self::Shelve,
            Some(Body::AlertUnshelved(_)) => Self::Unshelve,
            Some(Body::SiteRegistered(_)) => Self::PutSite,
            Some(Body::DeviceRegistered(_)) => Self::PutDevice,
            Some(Body::DeviceRetired(_)) => Self::RetireDevice,
            Some(Body::WindowStarted(_)) => Self::StartWindow,
            Some(Body::WindowEnded(_)) => Self::EndWindow,
            _ => Self::Other,
        }
    }
}

/// A command that the log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordedRequest {
    /// The alert it was about, by its opening; 0 for none that is known.
    pub opening: u64,
    /// Where its event is.
    pub position: u64,
    /// What it asked for.
    pub kind: CommandKind,
    /// Who asked.
    pub actor: Arc<str>,
}

/// All commands.
#[derive(Debug, Default)]
pub(super) struct Requests {
    by_id: HashMap<Box<str>, RecordedRequest>,
    actors: HashSet<Arc<str>>,
}

impl Requests {
    pub(super) fn get(&self, request_id: &str) -> Option<&RecordedRequest> {
        self.by_id.get(request_id)
    }

    /// Remembers a command; the first with a request id stays.
    pub(super) fn remember(
        &mut self,
        request_id: &str,
        (opening, position): (u64, u64),
        kind: CommandKind,
        actor: &str,
    ) {
        let actor = Arc::clone(self.actors.get_or_insert_with(actor, |actor| Arc::from(actor)));
        let request = RecordedRequest { opening, position, kind, actor };
        self.by_id.entry_ref(request_id).or_insert(request);
    }

    /// All of them, in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &RecordedRequest)> {
        self.by_id.iter().map(|(id, request)| (&**id, request))
    }
}
