//! From the bytes of a device to a message. Pure.
//!
//! What can be understood is understood: a field that cannot be read is left out and flagged, and only bytes
//! without any meaning are unreadable (P3).

use bytes::Bytes;
use prost::Message;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sos_proto::device::v1::DeviceEvent;
use sos_proto::event::v1::Encoding;

/// Content type that announces JSON; so does a first byte `{`.
pub const JSON_CONTENT_TYPE: &str = "application/json";

/// Fields of one object that are tried one by one when the whole cannot be read; further ones are left out.
const SALVAGED_FIELDS_MAX: usize = 32;

/// A message and how it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded<T> {
    /// The message.
    pub message: T,
    /// How it was written.
    pub encoding: Encoding,
    /// A field could not be read and was left out.
    pub left_out: bool,
}

/// Bytes without meaning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unreadable {
    /// How they seem to be written.
    pub encoding: Encoding,
    /// Why they cannot be read.
    pub reason: String,
    /// The boot id, where that much could be read.
    pub boot_id: String,
    /// The sequence, where that much could be read.
    pub sequence: u64,
}

/// How a payload is written.
pub fn encoding(payload: &[u8], content_type: Option<&str>) -> Encoding {
    // A parameter, such as a charset, changes nothing.
    let media_type = content_type.and_then(|c| c.split(';').next()).map(str::trim);
    if media_type == Some(JSON_CONTENT_TYPE) || payload.first() == Some(&b'{') {
        Encoding::Json
    } else {
        Encoding::Protobuf
    }
}

/// Reads an event. One that says nothing is unreadable.
pub fn event(payload: &Bytes, content_type: Option<&str>) -> Result<Decoded<DeviceEvent>, Unreadable> {
    let decoded = message::<DeviceEvent>(payload, content_type)?;
    if decoded.message.event.is_none() {
        let reason = "event: none of press, cancel, call, fault, selfTest, located is set".to_owned();
        let DeviceEvent { boot_id, sequence, .. } = decoded.message;
        return Err(Unreadable { encoding: decoded.encoding, reason, boot_id, sequence });
    }
    Ok(decoded)
}

/// Reads any message.
pub fn message<T>(payload: &Bytes, content_type: Option<&str>) -> Result<Decoded<T>, Unreadable>
where
    T: Message + Default + DeserializeOwned,
{
    match encoding(payload, content_type) {
        Encoding::Json => json(payload),
        encoding => match T::decode(payload.clone()) {
            Ok(message) => Ok(Decoded { message, encoding, left_out: false }),
            Err(error) => {
                let reason = format!("protobuf: {error}");
                Err(Unreadable { encoding, reason, ..Unreadable::default() })
            }
        },
    }
}

fn json<T: DeserializeOwned>(payload: &[u8]) -> Result<Decoded<T>, Unreadable> {
    let encoding = Encoding::Json;
    let error = match serde_json::from_slice(payload) {
        Ok(message) => return Ok(Decoded { message, encoding, left_out: false }),
        Err(error) => error,
    };
    let message = match serde_json::from_slice(payload) {
        Ok(Value::Object(fields)) => salvage(fields),
        _ => None,
    };
    match message {
        Some(message) => Ok(Decoded { message, encoding, left_out: true }),
        None => Err(Unreadable { encoding, reason: format!("json: {error}"), ..Unreadable::default() }),
    }
}

/// The message without the fields that cannot be read. A press is kept before anything else.
fn salvage<T: DeserializeOwned>(fields: Map<String, Value>) -> Option<T> {
    let mut fields: Vec<_> = fields.into_iter().collect();
    fields.sort_by_key(|(name, _)| name != "press");
    let mut kept = Map::new();
    for (name, value) in fields.into_iter().take(SALVAGED_FIELDS_MAX) {
        kept.insert(name.clone(), value.clone());
        if parse::<T>(&kept).is_some() {
            continue;
        }
        kept.remove(&name);
        let inner = match value {
            Value::Object(inner) => inner,
            // Whatever it says: somebody pressed.
            _ if name == "press" => Map::new(),
            _ => continue,
        };
        kept.insert(name.clone(), Value::Object(Map::new()));
        if parse::<T>(&kept).is_none() {
            kept.remove(&name);
            continue;
        }
        let mut kept_inner = Map::new();
        for (inner_name, inner_value) in inner.into_iter().take(SALVAGED_FIELDS_MAX) {
            let mut tried = kept_inner.clone();
            tried.insert(inner_name, inner_value);
            kept.insert(name.clone(), Value::Object(tried.clone()));
            if parse::<T>(&kept).is_some() {
                kept_inner = tried;
            }
        }
        kept.insert(name, Value::Object(kept_inner));
    }
    parse(&kept)
}

