//! The secret of a session's tokens, and masked tokens.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::config::{SecretKey, is_overwritten};
use crate::error::{Error, ErrorKind};
use crate::session::Login;

const LENGTH: usize = 32;

/// A random value of each response, which hides the secret.
pub(super) type Mask = [u8; LENGTH];

/// The state of HMAC after each key, the current key first.
pub(crate) struct Keys {
    keys: Vec<Hmac<Sha256>>,
}

/// Asserts that dropping the hash function overwrites its state. HMAC has no other state.
const _: () = is_overwritten::<Sha256>();

/// The part of a session from which its secret is derived.
pub(super) enum Source<'a> {
    Lineage([u8; 16]),
    Stored(&'a str),
    Visitor([u8; 16]),
}

impl Keys {
    pub(crate) fn new(key: &SecretKey) -> Result<Self, Error> {
        let states = key.verifying_keys().map(Hmac::<Sha256>::new_from_slice);
        let keys = states.collect::<Result<_, _>>().map_err(|error| {
            Error::new(ErrorKind::Configuration, "secret key cannot be used").with_source(error)
        })?;
        Ok(Self { keys })
    }

    /// Returns the MACs of the parts with each key, the current key first.
    pub(crate) fn macs(
        &self,
        purpose: &str,
        parts: &[&[u8]],
    ) -> impl Iterator<Item = Hmac<Sha256>> {
        self.keys.iter().map(move |key| {
            let mut mac = key.clone();
            mac.update(b"session csrf protection\0");
            for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
                mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
                mac.update(part);
            }
            mac
        })
    }

    fn secrets(&self, source: &Source<'_>, login: Option<&Login>) -> Vec<Hmac<Sha256>> {
        let (kind, bytes): (&[u8], &[u8]) = match source {
            Source::Lineage(lineage) => (b"lineage", lineage),
            Source::Stored(secret) => (b"stored", secret.as_bytes()),
            Source::Visitor(nonce) => (b"visitor", nonce),
        };
        let (owner, since) = login.map_or(("", [0; 8]), |login| {
            (login.owner(), milliseconds(login.authenticated_at()).to_be_bytes())
        });
        self.macs("token", &[kind, bytes, owner.as_bytes(), &since]).collect()
    }

    /// Returns the masked token of a session.
    pub(super) fn token(&self, source: &Source<'_>, login: Option<&Login>, mask: &Mask) -> String {
        let secret = self.secrets(source, login).into_iter().next();
        let secret = secret.map(|mac| mac.finalize().into_bytes()).unwrap_or_default();
        let mut token = [0; 2 * LENGTH];
        token[..LENGTH].copy_from_slice(mask);
        for ((byte, secret), mask) in token[LENGTH..].iter_mut().zip(secret).zip(mask) {
            *byte = secret ^ mask;
        }
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Returns whether a masked token belongs to a session. Secrets are compared in constant time.
    pub(super) fn is_token(&self, token: &str, source: &Source<'_>, login: Option<&Login>) -> bool {
        let mut bytes = [0; 2 * LENGTH + 1];
        if URL_SAFE_NO_PAD.decode_slice(token, &mut bytes) != Ok(2 * LENGTH) {
            return false;
        }
        let secret: [u8; LENGTH] = std::array::from_fn(|at| bytes[at] ^ bytes[LENGTH + at]);
        self.secrets(source, login).into_iter().any(|mac| mac.verify_slice(&secret).is_ok())
    }
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Unavailable, "cannot read random bytes from the operating system")
            .with_source(error)
    })?;
    Ok(bytes)
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A stored secret with the bytes of the other sources.
    const STORED: Source<'_> = Source::Stored(match std::str::from_utf8(&[1; 16]) {
        Ok(text) => text,
        Err(_) => "",
    });

    fn keys() -> Keys {
        Keys::new(&SecretKey::generate().unwrap()).unwrap()
    }

    #[test]
    fn token_of_other_source_login_or_key_is_refused() {
        let (keys, at) = (keys(), SystemTime::UNIX_EPOCH + Duration::from_secs(1));
        let logins = [
            None,
            Some(Login::new("ada", at)),
            Some(Login::new("eve", at)),
            Some(Login::new("ada", at + Duration::from_millis(1))),
        ];
        let lineages = [Source::Lineage([1; 16]), Source::Lineage([2; 16])];
        let sources = [&lineages[0], &lineages[1], &Source::Visitor([1; 16]), &STORED];
        let every = || {
            (0..sources.len())
                .flat_map(|source| (0..logins.len()).map(move |login| (source, login)))
        };
        for one in every() {
            let token = keys.token(sources[one.0], logins[one.1].as_ref(), &random().unwrap());
            for other in every() {
                let (source, login) = (sources[other.0], logins[other.1].as_ref());
                assert_eq!(keys.is_token(&token, source, login), one == other, "{one:?} {other:?}");
                assert!(!self::keys().is_token(&token, source, login));
            }
        }
    }

    #[test]
    fn changed_token_is_refused() {
        let (keys, source) = (keys(), Source::Visitor([1; 16]));
        let token = keys.token(&source, None, &random().unwrap());
        assert!(keys.is_token(&token, &source, None));
        for at in 0..token.len() - 1 {
            let mut other = token.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            assert!(!keys.is_token(&other, &source, None), "character {at}");
        }
        for other in ["", "AAAA", &token[1..], &format!("{token}A"), &format!("{token}AA"), "é"] {
            assert!(!keys.is_token(other, &source, None), "{other}");
        }
    }

    #[test]
    fn fallback_key_accepts_token_but_makes_none() {
        let old = SecretKey::generate().unwrap();
        let new = SecretKey::generate().unwrap();
        let rotated = Keys::new(&new.clone().with_fallback(&old)).unwrap();
        let (old, new) = (Keys::new(&old).unwrap(), Keys::new(&new).unwrap());
        let (source, mask) = (Source::Lineage([1; 16]), random().unwrap());
        assert!(rotated.is_token(&old.token(&source, None, &mask), &source, None));
        let token = rotated.token(&source, None, &mask);
        assert!(new.is_token(&token, &source, None) && !old.is_token(&token, &source, None));
    }
}
