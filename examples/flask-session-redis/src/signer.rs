//! Signed session ids, compatible with itsdangerous' `Signer` with Flask-Session's salt, HMAC-SHA1
//! and HMAC key derivation.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use session_core::config::SecretKey;
use session_core::{Error, ErrorKind};
use sha1::Sha1;

const SALT: &[u8] = b"flask-session";

/// A signer of ids. The current key signs, and all keys verify. Each key is derived once.
#[derive(Clone)]
pub(crate) struct Signer {
    current: Hmac<Sha1>,
    retired: Vec<Hmac<Sha1>>,
}

impl Signer {
    pub(crate) fn new(key: &SecretKey) -> Result<Self, Error> {
        let retired = key.verifying_keys().skip(1).map(derive).collect::<Result<_, _>>()?;
        Ok(Self { current: derive(key.signing_key())?, retired })
    }

    /// Returns the cookie value for an id.
    pub(crate) fn sign(&self, id: &str) -> String {
        let mut mac = self.current.clone();
        mac.update(id.as_bytes());
        format!("{id}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    /// Returns the id in a cookie, if one of the keys signed the id.
    pub(crate) fn verify<'a>(&self, cookie: &'a str) -> Option<&'a str> {
        let (id, signature) = cookie.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let is_genuine = |key: &Hmac<Sha1>| {
            let mut mac = key.clone();
            mac.update(id.as_bytes());
            mac.verify_slice(&signature).is_ok()
        };
        (is_genuine(&self.current) || self.retired.iter().any(is_genuine)).then_some(id)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("keys", &(1 + self.retired.len())).finish_non_exhaustive()
    }
}

fn derive(key: &[u8]) -> Result<Hmac<Sha1>, Error> {
    let derived = Hmac::<Sha1>::new_from_slice(key).and_then(|mut derivation| {
        derivation.update(SALT);
        Hmac::<Sha1>::new_from_slice(&derivation.finalize().into_bytes())
    });
    derived.map_err(|error| {
        Error::new(ErrorKind::Configuration, "secret key cannot be used").with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retired_key_verifies_but_does_not_sign() {
        let old = SecretKey::with_any_length("old").unwrap();
        let new = SecretKey::with_any_length("new").unwrap();
        let cookie = Signer::new(&old).unwrap().sign("id");
        let both = Signer::new(&new.clone().with_fallback(&old)).unwrap();
        assert_eq!(both.verify(&cookie), Some("id"));
        assert_eq!(both.sign("id"), Signer::new(&new).unwrap().sign("id"));
        assert_eq!(Signer::new(&new).unwrap().verify(&cookie), None);
    }

    #[test]
    fn debug_shows_no_key() {
        let signer = Signer::new(&SecretKey::with_any_length("hunter2").unwrap()).unwrap();
        assert_eq!(format!("{signer:?}"), "Signer { keys: 1, .. }");
    }
}
