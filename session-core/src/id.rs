//! Session ids: 256 random bits that only the client and the request hold.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::{Error, ErrorKind, StoreKey};

/// How many characters an id has in a cookie.
const LENGTH: usize = 43;

/// What the cookie of a server-side session holds.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct SessionId([u8; 32]);

impl SessionId {
    /// A new id from the operating system.
    pub(crate) fn generate() -> Result<Self, Error> {
        random().map(Self)
    }

    /// The id in a cookie, if it is one: in one way only, so that no two cookies are the same session.
    pub(crate) fn parse(cookie: &str) -> Option<Self> {
        if cookie.len() != LENGTH {
            return None;
        }
        // With room for the last four characters, of which there are three.
        let mut bytes = [0; 33];
        let length = URL_SAFE_NO_PAD.decode_slice(cookie, &mut bytes).ok()?;
        bytes[..length].try_into().ok().map(Self)
    }

    /// The cookie's value.
    pub(crate) fn to_cookie(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The key of its record.
    pub(crate) fn store_key(self) -> StoreKey {
        StoreKey::from_bytes(Sha256::digest(self.0).into())
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(..)")
    }
}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Unavailable, "the operating system gave no randomness").with_source(error)
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_written_in_one_way() {
        let id = SessionId::generate().unwrap();
        let cookie = id.to_cookie();
        assert_eq!((cookie.len(), SessionId::parse(&cookie)), (LENGTH, Some(id)));
        // The last character carries four bits; its other two must be zero.
        let last = cookie.chars().last().unwrap();
        let other = if last == '8' { '9' } else { '_' };
        let unused_bits_set = format!("{}{other}", &cookie[..LENGTH - 1]);
        for bad in ["", "a", &cookie[1..], &format!("{cookie}="), &cookie.replace(last, "+"), &unused_bits_set] {
            assert_eq!(SessionId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_key_says_nothing_of_the_id() {
        let id = SessionId([1; 32]);
        assert_ne!(id.store_key().as_bytes(), &id.0);
        assert_eq!(format!("{id:?}{:?}", id.store_key()), "SessionId(..)StoreKey(..)");
    }
}
