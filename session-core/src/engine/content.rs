//! What the engine writes into a record: a session, or a tombstone that points to its successor.

use crate::id;
use crate::{Error, StoreKey};

const SESSION: u8 = 1;
const TOMBSTONE: u8 = 2;

/// Tells one attempt to write from all others, so that a writer whose reply was lost recognizes its own work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Nonce([u8; 16]);

impl Nonce {
    pub(super) fn generate() -> Result<Self, Error> {
        id::random().map(Self)
    }
}

/// The content of a record.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Content {
    Session { nonce: Nonce, payload: String },
    Tombstone { nonce: Nonce, successor: StoreKey, follow: bool },
}

/// A session's bytes: kind, nonce, payload.
pub(super) fn session(nonce: Nonce, payload: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(17 + payload.len());
    bytes.push(SESSION);
    bytes.extend_from_slice(&nonce.0);
    bytes.extend_from_slice(payload.as_bytes());
    bytes
}

/// A tombstone's bytes: kind, nonce, whether changes follow to the successor, the successor's key.
pub(super) fn tombstone(nonce: Nonce, successor: &StoreKey, follow: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(50);
    bytes.push(TOMBSTONE);
    bytes.extend_from_slice(&nonce.0);
    bytes.push(u8::from(follow));
    bytes.extend_from_slice(successor.as_bytes());
    bytes
}

/// What is in a record; `None` if something else wrote it.
pub(super) fn decode(bytes: &[u8]) -> Option<Content> {
    let (&kind, rest) = bytes.split_first()?;
    let (nonce, rest) = rest.split_first_chunk::<16>()?;
    let nonce = Nonce(*nonce);
    match kind {
        SESSION => {
            let payload = String::from_utf8(rest.to_vec()).ok()?;
            Some(Content::Session { nonce, payload })
        }
        TOMBSTONE => {
            let (&follow, successor) = rest.split_first()?;
            let successor = StoreKey::from_bytes(successor.try_into().ok()?);
            Some(Content::Tombstone { nonce, successor, follow: follow == 1 })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let (nonce, successor) = (Nonce([7; 16]), StoreKey::from_bytes([9; 32]));
        let bytes = session(nonce, "{\"é\":1}");
        assert_eq!(decode(&bytes), Some(Content::Session { nonce, payload: "{\"é\":1}".to_owned() }));
        for follow in [false, true] {
            let bytes = tombstone(nonce, &successor, follow);
            assert_eq!(decode(&bytes), Some(Content::Tombstone { nonce, successor, follow }));
            assert_eq!(decode(&bytes[..49]), None);
        }
        for foreign in [&b""[..], b"{}", b"\x01short", &[3; 40], &[&[1; 17][..], b"\xff"].concat()] {
            assert_eq!(decode(foreign), None);
        }
    }
}
