//! The ids of moved sessions.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// The suffix of a cookie whose rotation had an unknown outcome.
const UNCONFIRMED: &str = "~";

/// Returns the id that the session of this cookie has in the new backend. The session keeps its id
/// if the cookie has 256 bits in base64, like the ids of [`ServerSideSessions`] and of
/// Flask-Session. Otherwise the result is a hash of the cookie.
///
/// [`ServerSideSessions`]: session_core::ServerSideSessions
#[must_use]
pub fn kept_id(cookie: &str) -> [u8; 32] {
    parse(confirmed(cookie)).unwrap_or_else(|| hash("id", cookie.as_bytes()))
}

/// Returns the cookie without the mark of an unknown outcome.
fn confirmed(cookie: &str) -> &str {
    cookie.strip_suffix(UNCONFIRMED).unwrap_or(cookie)
}

/// Returns whether the outcome of the rotation to this cookie was unknown.
pub(crate) fn is_unconfirmed(cookie: &str) -> bool {
    cookie.strip_suffix(UNCONFIRMED).is_some_and(|cookie| parse(cookie).is_some())
}

/// Returns whether this is a cookie of the new backend.
pub(crate) fn is_new(cookie: &str) -> bool {
    parse(confirmed(cookie)).is_some()
}

/// Returns whether the new backend opens the session of this id with this cookie.
pub(crate) fn is_cookie_of(cookie: &str, id: &[u8; 32]) -> bool {
    parse(cookie).as_ref() == Some(id)
}

/// Returns the lineage of a moved session that had no lineage.
pub(crate) fn lineage(id: &[u8; 32]) -> [u8; 16] {
    let [lineage @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = hash("lineage", id);
    lineage
}

fn parse(cookie: &str) -> Option<[u8; 32]> {
    if cookie.len() != 43 {
        return None;
    }
    URL_SAFE_NO_PAD.decode(cookie).ok()?.try_into().ok()
}

fn hash(purpose: &str, bytes: &[u8]) -> [u8; 32] {
    let hash = Sha256::new().chain_update("session-migration ").chain_update(purpose);
    hash.chain_update([0]).chain_update(bytes).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    #[test]
    fn id_of_256_bits_is_kept_and_any_other_hashed() {
        let bytes: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        assert_eq!((kept_id(ID), kept_id(&format!("{ID}~"))), (bytes, bytes));
        assert!(is_new(ID) && is_cookie_of(ID, &bytes));
        for other in ["", "short", &ID[1..], "12345678-1234-5678-1234-567812345678"] {
            assert!(!is_new(other) && !is_cookie_of(other, &kept_id(other)), "{other}");
            assert_ne!(kept_id(other), kept_id(&format!("{other}x")));
        }
        // The unused bits of the last character result in another spelling.
        assert_ne!(kept_id(&ID.replace("Hh8", "Hh9")), bytes);
    }
}