fn parse<T: DeserializeOwned>(fields: &Map<String, Value>) -> Option<T> {
    T::deserialize(fields).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sos_proto::device::v1::device_event::Event;
    use sos_proto::device::v1::{Category, Press};

    fn read(payload: &[u8]) -> Result<Decoded<DeviceEvent>, Unreadable> {
        event(&Bytes::copy_from_slice(payload), None)
    }

    fn press(decoded: Decoded<DeviceEvent>) -> Press {
        match decoded.message.event {
            Some(Event::Press(press)) => press,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn both_forms_mean_the_same() {
        let message = DeviceEvent {
            boot_id: "b".to_owned(),
            sequence: 7,
            event: Some(Event::Press(Press { category: Category::Fire.into(), ..Press::default() })),
            ..DeviceEvent::default()
        };
        let from_protobuf = read(&message.encode_to_vec()).unwrap();
        assert_eq!((&from_protobuf.message, from_protobuf.encoding), (&message, Encoding::Protobuf));
        let from_json =
            read(br#"{"bootId":"b","sequence":"7","press":{"category":"CATEGORY_FIRE"}}"#).unwrap();
        assert_eq!((&from_json.message, from_json.encoding), (&message, Encoding::Json));
        let from_snake_case = read(br#"{"boot_id":"b","sequence":7,"press":{"category":3}}"#).unwrap();
        assert_eq!(from_snake_case.message, message);
    }

    // P3: a press is never refused for an odd field.
    #[test]
    fn a_press_survives_odd_fields() {
        for odd in [
            r#"{"press":{"category":"CATEGORY_FLOOD","note":"help"}}"#,
            r#"{"press":{"note":"help","silent":"perhaps"},"sequence":-4,"bootId":17}"#,
            r#"{"press":{"note":"help"},"occurredAt":"yesterday","location":"here"}"#,
            r#"{"cancel":{},"press":{"note":"help"}}"#,
            r#"{"press":{"note":"help"},"press":{"note":"help"}}"#,
        ] {
            let decoded = read(odd.as_bytes()).unwrap_or_else(|e| panic!("{odd}: {e:?}"));
            assert!(decoded.left_out, "{odd}");
            assert_eq!(press(decoded).note, "help", "{odd}");
        }
        for odd in [&br#"{"press":"now"}"#[..], br#"{"press":7,"bootId":"b","sequence":"1"}"#] {
            let decoded = read(odd).unwrap();
            assert!(decoded.left_out);
            assert_eq!(press(decoded), Press::default());
        }
    }

    #[test]
    fn a_content_type_may_have_parameters() {
        for content_type in ["application/json", "application/json; charset=utf-8"] {
            let padded = Bytes::from_static(b" {\"press\":{}}");
            assert_eq!(event(&padded, Some(content_type)).unwrap().encoding, Encoding::Json);
        }
    }

    #[test]
    fn newer_firmware_is_understood() {
        let decoded = read(br#"{"press":{"pulse":90},"model":"x2"}"#).unwrap();
        assert!(!decoded.left_out);
    }

    #[test]
    fn what_says_nothing_is_unreadable() {
        for bytes in
            [&b""[..], b"{}", b"{", b"hello", b"\xff\xff", b"{\"press\":{\"note\":\"\xff\"}}", b"[1]"]
        {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
        let deep = format!("{{\"press\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
        assert!(read(deep.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }

        #[test]
        fn no_json_panics(text in r#"\{"(press|cancel|call|location|x)":[\{\}\[\]":,a-z0-9]{0,40}\}"#) {
            let _ = read(text.as_bytes());
        }
    }
}
