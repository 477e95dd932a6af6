//! The bytes of one stored record batch; `docs/log-format.md` is their specification.
//!
//! A record batch names the digest of the one before it, so that a change anywhere breaks the chain
//! behind it (P11).

use bytes::Bytes;
use prost::Message as _;
use sos_proto::event::v1::Event;

use crate::{Batch, ReadError};

/// Format version in the first byte.
pub const FORMAT_VERSION: u8 = 1;

/// Bytes before the payload.
const HEADER_BYTES: usize = 64;

/// Digest of a stored record batch.
pub type Hash = [u8; 32];

/// A stored record batch: its key and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The key: position of the first event.
    pub first: u64,
    /// The value.
    pub bytes: Bytes,
}

/// The fixed part of a record batch.
struct Header {
    count: u32,
    first: u64,
    recorded_at: i64,
    previous: Hash,
    crc: u32,
    payload_len: u32,
}

/// Writes a record batch of encoded events.
pub(crate) fn encode<'a>(
    first: u64,
    recorded_at: i64,
    previous: &Hash,
    events: impl ExactSizeIterator<Item = &'a [u8]>,
) -> Vec<u8> {
    let count = u32::try_from(events.len()).unwrap_or(u32::MAX);
    let mut bytes = vec![0; HEADER_BYTES];
    for event in events {
        // Never fails: a Vec grows.
        let _ = prost::encode_length_delimiter(event.len(), &mut bytes);
        bytes.extend_from_slice(event);
    }
    let (header, payload) = bytes.split_at_mut(HEADER_BYTES);
    let mut fields = Vec::with_capacity(HEADER_BYTES);
    fields.extend_from_slice(&[FORMAT_VERSION, 0, 0, 0]);
    fields.extend_from_slice(&count.to_be_bytes());
    fields.extend_from_slice(&first.to_be_bytes());
    fields.extend_from_slice(&recorded_at.to_be_bytes());
    fields.extend_from_slice(previous);
    fields.extend_from_slice(&crc32c::crc32c(payload).to_be_bytes());
    fields.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes());
    header.copy_from_slice(&fields);
    bytes
}

impl Record {
    /// A stored record batch from its bytes alone, which are not checked; nothing if they are no header.
    pub(crate) fn parse(bytes: Bytes) -> Option<Self> {
        let first = u64::from_be_bytes(bytes.get(8..16)?.try_into().ok()?);
        Some(Self { first, bytes })
    }

    /// How many events it has, as its header says.
    pub(crate) fn count(&self) -> u64 {
        let count = self.bytes.get(4..8).and_then(|count| count.try_into().ok());
        count.map_or(0, |count| u64::from(u32::from_be_bytes(count)))
    }

    /// The digest that the next record batch names.
    #[must_use]
    pub fn hash(&self) -> Hash {
        *blake3::hash(&self.bytes).as_bytes()
    }

    /// The digest of the record batch before this one, as this one names it.
    ///
    /// # Errors
    /// If the header cannot be read.
    pub fn previous(&self) -> Result<Hash, ReadError> {
        Ok(self.header()?.0.previous)
    }

    /// Reads the events. Checks everything but the chain.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] if a byte is not as it was written.
    pub fn decode(&self) -> Result<Batch, ReadError> {
        let (header, mut payload) = self.header()?;
        if crc32c::crc32c(&payload) != header.crc {
            return Err(self.damaged("the checksum does not match"));
        }
        let mut events = Vec::with_capacity(header.count.min(crate::BATCH_EVENTS_MAX as u32) as usize);
        while !payload.is_empty() {
            let event = Event::decode_length_delimited(&mut payload)
                .map_err(|e| self.damaged(&format!("an event cannot be read: {e}")))?;
            events.push(event);
        }
        if events.len() != header.count as usize || events.is_empty() {
            return Err(self.damaged("the number of events does not match"));
        }
        Ok(Batch::new(self.first, header.recorded_at, events))
    }

    /// The events as they are stored, in protobuf.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] if they cannot be told apart.
    pub(crate) fn encoded(&self) -> Result<Vec<Bytes>, ReadError> {
        let (_, mut payload) = self.header()?;
        let mut events = Vec::new();
        while !payload.is_empty() {
            let length = prost::decode_length_delimiter(&mut payload).ok().filter(|n| *n <= payload.len());
            let length = length.ok_or_else(|| self.damaged("the length of an event cannot be read"))?;
            events.push(payload.split_to(length));
        }
        Ok(events)
    }

