//! The commands that the log holds, each under its request id (P6).

use hashbrown::HashTable;
use sos_proto::event::v1::event::Body;

/// Which kind of command an event came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommandKind {
    /// A command that this version does not serve.
    Other,
    /// Take the alert.
    Acknowledge,
    /// Write something down.
    Note,
    /// Close the alert.
    Resolve,
    /// Send a unit.
    Dispatch,
    /// Report the progress of a unit.
    UpdateResponse,
    /// Ask for more help.
    Escalate,
    /// Hand the alert over.
    Transfer,
    /// Open the alert again.
    Reopen,
    /// Say that an exercise is none.
    DeclareActual,
    /// Erase what is personal in it.
    Erase,
    /// Put it aside.
    Shelve,
    /// Take it back.
    Unshelve,
    /// Register a site.
    PutSite,
    /// Register a call point.
    PutDevice,
    /// Take a call point out of use.
    RetireDevice,
    /// Change whether and how a call point may connect.
    SetDeviceAccess,
    /// Begin an exercise or a test.
    StartWindow,
    /// End an exercise or a test.
    EndWindow,
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
            Some(Body::AlertErased(_)) => Self::Erase,
            Some(Body::AlertShelved(_)) => Self::Shelve,
            Some(Body::AlertUnshelved(_)) => Self::Unshelve,
            Some(Body::SiteRegistered(_)) => Self::PutSite,
            Some(Body::DeviceRegistered(_)) => Self::PutDevice,
            Some(Body::DeviceRetired(_)) => Self::RetireDevice,
            Some(Body::DeviceAccessChanged(_)) => Self::SetDeviceAccess,
            Some(Body::WindowStarted(_)) => Self::StartWindow,
            Some(Body::WindowEnded(_)) => Self::EndWindow,
            _ => Self::Other,
        }
    }
}

/// A command that the log holds, as it is kept: a busy year has millions.
#[derive(Debug, Clone, Copy)]
struct Kept {
    hash: u64,
    position: u64,
}

/// Where the log holds the commands. What they are is read there.
#[derive(Debug, Default)]
pub(super) struct Requests(HashTable<Kept>);

impl Requests {
    /// Where the first command with this id is, if there is one. Once in a very long while it is another one
    /// with the same hash.
    pub(super) fn get(&self, request_id: &str) -> Option<u64> {
        let hash = hash(request_id);
        self.0.find(hash, |kept| kept.hash == hash).map(|kept| kept.position)
    }

    /// Remembers a command; the first with a request id stays.
    pub(super) fn remember(&mut self, request_id: &str, position: u64) {
        self.insert(hash(request_id), position);
    }

    pub(super) fn insert(&mut self, hash: u64, position: u64) {
        let entry = self.0.entry(hash, |kept| kept.hash == hash, |kept| kept.hash);
        entry.or_insert(Kept { hash, position });
    }

    /// All of them as hash and position, in the order of the log.
    pub(super) fn all(&self) -> Vec<(u64, u64)> {
        let mut all: Vec<_> = self.0.iter().map(|kept| (kept.hash, kept.position)).collect();
        // One event holds at most one request.
        all.sort_unstable_by_key(|(_, position)| *position);
        all
    }
}

/// The same in every process: it is part of snapshots.
fn hash(request_id: &str) -> u64 {
    let digest = blake3::hash(request_id.as_bytes());
    digest.as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}
