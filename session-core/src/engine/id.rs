//! Session ids: 256 random bits that only the client and its requests have.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::random;
use crate::Error;
use crate::store::StoreKey;

/// The number of characters of an id in a cookie.
const LENGTH: usize = 43;
/// The suffix of an id in the cookie while it is unknown whether a rotation to this id was stored.
const UNCONFIRMED: &str = "~";

/// The id in the cookie of a server-side session.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) struct SessionId([u8; 32]);

impl SessionId {
    /// Returns a new id from the operating system.
    pub(super) fn generate() -> Result<Self, Error> {
        random::bytes().map(Self)
    }

    /// Parses a cookie. An id has one spelling, so that no two cookies are the same session.
    pub(super) fn parse(cookie: &str) -> Option<Self> {
        if cookie.len() != LENGTH {
            return None;
        }
        // Decoding needs space for four characters at the end, where an id has three.
        let mut bytes = [0; 33];
        let length = URL_SAFE_NO_PAD.decode_slice(cookie, &mut bytes).ok()?;
        bytes[..length].try_into().ok().map(Self)
    }

    /// Returns the id of a session that moves here from another backend.
    pub(super) fn of_import(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the cookie's value.
    pub(super) fn to_cookie(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Parses the cookie of a rotation whose outcome was unknown when the cookie was set.
    pub(super) fn parse_unconfirmed(cookie: &str) -> Option<Self> {
        cookie.strip_suffix(UNCONFIRMED).and_then(Self::parse)
    }

    /// Returns the cookie's value while the outcome of the rotation is unknown.
    pub(super) fn to_unconfirmed_cookie(self) -> String {
        self.to_cookie() + UNCONFIRMED
    }

    /// Returns the key of its record. An id of another namespace has another key.
    pub(super) fn store_key(self, namespace: &str) -> StoreKey {
        let hash = Sha256::new().chain_update(self.0).chain_update(namespace);
        StoreKey::from_bytes(hash.finalize().into())
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_has_one_spelling() {
        let id = SessionId::generate().unwrap();
        let cookie = id.to_cookie();
        assert_eq!((cookie.len(), SessionId::parse(&cookie)), (LENGTH, Some(id)));
        // The last character carries four bits; its other two must be zero.
        let last = cookie.chars().last().unwrap();
        let other = if last == '8' { '9' } else { '_' };
        let unused_bits_set = format!("{}{other}", &cookie[..LENGTH - 1]);
        for bad in [
            "",
            "a",
            &cookie[1..],
            &format!("{cookie}="),
            &cookie.replace(last, "+"),
            &unused_bits_set,
        ] {
            assert_eq!(SessionId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn store_key_does_not_reveal_id() {
        let id = SessionId([1; 32]);
        let key = id.store_key("shop");
        assert_ne!(key.as_bytes(), &id.0);
        assert_ne!(key, id.store_key("admin"));
        assert_eq!(format!("{id:?}{key:?}"), "SessionId(..)StoreKey(..)");
    }
}
