//! The content that the engine writes into a record: a session, or a tombstone that names its
//! successor.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use smallvec::SmallVec;

use super::lineage::Lineage;
use super::{random, version};
use crate::Error;
use crate::login::Login;
use crate::store::StoreKey;

const SESSION: u8 = 1;
const TOMBSTONE: u8 = 2;
const ENDED: u8 = 3;
/// The first byte of the record of a remembered browser. The engine does not write these records.
const SERIES: u8 = 4;
/// The length that stands for a login without a stamp.
const NO_STAMP: u16 = u16::MAX;
/// The number of last writes that a record lists.
const KEPT_NONCES: usize = 8;

/// The identifier of one write. After a lost reply, the writer recognizes its write by this
/// identifier.
///
/// The identifier must be unique, but not secret. Each process counts from a random start.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Nonce(pub(super) [u8; 8]);

impl Nonce {
    /// Returns the nonce for the copy of a session of another backend. The nonce is the same for
    /// every request. Therefore each request recognizes the write that copied its session.
    pub(super) fn of_import(key: &StoreKey) -> Self {
        let [nonce @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
            *key.as_bytes();
        Self(nonce)
    }

    pub(super) fn next() -> Result<Self, Error> {
        static START: OnceLock<u64> = OnceLock::new();
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let start = if let Some(start) = START.get() {
            *start
        } else {
            let random = u64::from_be_bytes(random::bytes()?);
            *START.get_or_init(|| random)
        };
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Ok(Self(start.wrapping_add(count).to_be_bytes()))
    }
}

/// The last writes of a record, the latest first.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Nonces(SmallVec<[[u8; 8]; KEPT_NONCES]>);

impl Clone for Nonces {
    fn clone(&self) -> Self {
        // The derived implementation copies the nonces one by one.
        Self(SmallVec::from_slice(&self.0))
    }
}

impl Nonces {
    /// Returns the nonces after one more write.
    pub(super) fn with(&self, nonce: Nonce) -> Self {
        let mut nonces = SmallVec::new();
        nonces.push(nonce.0);
        nonces.extend_from_slice(&self.0[..self.0.len().min(KEPT_NONCES - 1)]);
        Self(nonces)
    }

    pub(super) fn contains(&self, nonce: Nonce) -> bool {
        self.0.contains(&nonce.0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn latest(&self) -> Option<Nonce> {
        self.0.first().copied().map(Nonce)
    }
}

/// The content of a record.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Content {
    Session(Head, String),
    Tombstone {
        successor: StoreKey,
        follow: bool,
    },
    Ended,
    /// The record of a remembered browser of the owner.
    Series,
}

/// The fields of a session's record other than its payload.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Head {
    pub(super) nonces: Nonces,
    pub(super) lineage: Lineage,
    /// The time of the last write, to the millisecond.
    pub(super) written_at: SystemTime,
    /// The time from the last write to the expiry. A renewal changes only the expiry. Therefore the
    /// expiry minus this duration is the time of the last renewal, unless the absolute timeout
    /// limits the expiry.
    pub(super) kept_for: Duration,
    /// The record that a rotation replaces by a tombstone. The rotation is unfinished without the
    /// tombstone. The next write removes this field.
    pub(super) predecessor: Option<StoreKey>,
    /// Whether an earlier call may still create the record again after its removal.
    pub(super) is_retried: bool,
    /// The login. Its owner is a separate field of the record.
    pub(super) proof: Option<Proof>,
}

impl Head {
    /// Returns whether the record with this key is a copy of a session of another backend. Such a
    /// copy names itself as its predecessor.
    pub(super) fn is_of_copy(&self, key: &StoreKey) -> bool {
        self.predecessor.as_ref() == Some(key)
    }
}

/// The login in a record, without its owner.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Proof {
    authenticated_at: SystemTime,
    stamp: Option<Box<str>>,
}

impl Proof {
    pub(super) fn of(login: &Login) -> Self {
        let stamp = login.stamp().map(Into::into);
        Self { authenticated_at: login.authenticated_at(), stamp }
    }

