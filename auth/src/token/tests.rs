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

// An identity provider may sign with P-256, and have more keys than one.
#[test]
fn a_token_may_be_signed_with_p256() {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &SystemRandom::new()).unwrap();
    let encode_part = |bytes: &[u8]| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
    };
    // 0x04, then the two coordinates.
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let own = serde_json::json!({
        "kty": "EC", "crv": "P-256", "kid": "idp", "x": encode_part(x), "y": encode_part(y),
    });
    let issuer = Issuer::new();
    let path = issuer.dir.path().join("jwks.json");
    let mut set: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    set["keys"].as_array_mut().unwrap().push(own);
    fs::write(&path, set.to_string()).unwrap();
    let keys = issuer.keys();
    let key = EncodingKey::from_ec_der(pkcs8.as_ref());
    let signed = |kid: Option<&str>| {
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(Algorithm::ES256) };
        encode(&header, &claims(), &key).unwrap()
    };
    assert_eq!(keys.verify(&signed(Some("idp"))).unwrap().name, "asel");
    assert!(keys.verify(&issuer.token(|_| {})).is_ok());
    // Of two keys, a token has to say which.
    assert_eq!(keys.verify(&signed(None)).unwrap_err(), TokenError::UnknownKey);
    assert_eq!(keys.verify(&signed(Some("other"))).unwrap_err(), TokenError::UnknownKey);
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
