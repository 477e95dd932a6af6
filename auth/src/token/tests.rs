//! A token is believed only if everything about it is right.

use super::*;
use crate::certs::Authority;

fn claims() -> Claims {
    Claims {
        sub: "asel".into(),
        role: Role::Operator,
        regions: vec!["almaty".into()],
        sites: Vec::new(),
        aud: AUDIENCE.into(),
        nbf: now() - 60,
        exp: now() + 60,
    }
}

struct Issuer {
    dir: tempfile::TempDir,
    authority: Authority,
}

impl Issuer {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::init(dir.path()).unwrap();
        Self { dir, authority }
    }

    fn keys(&self) -> Keys {
        Keys::read(&self.dir.path().join("jwks.json")).unwrap()
    }

    fn token(&self, change: impl FnOnce(&mut Claims)) -> String {
        let mut claims = claims();
        change(&mut claims);
        self.authority.token(&claims).unwrap()
    }
}

#[test]
fn a_right_token_says_who_asks() {
    let issuer = Issuer::new();
    let caller = issuer.keys().verify(&issuer.token(|_| {})).unwrap();
    assert_eq!((caller.name.as_str(), caller.role), ("asel", Role::Operator));
    assert!(caller.scope.has("hall", "almaty") && !caller.scope.has("hall", "astana"));
    assert_eq!(caller.expires_at, Some(claims().exp));
}

#[test]
fn a_wrong_token_is_refused_for_what_is_wrong() {
    let issuer = Issuer::new();
    let keys = issuer.keys();
    let refused = |token: &str| keys.verify(token).unwrap_err();
    assert_eq!(refused(&issuer.token(|claims| claims.exp = now() - 10)), TokenError::Expired);
    assert_eq!(refused(&issuer.token(|claims| claims.nbf = now() + 60)), TokenError::Early);
    assert_eq!(refused(&issuer.token(|claims| claims.aud = "other".into())), TokenError::Audience);
    assert_eq!(refused(&issuer.token(|claims| claims.sub = String::new())), TokenError::Claims);
    assert_eq!(refused(&issuer.token(|claims| claims.regions = vec![String::new()])), TokenError::Claims);
    assert_eq!(refused(&Issuer::new().token(|_| {})), TokenError::UnknownKey);
    assert_eq!(refused(""), TokenError::Malformed);
    assert_eq!(refused(&"a".repeat(5_000)), TokenError::Malformed);
}

#[test]
fn a_token_that_was_verified_once_expires_all_the_same() {
    let issuer = Issuer::new();
    let keys = issuer.keys();
    let token = issuer.token(|claims| claims.exp = now() - 1);
    assert!(keys.verify(&token).is_ok(), "clocks may differ by a little");
    let mut verified = keys.verified.lock().unwrap();
    let caller = verified.values_mut().next().unwrap();
    caller.expires_at = Some(now() - LEEWAY_S - 1);
    drop(verified);
    assert_eq!(keys.verify(&token).unwrap_err(), TokenError::Expired);
}

#[test]
fn a_changed_token_is_refused() {
    let issuer = Issuer::new();
    let (keys, token) = (issuer.keys(), issuer.token(|_| {}));
    // Every change of one character.
    for at in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        // The last character of each part has bits that mean nothing.
        if keys.verify(&changed).is_ok() {
            assert!(at + 1 == token.len(), "character {at}");
        }
    }
}

#[test]
fn an_algorithm_that_the_token_names_is_not_believed() {
    let issuer = Issuer::new();
    let keys = issuer.keys();
    let kid = decode_header(&issuer.token(|_| {})).unwrap().kid;
    // Signed with the public key as if it were a shared secret.
    let public = fs::read(issuer.dir.path().join("jwks.json")).unwrap();
    let header = Header { kid, ..Header::new(Algorithm::HS256) };
    let token = encode(&header, &claims(), &EncodingKey::from_secret(&public)).unwrap();
    assert_eq!(keys.verify(&token).unwrap_err(), TokenError::UnknownKey);
    // {"alg":"none"}
    let body = token.split('.').nth(1).unwrap();
    let none = format!("eyJhbGciOiJub25lIn0.{body}.");
    assert!(keys.verify(&none).is_err());
}

#[test]
fn a_file_that_is_no_key_set_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwks.json");
    let error = |text: &str| {
        fs::write(&path, text).unwrap();
        Keys::read(&path).unwrap_err().to_string()
    };
    assert!(error("{").contains("jwks.json"));
    assert!(error(r#"{"keys":[]}"#).contains("there is no key in it"));
    let shared = r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#;
    assert!(error(shared).ends_with("key 1: it is neither Ed25519 nor P-256"), "{}", error(shared));
}