    fn header(&self) -> Result<(Header, Bytes), ReadError> {
        let mut rest = &self.bytes[..];
        let mut take = |n: usize| -> Result<&[u8], ReadError> {
            let (head, tail) = rest.split_at_checked(n).ok_or_else(|| self.damaged("the header is cut"))?;
            rest = tail;
            Ok(head)
        };
        if take(4)? != [FORMAT_VERSION, 0, 0, 0] {
            return Err(self.damaged("unknown format version"));
        }
        let header = Header {
            count: u32::from_be_bytes(array(take(4)?)),
            first: u64::from_be_bytes(array(take(8)?)),
            recorded_at: i64::from_be_bytes(array(take(8)?)),
            previous: array(take(32)?),
            crc: u32::from_be_bytes(array(take(4)?)),
            payload_len: u32::from_be_bytes(array(take(4)?)),
        };
        if !(1..=crate::POSITION_MAX).contains(&self.first) {
            return Err(self.damaged("there is no such position"));
        }
        if header.first != self.first {
            return Err(self.damaged("key and header name different positions"));
        }
        if rest.len() != header.payload_len as usize {
            return Err(self.damaged("the payload is cut or too long"));
        }
        Ok((header, self.bytes.slice(HEADER_BYTES..)))
    }

    fn damaged(&self, reason: &str) -> ReadError {
        ReadError::Damaged { position: self.first, reason: reason.to_owned() }
    }
}

/// A fixed array from a slice of exactly that length.
fn array<const N: usize>(slice: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(slice);
    array
}

/// Follows the chain of record batches and finds the first that does not belong (P11).
#[derive(Debug, Clone, Default)]
pub struct Chain {
    /// Where the checked part ends.
    head: crate::Head,
}

impl Chain {
    /// A chain that was checked up to `head`.
    #[must_use]
    pub fn from(head: crate::Head) -> Self {
        Self { head }
    }

    /// The chain that a record batch says it continues.
    ///
    /// # Errors
    /// If its header cannot be read.
    pub fn before(record: &Record) -> Result<Self, ReadError> {
        let hash = record.previous()?;
        let position = record.first.checked_sub(1).ok_or_else(|| record.damaged("positions begin at 1"))?;
        Ok(Self { head: crate::Head { position, hash } })
    }

    /// The end of what was checked.
    #[must_use]
    pub fn head(&self) -> crate::Head {
        self.head
    }