    pub(super) fn login_of(&self, owner: &str) -> Login {
        Login::new(owner, self.authenticated_at).with_stamp(self.stamp.as_deref())
    }

    fn append(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&milliseconds(since_1970(self.authenticated_at)));
        let length = self.stamp.as_ref().and_then(|stamp| u16::try_from(stamp.len()).ok());
        bytes.extend_from_slice(&length.unwrap_or(NO_STAMP).to_be_bytes());
        if let (Some(stamp), Some(_)) = (&self.stamp, length) {
            bytes.extend_from_slice(stamp.as_bytes());
        }
    }

    fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (at, rest) = bytes.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (stamp, rest) = match u16::from_be_bytes(*length) {
            NO_STAMP => (None, rest),
            length => {
                let (stamp, rest) = rest.split_at_checked(usize::from(length))?;
                (Some(std::str::from_utf8(stamp).ok()?.into()), rest)
            }
        };
        Some((Self { authenticated_at: time(*at)?, stamp }, rest))
    }
}

/// Returns the bytes of a session. They contain, in this order, the version unless it is 1, kind,
/// nonces, lineage, two times, flags, optional predecessor, optional login, and payload.
pub(super) fn session(
    head: &Head,
    payload_len: usize,
    append_payload: impl FnOnce(&mut Vec<u8>),
) -> Vec<u8> {
    let mut bytes = version::start(80 + 8 * head.nonces.0.len() + payload_len);
    bytes.push(SESSION);
    bytes.push(u8::try_from(head.nonces.0.len()).unwrap_or(0));
    bytes.extend_from_slice(head.nonces.0.as_flattened());
    bytes.extend_from_slice(&head.lineage.0);
    bytes.extend_from_slice(&milliseconds(since_1970(head.written_at)));
    bytes.extend_from_slice(&milliseconds(head.kept_for));
    let (is_moving, is_owned) = (head.predecessor.is_some(), head.proof.is_some());
    bytes.push(u8::from(is_moving) | u8::from(head.is_retried) << 1 | u8::from(is_owned) << 2);
    if let Some(predecessor) = &head.predecessor {
        bytes.extend_from_slice(predecessor.as_bytes());
    }
    if let Some(proof) = &head.proof {
        proof.append(&mut bytes);
    }
    append_payload(&mut bytes);
    bytes
}

/// Returns the bytes of a tombstone. They contain the version unless it is 1, the kind, the flag
/// `follow`, and the key of the successor. If `follow` is set, changes are applied to the
/// successor.
pub(super) fn tombstone(successor: &StoreKey, follow: bool) -> Vec<u8> {
    let mut bytes = version::start(34);
    bytes.push(TOMBSTONE);
    bytes.push(u8::from(follow));
    bytes.extend_from_slice(successor.as_bytes());
    bytes
}

/// The bytes that replace an ended session if an earlier call may still create its record. They are
/// the same in all versions.
pub(super) const ENDED_SESSION: &[u8] = &[ENDED];

/// Returns whether a record belongs to a remembered browser.
pub(super) fn is_series(bytes: &[u8]) -> bool {
    bytes.starts_with(&[SERIES, b'{'])
}

/// Decodes a record of a version that this build reads. Returns `None` if the engine did not write
/// the record.
pub(super) fn decode(bytes: Vec<u8>) -> Option<Content> {
    let (&kind, rest) = version::split(&bytes).1.split_first()?;
    match kind {
        SESSION => {
            let (head, payload) = decode_session(rest)?;
            let start = bytes.len() - payload.len();
            let mut payload = bytes;
            payload.drain(..start);
            Some(Content::Session(head, String::from_utf8(payload).ok()?))
        }
        TOMBSTONE => {
            let (&follow, successor) = rest.split_first()?;
            let successor = StoreKey::from_bytes(successor.try_into().ok()?);
            Some(Content::Tombstone { successor, follow: follow == 1 })
        }
        ENDED if rest.is_empty() => Some(Content::Ended),
        SERIES if rest.first() == Some(&b'{') => Some(Content::Series),
        _ => None,
    }
}

