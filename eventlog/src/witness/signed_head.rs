//! A signed head: what is signed, and the line of JSON that it is written as.
//!
//! Invariant: a head has exactly one line. What reads as a head but is written otherwise is refused, so that
//! no byte of a line can be changed unseen.

use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use sos_proto::time::{Timestamp, micros, timestamp};

use crate::Head;

/// Says what is signed, so that a signature made for something else is none of a head.
const DOMAIN: &[u8] = b"sos signed head v1\n";

/// The end of the log at one moment, signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedHead {
    /// The newest durable position, from 1.
    pub position: u64,
    /// BLAKE3 digest of the newest stored batch.
    pub hash: [u8; 32],
    /// When it was signed, in microseconds since 1970, by the clock of the log.
    pub signed_at: i64,
    /// The Ed25519 public key of who signed it.
    pub key: [u8; 32],
    /// The Ed25519 signature of: `sos signed head v1` and a line feed, `position` (8 bytes), `signed_at`
    /// (8 bytes), both big-endian, `hash`.
    pub signature: [u8; 64],
}

/// The bytes that are signed; see [`SignedHead::signature`].
pub(super) fn message(head: &Head, signed_at: i64) -> Vec<u8> {
    let mut message = DOMAIN.to_vec();
    message.extend_from_slice(&head.position.to_be_bytes());
    message.extend_from_slice(&signed_at.to_be_bytes());
    message.extend_from_slice(&head.hash);
    message
}

/// The members of a line, in their order.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    position: String,
    hash: String,
    signed_at: Timestamp,
    key: String,
    signature: String,
}

impl SignedHead {
    /// What was signed about the log.
    #[must_use]
    pub fn head(&self) -> Head {
        Head { position: self.position, hash: self.hash }
    }

    /// Whether the signature is the key's, of this head. Whose key it is, the caller must know.
    #[must_use]
    pub fn is_genuine(&self) -> bool {
        let message = message(&self.head(), self.signed_at);
        UnparsedPublicKey::new(&ED25519, self.key).verify(&message, &self.signature).is_ok()
    }

    /// The line, without its end. An error where `signed_at` is outside the years 1 to 9999.
    pub(super) fn to_line(self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&Line {
            position: self.position.to_string(),
            hash: to_hex(&self.hash),
            signed_at: timestamp(self.signed_at),
            key: to_hex(&self.key),
            signature: to_hex(&self.signature),
        })
    }

    /// Reads a line without its end, and checks its signature.
    pub(super) fn from_line(line: &[u8]) -> Result<Self, String> {
        let members: Option<Line> = serde_json::from_slice(line).ok();
        let head = members.and_then(|members| Self::from_members(&members));
        let head = head.ok_or("it is not a signed head")?;
        if !head.to_line().is_ok_and(|written| written == line) {
            return Err("it is not written as a signed head is".to_owned());
        }
        if !head.is_genuine() {
            return Err("the signature does not match".to_owned());
        }
        Ok(head)
    }

    fn from_members(members: &Line) -> Option<Self> {
        Some(Self {
            position: members.position.parse().ok()?,
            hash: from_hex(&members.hash)?,
            signed_at: micros(&members.signed_at)?,
            key: from_hex(&members.key)?,
            signature: from_hex(&members.signature)?,
        })
    }
}

/// Two lower-case hexadecimal digits a byte.
pub(super) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Lenient about case: that a line is written as it should be is checked as a whole.
fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::super::Signer;
    use super::*;
    use proptest::prelude::*;

    /// A signer with a known key, as `openssl genpkey -algorithm ed25519 -outform DER` writes one.
    fn signer() -> Signer {
        let mut pkcs8 = from_hex::<16>("302e020100300506032b657004220420").unwrap().to_vec();
        pkcs8.extend_from_slice(&[7; 32]);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, pkcs8).unwrap();
        Signer::open(&path).unwrap()
    }

    fn signed(position: u64, signed_at: i64) -> SignedHead {
        signer().sign(&Head { position, hash: [0xAB; 32] }, signed_at)
    }

    /// The format is a contract: these bytes never change. Ed25519 signs without chance.
    #[test]
    fn golden_line() {
        let head = signed(42, 1_700_000_000_000_001);
        assert_eq!(
            to_hex(&message(&head.head(), head.signed_at)),
            [
                "736f73207369676e656420686561642076310a",
                "000000000000002a",
                "00060a24181e4001",
                &"ab".repeat(32)
            ]
            .concat()
        );
        let expected = [
            r#"{"position":"42","hash":""#,
            &"ab".repeat(32),
            r#"","signedAt":"2023-11-14T22:13:20.000001Z","key":""#,
            "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
            r#"","signature":""#,
            "49b13e6217ab35d0bb85ef2891308edd90458ce52bf6da9ed4b72307fecef2a8",
            "f803969dacf43fdaaa9e1edb04fc7bac065185926cc66bd25f6f24e4e5659b02",
            r#""}"#,
        ];
        assert_eq!(String::from_utf8(head.to_line().unwrap()).unwrap(), expected.concat());
    }

    // P11: whatever byte of a line is changed, to whatever, the line is refused.
    #[test]
    fn any_changed_byte_is_found() {
        let line = signed(42, 1_700_000_000_000_001).to_line().unwrap();
        assert!(SignedHead::from_line(&line).is_ok());
        for at in 0..line.len() {
            for flip in 1..=u8::MAX {
                let mut changed = line.clone();
                changed[at] ^= flip;
                assert!(SignedHead::from_line(&changed).is_err(), "byte {at} ^ {flip:#04x}");
            }
        }
    }

    #[test]
    fn the_same_head_written_otherwise_is_refused() {
        let line = String::from_utf8(signed(42, 0).to_line().unwrap()).unwrap();
        let spellings = [
            line.replace(r#""42""#, r#""+42""#),
            line.replace(r#""42""#, r#""042""#),
            line.replace("abab", "ABAB"),
            line.replace(":00Z", ":00.000Z"),
            line.replace("00:00:00Z", "05:00:00+05:00"),
            line.replace(r#","key""#, r#", "key""#),
            line.replace(r#","key""#, r#","note":"","key""#),
            line.clone() + " ",
        ];
        for spelling in spellings {
            let found = SignedHead::from_line(spelling.as_bytes());
            assert_eq!(found, Err("it is not written as a signed head is".to_owned()), "{spelling}");
        }
    }

    #[test]
    fn a_time_that_has_no_form_is_not_written() {
        assert!(signed(1, i64::MAX).to_line().is_err());
    }

    proptest! {
        #[test]
        fn a_line_comes_back(position: u64, signed_at in 0..253_402_207_200_000_000i64) {
            let head = signed(position, signed_at);
            prop_assert_eq!(SignedHead::from_line(&head.to_line().unwrap()), Ok(head));
        }

        #[test]
        fn no_line_panics(line in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(SignedHead::from_line(&line).is_err());
        }
    }
}