    /// Checks that a record batch continues the chain, and takes it.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] with the first bad position.
    pub fn take(&mut self, record: &Record) -> Result<Batch, ReadError> {
        let expected = self.head.position.saturating_add(1);
        let damaged = |reason: String| ReadError::Damaged { position: expected, reason };
        if record.first != expected {
            return Err(damaged(format!("the next stored position is {}", record.first)));
        }
        if record.previous()? != self.head.hash {
            return Err(damaged("the batch before it is not the one that was written".to_owned()));
        }
        let batch = record.decode()?;
        self.head = crate::Head { position: batch.end() - 1, hash: record.hash() };
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(id: &str) -> Event {
        Event { event_id: id.to_owned(), site_id: "s".to_owned(), ..Event::default() }
    }

    fn record(first: u64, previous: &Hash, events: &[Event]) -> Record {
        let encoded: Vec<_> = events.iter().map(Event::encode_to_vec).collect();
        let bytes = encode(first, 1_700_000_000_000_001, previous, encoded.iter().map(Vec::as_slice));
        Record { first, bytes: bytes.into() }
    }

    /// The format is a contract: these bytes never change for version 1.
    #[test]
    fn golden_bytes() {
        let record = record(7, &[0xAB; 32], &[event("a"), event("b")]);
        let hex: String = record.bytes.iter().map(|b| format!("{b:02x}")).collect();
        let expected = [
            "01000000",
            "00000002",
            "0000000000000007",
            "00060a24181e4001",
            &"ab".repeat(32),
            "de0533bd",
            "0000000e",
            "060a0161120173",
            "060a0162120173",
        ];
        assert_eq!(hex, expected.concat());
    }

    /// Positions beyond the last there can be break nothing.
    #[test]
    fn impossible_positions_are_damage() {
        for first in [0, crate::POSITION_MAX + 1, u64::MAX] {
            let record = record(first, &Hash::default(), &[event("a")]);
            assert!(matches!(record.decode(), Err(ReadError::Damaged { position, .. }) if position == first));
            let before = crate::Head { position: first.wrapping_sub(1), ..crate::Head::default() };
            assert!(Chain::from(before).take(&record).is_err());
        }
    }

    #[test]
    fn events_come_back() {
        let events = vec![event("a"), event("b")];
        let batch = record(7, &Hash::default(), &events).decode().unwrap();
        assert_eq!(batch, Batch::new(7, 1_700_000_000_000_001, events.clone()));
        let encoded: Vec<_> = events.iter().map(Event::encode_to_vec).collect();
        assert_eq!(record(7, &Hash::default(), &events).encoded().unwrap(), encoded);
    }

    #[test]
    fn events_that_cannot_be_told_apart_are_damage() {
        let mut bytes = record(7, &Hash::default(), &[event("a"), event("b")]).bytes.to_vec();
        let second = HEADER_BYTES + 1 + event("a").encoded_len();
        bytes[second] += 1;
        assert!(Record { first: 7, bytes: bytes.into() }.encoded().is_err());
    }

    // Without the chain: only it vouches for when a batch was recorded and what was before it.
    #[test]
    fn a_changed_byte_is_found_without_the_chain() {
        let good = record(7, &[0xAB; 32], &[event("a"), event("b")]);
        let chained = 16..56;
        for at in 0..good.bytes.len() {
            let mut bytes = good.bytes.to_vec();
            bytes[at] ^= 1;
            let changed = Record { first: 7, bytes: bytes.into() };
            assert_eq!(changed.decode().is_ok(), chained.contains(&at), "byte {at}");
        }
        for cut in 0..good.bytes.len() {
            assert!(Record { first: 7, bytes: good.bytes.slice(..cut) }.decode().is_err(), "cut at {cut}");
        }
        assert!(record(7, &[0xAB; 32], &[]).decode().is_err(), "no events");
    }

    // P11: any changed byte is found, and the position named is the first that cannot be trusted.
    proptest! {
        #[test]
        fn any_changed_byte_breaks_the_chain(at in 0usize..1000, bit in 0u8..8) {
            let first = record(1, &Hash::default(), &[event("a"), event("b")]);
            let second = record(3, &first.hash(), &[event("c")]);
            let at = at % first.bytes.len();
            let mut bytes = first.bytes.to_vec();
            bytes[at] ^= 1 << bit;
            let changed = Record { first: 1, bytes: bytes.into() };
            let mut chain = Chain::default();
            let found = chain.take(&changed).and_then(|_| chain.take(&second));
            let position = match found {
                Err(ReadError::Damaged { position, .. }) => position,
                other => panic!("not found: {other:?}"),
            };
            prop_assert!(position == 1 || position == 3);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Record { first: 1, bytes: bytes.into() }.decode();
        }
    }

    // P11: removed, swapped, repeated and exchanged batches are found.
    #[test]
    fn the_chain_finds_what_is_missing_or_moved() {
        let first = record(1, &Hash::default(), &[event("a")]);
        let second = record(2, &first.hash(), &[event("b")]);
        let third = record(3, &second.hash(), &[event("c")]);
        // Whole in itself, but not what the next one was written behind.
        let forged = record(1, &Hash::default(), &[event("x")]);
        let check = |records: &[&Record]| {
            let mut chain = Chain::default();
            records.iter().try_for_each(|r| chain.take(r).map(|_| ()))
        };
        assert!(check(&[&first, &second, &third]).is_ok());
        let head = crate::Head { position: 1, hash: first.hash() };
        assert_eq!((Chain::from(head).head(), Chain::before(&second).unwrap().head()), (head, head));
        for bad in [
            &[&second, &third][..],
            &[&first, &third],
            &[&first, &first],
            &[&first, &third, &second],
            &[&forged, &second, &third],
        ] {
            assert!(matches!(check(bad), Err(ReadError::Damaged { .. })), "{bad:?}");
        }
    }
}
