//! The state as bytes, for a snapshot, and back.
//!
//! Invariant: the bytes follow from the log alone, so a state that was read from its bytes and one that was
//! folded from the first event on have the same (P4).

use std::sync::Arc;

use prost::{DecodeError, Message};

use super::places::{PointEntry, SiteEntry};
use super::view::{AlertEntry, AlertView};
use super::{IncidentEntry, State};
use crate::core::rules::Rules;

/// Version of what the bytes mean, and of the rules in the code that they were folded by: another one is not
/// read. Change it with every change of `evolve`.
pub(crate) const STATE_SCHEMA: u32 = 4;

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
    /// Hashes of the request ids, and where their commands are.
    #[prost(fixed64, repeated, tag = "8")]
    requests: Vec<u64>,
    #[prost(uint64, repeated, tag = "12")]
    requested_at: Vec<u64>,
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
    #[prost(bytes = "vec", tag = "5")]
    forms: Vec<u8>,
    #[prost(uint64, tag = "6")]
    erased_at: u64,
}

impl State {
    /// The state as bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let (requests, requested_at) = self.requests.all().into_iter().unzip();
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
            requests,
            requested_at,
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
                erased_at: entry.erased_at,
            };
            write(&mut bytes, &image);
            write(&mut bytes, &*entry.view());
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
            (entry.forms, entry.erased_at) = (image.forms, image.erased_at);
            entries.push(entry);
        }
        state.alerts.restore(entries);
        for (hash, position) in contents.requests.into_iter().zip(contents.requested_at) {
            state.requests.insert(hash, position);
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