/// Splits the head from the payload.
fn decode_session(rest: &[u8]) -> Option<(Head, &[u8])> {
    let (&count, rest) = rest.split_first()?;
    let (nonces, rest) = rest.split_at_checked(8 * usize::from(count))?;
    let (nonces, _) = nonces.as_chunks();
    let (lineage, rest) = rest.split_first_chunk()?;
    let (written_at, rest) = rest.split_first_chunk()?;
    let (kept_for, rest) = rest.split_first_chunk()?;
    let (&flags, rest) = rest.split_first()?;
    let (predecessor, rest) = match flags & 1 {
        _ if flags > 7 => return None,
        0 => (None, rest),
        _ => {
            rest.split_first_chunk().map(|(key, rest)| (Some(StoreKey::from_bytes(*key)), rest))?
        }
    };
    let (proof, payload) = match flags & 4 {
        0 => (None, rest),
        _ => Proof::split(rest).map(|(proof, rest)| (Some(proof), rest))?,
    };
    let head = Head {
        nonces: Nonces(SmallVec::from_slice(nonces)),
        lineage: Lineage(*lineage),
        written_at: time(*written_at)?,
        kept_for: Duration::from_millis(u64::from_be_bytes(*kept_for)),
        predecessor,
        is_retried: flags & 2 != 0,
        proof,
    };
    Some((head, payload))
}

fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

fn time(milliseconds: [u8; 8]) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(u64::from_be_bytes(milliseconds)))
}

fn milliseconds(duration: Duration) -> [u8; 8] {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decode_accepts_only_encoded_contents() {
        let (nonce, key) = (Nonce([7; 8]), StoreKey::from_bytes([9; 32]));
        for (predecessor, is_retried) in [(None, true), (Some(key), false), (Some(key), true)] {
            let written_at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
            let kept_for = Duration::from_millis(86_460_001);
            let nonces = Nonces::default().with(nonce).with(Nonce([6; 8]));
            let lineage = Lineage([8; 16]);
            let proof = predecessor.map(|_| {
                let stamp = is_retried.then(|| "é".into());
                Proof { authenticated_at: written_at, stamp }
            });
            let head =
                Head { nonces, lineage, written_at, kept_for, predecessor, is_retried, proof };
            let encode = |payload: &str| {
                session(&head, payload.len(), |bytes| bytes.extend_from_slice(payload.as_bytes()))
            };
            for payload in ["", "{\"é\":1}"] {
                let content = Content::Session(head.clone(), payload.to_owned());
                assert_eq!(decode(encode(payload)), Some(content));
            }
            for length in 0..encode("").len() {
                assert_eq!(decode(encode("{}")[..length].to_vec()), None);
            }
        }
        for follow in [false, true] {
            let bytes = tombstone(&key, follow);
            assert_eq!(decode(bytes[..33].to_vec()), None);
            assert_eq!(decode(bytes), Some(Content::Tombstone { successor: key, follow }));
        }
        assert_eq!(decode(ENDED_SESSION.to_vec()), Some(Content::Ended));
        for foreign in [&b"\x03{}"[..], b"", b"{}", b"\x01short", &[3; 90], &[2; 90], &[2; 42]] {
            assert_eq!(decode(foreign.to_vec()), None);
        }
    }

    #[test]
    fn nonces_keep_last_eight_writes() {
        let all: Vec<_> = (0..10).map(|_| Nonce::next().unwrap()).collect();
        let nonces = all.iter().fold(Nonces::default(), |nonces, nonce| nonces.with(*nonce));
        assert_eq!(nonces.latest(), Some(all[9]));
        let kept: Vec<_> = all.iter().map(|nonce| nonces.contains(*nonce)).collect();
        assert_eq!(kept, [&[false; 2][..], &[true; 8]].concat());
    }
}
