//! Session ids: 256 random bits that only the client and its requests have.

use std::fmt;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use std::sync::LazyLock;

use base64::Engine as _;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use base64::engine::GeneralPurpose;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use base64::engine::Simd;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use base64::engine::general_purpose::NO_PAD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::random;
use crate::Error;
use crate::store::StoreKey;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static BASE64: LazyLock<Simd> = LazyLock::new(|| Simd::url_safe(NO_PAD));
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static BASE64: GeneralPurpose = URL_SAFE_NO_PAD;

/// The number of characters of an id in a cookie.
const LENGTH: usize = 43;
/// The suffix of an id in the cookie while it is unknown whether a rotation to this id was stored.
const UNCONFIRMED: &str = "~";

/// The id in the cookie of a server-side session.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) struct SessionId([u8; 32]);

impl SessionId {
    /// Returns a new id from random bytes of the operating system.
    pub(super) fn generate() -> Result<Self, Error> {
        random::bytes().map(Self)
    }

    /// Parses a cookie. An id has one spelling, so that no two cookies open the same session.
    pub(super) fn parse(cookie: &str) -> Option<Self> {
        if cookie.len() != LENGTH {
            return None;
        }
        // The decoder uses vector instructions only if 64 characters precede the last group. `A`
        // stands for zeros.
        let mut text = [b'A'; 66];
        text[..LENGTH].copy_from_slice(cookie.as_bytes());
        let mut bytes = [0; 49];
        BASE64.decode_slice(text, &mut bytes).ok()?;
        let (id, zeros) = bytes.split_first_chunk()?;
        // The last character of an id has two unused bits.
        zeros.iter().all(|byte| *byte == 0).then_some(Self(*id))
    }

    /// Returns the id of a session that moves to this store from another backend.
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

    /// Returns the key of the record with this id. The same id has another key in another
    /// namespace.
    pub(super) fn store_key(self, namespace: &str) -> StoreKey {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(namespace);
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
        // The last character has four bits of the id. Its other two bits must be zero.
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
