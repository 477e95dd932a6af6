//! Passwords of call points: made by us, shown once, kept as Argon2id hashes.

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use ring::rand::{SecureRandom as _, SystemRandom};

/// Characters of a password: 30 bits for each six, 160 in all.
const CHARS: usize = 32;

/// Letters and digits that cannot be mistaken for each other, 32 of them.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// The system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the system gave no random numbers")]
pub struct NoRandomness;

/// A new password, and its hash (PHC string).
///
/// # Errors
/// If the system gives no randomness.
pub fn generate() -> Result<(String, String), NoRandomness> {
    let mut bytes = [0; CHARS];
    let mut salt = [0; 16];
    let random = SystemRandom::new();
    random.fill(&mut bytes).and_then(|()| random.fill(&mut salt)).map_err(|_| NoRandomness)?;
    let letter = |byte: &u8| ALPHABET.get(usize::from(byte % 32)).copied().map_or('a', char::from);
    let password: String = bytes.iter().map(letter).collect();
    let salt = SaltString::encode_b64(&salt).map_err(|_| NoRandomness)?;
    let hash = argon2().hash_password(password.as_bytes(), &salt).map_err(|_| NoRandomness)?;
    Ok((password, hash.to_string()))
}

/// Whether a text is a hash that [`verify`] can use.
#[must_use]
pub fn is_hash(text: &str) -> bool {
    text.len() <= 200 && PasswordHash::new(text).is_ok_and(|hash| hash.algorithm.as_str() == "argon2id")
}

/// Whether a password has this hash. Takes about 20 ms on purpose.
#[must_use]
pub fn verify(password: &[u8], hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| argon2().verify_password(password, &hash).is_ok())
}

/// OWASP's first choice for Argon2id: 19 MiB, two passes, one lane.
fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_hash_only() {
        let (password, hash) = generate().unwrap();
        let (other, _) = generate().unwrap();
        assert_eq!(password.len(), CHARS);
        assert!(is_hash(&hash) && !is_hash(&password) && hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify(password.as_bytes(), &hash));
        assert!(!verify(other.as_bytes(), &hash) && !verify(b"", &hash) && !verify(b"x", "no hash"));
    }
}
