//! The state as bytes, for a snapshot, and back.
//!
//! Invariant: the bytes follow from the log alone, so a state that was read from its bytes and one that was
//! folded from the first event on have the same (P4).

use std::sync::Arc;

use prost::{DecodeError, Message};

use super::places::{PointEntry, SiteEntry};
use super::requests::CommandKind;
use super::view::{AlertEntry, AlertView, Form};
use super::{IncidentEntry, State};
use crate::core::rules::Rules;

/// Version of what the bytes mean, and of the rules in the code that they were folded by: another one is not
/// read. Change it with every change of `evolve`.
pub(crate) const STATE_SCHEMA: u32 = 1;

/// What comes first: how much of everything follows.
#[derive(Clone, PartialEq, Message)]
struct Contents {
    #[prost(uint64, tag = "1")]
    position: u64,
    #[prost(int64, tag = "2")]
    recorded_at: i64,
    #[prost(bytes = "vec", tag = "3")]
    rules: Vec<u8>,
    #[prost(uint64, tag = "4")]
    sites: u64,
    #[prost(uint64, tag = "5")]
    points: u64,
    #[prost(uint64, tag = "6")]
    incidents: u64,
    #[prost(uint64, tag = "7")]
    alerts: u64,
    #[prost(uint64, tag = "8")]
    requests: u64,
    /// Newest change of each call point.
    #[prost(uint64, repeated, tag = "9")]
    point_changes: Vec<u64>,
    #[prost(int64, repeated, tag = "10")]
    losses_at: Vec<i64>,
    #[prost(uint32, repeated, tag = "11")]
    losses: Vec<u32>,
}

/// An alert without its view, which follows.
#[derive(Clone, PartialEq, Message)]
struct AlertImage {
    #[prost(uint64, tag = "1")]
    stream_position: u64,
    #[prost(uint64, repeated, tag = "2")]
    positions: Vec<u64>,
    #[prost(uint32, tag = "3")]
    point: u32,
    #[prost(uint32, tag = "4")]
    incident: u32,
    #[prost(message, repeated, tag = "5")]
    forms: Vec<Form>,
}

#[derive(Clone, PartialEq, Message)]
struct RequestImage {
    #[prost(string, tag = "1")]
    request_id: String,
    #[prost(uint64, tag = "2")]
    opening: u64,
    #[prost(uint64, tag = "3")]
    position: u64,
    #[prost(enumeration = "CommandKind", tag = "4")]
    kind: i32,
    #[prost(string, tag = "5")]
    actor: String,
}

impl State {
    /// The state as bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut requests: Vec<_> = self.requests.all().collect();
        // One event holds at most one request.
        requests.sort_unstable_by_key(|(_, request)| request.position);
        let points = self.places.points();
        let numbers = 0..u32::try_from(points.len()).unwrap_or(u32::MAX);
        let contents = Contents {
            position: self.position,
            recorded_at: self.recorded_at,
            rules: self.rules.digest().to_vec(),
            sites: self.places.sites().len() as u64,
            points: points.len() as u64,
            incidents: self.incidents.all().len() as u64,
            alerts: self.alerts.all().len() as u64,
            requests: requests.len() as u64,
            point_changes: numbers.map(|number| self.point_changes.newest(number)).collect(),
            losses_at: self.losses.iter().map(|(at, _)| *at).collect(),
            losses: self.losses.iter().map(|(_, point)| *point).collect(),
        };
        let mut bytes = contents.encode_length_delimited_to_vec();
        write_all(&mut bytes, self.places.sites());
        write_all(&mut bytes, points);
        write_all(&mut bytes, self.incidents.all());
        for entry in self.alerts.all() {
            let image = AlertImage {
                stream_position: entry.stream_position,
                positions: entry.positions.clone(),
                point: entry.point,
                incident: entry.incident,
                forms: entry.forms.clone(),
            };
            write(&mut bytes, &image);
            write(&mut bytes, &*entry.view);
        }
        for (request_id, request) in requests {
            let image = RequestImage {
                request_id: request_id.to_owned(),
                opening: request.opening,
                position: request.position,
                kind: request.kind.into(),
                actor: request.actor.to_string(),
            };
            write(&mut bytes, &image);
        }
        bytes
    }

    /// The state that has these bytes; nothing if they were made by other rules.
    pub(crate) fn decode(mut bytes: &[u8], rules: Arc<Rules>) -> Result<Option<Self>, DecodeError> {
        let contents = Contents::decode_length_delimited(&mut bytes)?;
        if contents.rules != rules.digest() {
            return Ok(None);
        }
        let mut state = Self::new(rules);
        state.advance(contents.position, contents.recorded_at);
        state.losses = contents.losses_at.into_iter().zip(contents.losses).collect();
        for _ in 0..contents.sites {
            state.places.insert_site(SiteEntry::decode_length_delimited(&mut bytes)?);
        }
        for _ in 0..contents.points {
            state.places.insert_point(PointEntry::decode_length_delimited(&mut bytes)?);
        }
        let mut changed: Vec<_> = (0..).zip(contents.point_changes).filter(|(_, at)| *at > 0).collect();
        changed.sort_unstable_by_key(|(number, at)| (*at, *number));
        for (number, at) in changed {
            state.point_changes.note(at, number);
        }
        for _ in 0..contents.incidents {
            state.incidents.insert(IncidentEntry::decode_length_delimited(&mut bytes)?);
        }
        let mut entries = Vec::new();
        for _ in 0..contents.alerts {
            let image = AlertImage::decode_length_delimited(&mut bytes)?;
            let view = AlertView::decode_length_delimited(&mut bytes)?;
            let mut entry = AlertEntry::new(Arc::new(view), image.positions, image.point);
            entry.stream_position = image.stream_position;
            entry.incident = image.incident;
            entry.forms = image.forms;
            entries.push(entry);
        }
        state.alerts.restore(entries);
        for _ in 0..contents.requests {
            let image = RequestImage::decode_length_delimited(&mut bytes)?;
            let (places, kind) = ((image.opening, image.position), image.kind());
            state.requests.remember(&image.request_id, places, kind, &image.actor);
        }
        Ok(Some(state))
    }
}

// Two states are the same if their bytes are: that is what a snapshot must keep.
impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.encode() == other.encode()
    }
}

fn write(bytes: &mut Vec<u8>, message: &impl Message) {
    // Fails only where there is no room, and a vector grows.
    let _written = message.encode_length_delimited(bytes).is_ok();
}

fn write_all(bytes: &mut Vec<u8>, messages: &[impl Message]) {
    messages.iter().for_each(|message| write(bytes, message));
}
