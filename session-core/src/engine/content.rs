//! What the engine writes into a record: a session, or a tombstone that points to its successor.

use std::time::{Duration, SystemTime};

use super::lineage::Lineage;
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
    Session(Head, String),
    Tombstone { nonce: Nonce, successor: StoreKey, follow: bool },
}

/// What a session's record says besides its payload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Head {
    pub(super) nonce: Nonce,
    pub(super) lineage: Lineage,
    /// When it was written, to the millisecond.
    pub(super) written_at: SystemTime,
    /// How much later its end was put then. A renewal changes only the end, and so tells when it was.
    pub(super) kept_for: Duration,
    /// The record that a rotation is to replace by a tombstone, until the next write. Without the tombstone the rotation is
    /// not done.
    pub(super) predecessor: Option<StoreKey>,
}

/// A session's bytes: kind, nonce, lineage, two times, the predecessor if there is one, payload.
pub(super) fn session(head: &Head, payload: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(82 + payload.len());
    bytes.push(SESSION);
    bytes.extend_from_slice(&head.nonce.0);
    bytes.extend_from_slice(&head.lineage.0);
    let written_at = head.written_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    bytes.extend_from_slice(&milliseconds(written_at));
    bytes.extend_from_slice(&milliseconds(head.kept_for));
    bytes.push(u8::from(head.predecessor.is_some()));
    if let Some(predecessor) = &head.predecessor {
        bytes.extend_from_slice(predecessor.as_bytes());
    }
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
pub(super) fn decode(bytes: Vec<u8>) -> Option<Content> {
    let (&kind, rest) = bytes.split_first()?;
    let (nonce, rest) = rest.split_first_chunk()?;
    let nonce = Nonce(*nonce);
    match kind {
        SESSION => {
            let (head, payload) = decode_session(nonce, rest)?;
            let start = bytes.len() - payload.len();
            let mut payload = bytes;
            payload.drain(..start);
            Some(Content::Session(head, String::from_utf8(payload).ok()?))
        }
        TOMBSTONE => {
            let (&follow, successor) = rest.split_first()?;
            let successor = StoreKey::from_bytes(successor.try_into().ok()?);
            Some(Content::Tombstone { nonce, successor, follow: follow == 1 })
        }
        _ => None,
    }
}

/// What comes before the payload, and the payload.
fn decode_session(nonce: Nonce, rest: &[u8]) -> Option<(Head, &[u8])> {
    let (lineage, rest) = rest.split_first_chunk()?;
    let (written_at, rest) = rest.split_first_chunk()?;
    let (kept_for, rest) = rest.split_first_chunk()?;
    let (&has_predecessor, rest) = rest.split_first()?;
    let (predecessor, payload) = match has_predecessor {
        0 => (None, rest),
        1 => rest.split_first_chunk().map(|(key, rest)| (Some(StoreKey::from_bytes(*key)), rest))?,
        _ => return None,
    };
    let head = Head {
        nonce,
        lineage: Lineage(*lineage),
        written_at: SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(u64::from_be_bytes(*written_at)))?,
        kept_for: Duration::from_millis(u64::from_be_bytes(*kept_for)),
        predecessor,
    };
    Some((head, payload))
}

fn milliseconds(duration: Duration) -> [u8; 8] {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let (nonce, key) = (Nonce([7; 16]), StoreKey::from_bytes([9; 32]));
        for predecessor in [None, Some(key)] {
            let written_at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
            let kept_for = Duration::from_millis(86_460_001);
            let head = Head { nonce, lineage: Lineage([8; 16]), written_at, kept_for, predecessor };
            let bytes = session(&head, "{\"é\":1}");
            assert_eq!(decode(bytes.clone()), Some(Content::Session(head, "{\"é\":1}".to_owned())));
            assert_eq!(decode(session(&head, "")), Some(Content::Session(head, String::new())));
            for length in 0..session(&head, "").len() {
                assert_eq!(decode(bytes[..length].to_vec()), None);
            }
        }
        for follow in [false, true] {
            let bytes = tombstone(nonce, &key, follow);
            assert_eq!(decode(bytes[..49].to_vec()), None);
            assert_eq!(decode(bytes), Some(Content::Tombstone { nonce, successor: key, follow }));
        }
        for foreign in [&b""[..], b"{}", b"\x01short", &[3; 90], &[&[1; 49][..], b"\x00\xff"].concat(), &[2; 90]] {
            assert_eq!(decode(foreign.to_vec()), None);
        }
    }
}
