//! What makes two events the same, read from their envelope alone (P2).

use sos_proto::event::v1::Event;

/// A digest that two events share only if they are the same, or the digest of a stream's name. Its last bit
/// tells which: 0 an identity, 1 a stream.
pub(crate) type Key = [u8; 16];

const STREAM: u8 = b's';

/// Whether a key is that of a stream: of those the last position counts, of identities the first.
pub(crate) fn is_stream(key: &Key) -> bool {
    let [.., last] = key;
    last & 1 == 1
}

/// The identity of an event: (site, device, boot id, sequence) where a device numbered it, the request id
/// where a command did, and none otherwise.
///
/// A sequence without a boot id is no identity: such a device may start again at 1, and a press must
/// never be taken for an old one (P3).
pub(crate) fn key(event: &Event) -> Option<Key> {
    if !event.request_id.is_empty() {
        return Some(digest(b'r', &[event.request_id.as_bytes()]));
    }
    let origin = event.origin.as_ref().filter(|o| o.sequence > 0 && !o.boot_id.is_empty())?;
    Some(digest(
        b'd',
        &[
            event.site_id.as_bytes(),
            event.device_id.as_bytes(),
            origin.boot_id.as_bytes(),
            &origin.sequence.to_be_bytes(),
        ],
    ))
}

/// The streams an event belongs to: its alert's and its call point's.
pub(crate) fn streams(event: &Event) -> [Option<Key>; 2] {
    let alert = (!event.alert_id.is_empty()).then(|| stream(&event.alert_id));
    let call_point =
        (!event.device_id.is_empty()).then(|| stream(&format!("{}/{}", event.site_id, event.device_id)));
    [alert, call_point]
}

/// The key of a stream. An alert id has no slash, so the two kinds cannot meet.
pub(crate) fn stream(name: &str) -> Key {
    digest(STREAM, &[name.as_bytes()])
}

fn digest(kind: u8, parts: &[&[u8]]) -> Key {
    // Hashed at once, which is much faster for so few bytes.
    let mut bytes = Vec::with_capacity(192);
    bytes.push(kind);
    for part in parts {
        // Lengths keep ("ab", "c") apart from ("a", "bc").
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    let mut key = Key::default();
    key.iter_mut().zip(blake3::hash(&bytes).as_bytes()).for_each(|(to, from)| *to = *from);
    let [.., last] = &mut key;
    *last = *last & !1 | u8::from(kind == STREAM);
    key
}
