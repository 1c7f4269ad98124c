//! The data of a store: keys, versions and records.

use std::fmt;
use std::hash::{BuildHasher as _, Hash, Hasher, RandomState};
use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

/// The key of a record: a hash of the session id.
///
/// The id cannot be computed from the hash. Therefore a dump of a store contains no value that a
/// client can send as a cookie.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct StoreKey([u8; 32]);

impl StoreKey {
    /// Returns the key with these bytes, for stores that read keys back and for tests.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes, which a store writes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the name of the session in log events.
    #[must_use]
    pub fn log_name(&self) -> LogName {
        static SALT: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        let [_, _, _, _, name @ ..] = SALT.hash_one(self.0).to_be_bytes();
        LogName(u32::from_be_bytes(name))
    }
}

impl fmt::Debug for StoreKey {
    /// Hides the key, because a key in a log would identify the record.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(..)")
    }
}

/// The name of a session in log events: eight hexadecimal digits, the same for the same key while
/// the process runs.
///
/// The digits are a hash of the key with a salt that is random in each process. Therefore a name
/// cannot be traced to a record or a cookie.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct LogName(u32);

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Debug for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogName({self})")
    }
}

/// The version of a record. Versions are equal if their numbers are equal. Versions have no order.
///
/// A store can attach the bytes that it stores for the record. The store receives these bytes with
/// the version in a later call, for example for a command that compares the stored value. The bytes
/// are only a hint. A caller may pass a version with the same number and without bytes.
#[derive(Clone)]
pub struct Version {
    number: u64,
    stored: Option<Arc<[u8]>>,
}

impl Version {
    /// Returns the version with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self { number, stored: None }
    }

    /// Attaches the bytes that the store has for the record.
    #[must_use]
    pub fn with_stored(self, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { stored: Some(bytes.into()), ..self }
    }

    /// Returns the number, which a store writes.
    #[must_use]
    pub const fn get(&self) -> u64 {
        self.number
    }

    /// Returns the bytes that the store attached.
    #[must_use]
    pub fn stored(&self) -> Option<&[u8]> {
        self.stored.as_deref()
    }
}

impl Eq for Version {}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl fmt::Debug for Version {
    /// Shows only the number, because the bytes contain the session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Version").field(&self.number).finish()
    }
}

/// The result of [`SessionStore::replace`](super::SessionStore::replace).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Replaced {
    /// The record was replaced and has this version now.
    Done(Version),
    /// Nothing was changed, because the record has another version or does not exist.
    Stale,
}

/// A record as read from a store.
#[derive(Clone, Eq, PartialEq)]
pub struct Record {
    version: Version,
    payload: Vec<u8>,
    created_at: SystemTime,
    expires_at: SystemTime,
    owner: Option<String>,
}

impl Record {
    /// Returns the record that results from writing `record` with `create` or `replace`, at the
    /// version that the store chose. To return the data of a database, first create a [`NewRecord`]
    /// from the data.
    pub fn new(version: Version, record: &NewRecord<'_>) -> Self {
        Self {
            version,
            payload: record.payload.to_vec(),
            created_at: record.created_at,
            expires_at: record.expires_at,
            owner: record.owner.map(str::to_owned),
        }
    }

    /// Returns the version.
    pub fn version(&self) -> Version {
        self.version.clone()
    }

    /// Returns the payload.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Returns the payload without a copy.
    pub fn into_payload(self) -> Vec<u8> {
        self.payload
    }

    /// Returns the creation time of the session.
    pub fn created_at(&self) -> SystemTime {
        self.created_at
    }

    /// Returns the expiry: the last moment at which the record is valid.
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// Returns the owner.
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// Returns the record with another version and expiry, as after a `touch`.
    #[must_use]
    pub fn touched(&self, version: Version, expires_at: SystemTime) -> Self {
        Self { version, expires_at, ..self.clone() }
    }
}

impl fmt::Debug for Record {
    /// Shows the length of the payload, but neither its bytes nor the owner.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("version", &self.version)
            .field("payload", &self.payload.len())
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A record to write. The store chooses its version.
#[derive(Clone, Copy)]
pub struct NewRecord<'a> {
    payload: &'a [u8],
    created_at: SystemTime,
    expires_at: SystemTime,
    owner: Option<&'a str>,
}

impl<'a> NewRecord<'a> {
    /// Returns a record without an owner.
    pub fn new(payload: &'a [u8], created_at: SystemTime, expires_at: SystemTime) -> Self {
        Self { payload, created_at, expires_at, owner: None }
    }

    /// Sets the owner. The default is `None`.
    #[must_use]
    pub fn owned_by(mut self, owner: Option<&'a str>) -> Self {
        self.owner = owner;
        self
    }

    /// Returns the payload.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// Returns the creation time of the session.
    pub fn created_at(&self) -> SystemTime {
        self.created_at
    }

    /// Returns the expiry: the last moment at which the record is valid.
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// Returns the owner.
    pub fn owner(&self) -> Option<&'a str> {
        self.owner
    }
}

impl fmt::Debug for NewRecord<'_> {
    /// Shows the length of the payload, but neither its bytes nor the owner.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewRecord")
            .field("payload", &self.payload.len())
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_bytes_change_neither_equality_nor_debug() {
        let (bare, with) = (Version::new(7), Version::new(7).with_stored(*b"secret"));
        assert_eq!(bare, with);
        assert_ne!(with, Version::new(8).with_stored(*b"secret"));
        let state = RandomState::new();
        assert_eq!(state.hash_one(&bare), state.hash_one(&with));
        assert_eq!(format!("{with:?}"), "Version(7)");
        assert_eq!((bare.stored(), with.stored()), (None, Some(&b"secret"[..])));
    }
}
