//! What is personal in an event, taken out and put back.

use bytes::Bytes;
use prost::Message as _;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{Event, Personal, Sealed};

use crate::keys::{Key, KeyId};

/// Names the key of an event: by what makes it the same event, so that a repeat has the key of the first.
pub(crate) fn key_id(event: &Event) -> KeyId {
    let mut hasher = blake3::Hasher::new_derive_key("sos privacy v1 key id");
    let origin = event.origin.as_ref().filter(|origin| origin.sequence > 0 && !origin.boot_id.is_empty());
    let parts: [&[u8]; 4] = match origin {
        Some(origin) => [
            event.site_id.as_bytes(),
            event.device_id.as_bytes(),
            origin.boot_id.as_bytes(),
            &origin.sequence.to_be_bytes(),
        ],
        None => [event.event_id.as_bytes(), event.request_id.as_bytes(), b"", b""],
    };
    for part in parts {
        hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
    }
    let mut id = KeyId::default();
    hasher.finalize_xof().fill(&mut id);
    id
}

/// Takes what is personal out of an event; nothing if nothing is.
pub(crate) fn take(event: &mut Event) -> Option<Personal> {
    let location = event.origin.as_mut().and_then(|origin| origin.location.take());
    let note = note(event).map(std::mem::take).unwrap_or_default();
    let payload = payload(event).map(std::mem::take).unwrap_or_default();
    let is_personal = location.is_some() || !note.is_empty() || !payload.is_empty();
    is_personal.then_some(Personal { location, note, payload })
}

/// Puts it back.
pub(crate) fn give_back(event: &mut Event, personal: Personal) {
    if let Some(origin) = event.origin.as_mut() {
        origin.location = personal.location;
    }
    if let Some(note) = note(event) {
        *note = personal.note;
    }
    if let Some(payload) = payload(event) {
        *payload = personal.payload;
    }
}

/// Bytes that could not be read: they may say anything.
fn payload(event: &mut Event) -> Option<&mut Bytes> {
    match event.body.as_mut()? {
        Body::Quarantined(quarantined) => Some(&mut quarantined.payload),
        _ => None,
    }
}

/// The one text in an event that may say anything of anybody. Why a place is put into an exercise, an alert aside, or
/// personal data away is about none.
fn note(event: &mut Event) -> Option<&mut String> {
    match event.body.as_mut()? {
        Body::Press(press) => Some(&mut press.note),
        Body::Cancel(cancel) => Some(&mut cancel.reason),
        Body::AlertNoted(noted) => Some(&mut noted.note),
        Body::AlertResolved(resolved) => Some(&mut resolved.note),
        Body::AlertReopened(reopened) => Some(&mut reopened.note),
        Body::AlertEscalated(escalated) => Some(&mut escalated.reason),
        Body::AlertDeclaredActual(declared) => Some(&mut declared.reason),
        _ => None,
    }
}

/// Encrypts. The event's id is authenticated too, so that nothing sealed can be moved to another event.
pub(crate) fn seal(personal: &Personal, event_id: &str, id: KeyId, key: &Key) -> Option<Sealed> {
    let mut nonce = [0; NONCE_LEN];
    SystemRandom::new().fill(&mut nonce).ok()?;
    let mut data = personal.encode_to_vec();
    let aad = Aad::from(event_id.as_bytes());
    cipher(key)?.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut data).ok()?;
    Some(Sealed { key_id: id.to_vec(), data: [&nonce[..], &data].concat() })
}

/// Decrypts; nothing if the key is another, or something was changed.
pub(crate) fn open(sealed: &Sealed, event_id: &str, key: &Key) -> Option<Personal> {
    let (nonce, data) = sealed.data.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut data = data.to_vec();
    let plain = cipher(key)?.open_in_place(nonce, Aad::from(event_id.as_bytes()), &mut data).ok()?;
    Personal::decode(&*plain).ok()
}

fn cipher(key: &Key) -> Option<LessSafeKey> {
    UnboundKey::new(&CHACHA20_POLY1305, key).ok().map(LessSafeKey::new)
}
