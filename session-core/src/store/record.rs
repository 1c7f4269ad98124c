//! What a store keeps: keys, versions and records.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;
use std::time::SystemTime;

/// The key of a record: a hash of the session's id, from which nobody gets back to the id. So a dump of a store holds
/// nothing that can be sent as a cookie.
///
/// ```
/// use session_core::StoreKey;
///
/// let key = StoreKey::from_bytes([7; 32]);
/// assert_eq!(key.as_bytes(), &[7; 32]);
/// assert_eq!(format!("{key:?}"), "StoreKey(..)");
/// ```
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct StoreKey([u8; 32]);

impl StoreKey {
    /// The key with these bytes: for a store that reads it back, and for tests.
    ///
    /// ```
    /// # use session_core::StoreKey;
    /// assert_eq!(StoreKey::from_bytes([1; 32]), StoreKey::from_bytes([1; 32]));
    /// ```
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for a store to write.
    ///
    /// ```
    /// # use session_core::StoreKey;
    /// assert_eq!(StoreKey::from_bytes([1; 32]).as_bytes().len(), 32);
    /// ```
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What stands for the session in an event.
    ///
    /// ```
    /// # use session_core::StoreKey;
    /// let key = StoreKey::from_bytes([7; 32]);
    /// assert_eq!(key.log_name().to_string(), key.log_name().to_string());
    /// ```
    #[must_use]
    pub fn log_name(&self) -> LogName {
        static SALT: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        let [_, _, _, _, name @ ..] = SALT.hash_one(self.0).to_be_bytes();
        LogName(u32::from_be_bytes(name))
    }
}

impl fmt::Debug for StoreKey {
    /// Shows nothing: a key in a log would tell whose record a line is about.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(..)")
    }
}

/// What stands for a session in events: eight hexadecimal digits, the same for the same key while the process runs. They are
/// a hash whose salt is random in each process, so that nobody finds a record or a cookie by them.
///
/// ```
/// use session_core::StoreKey;
///
/// assert_eq!(StoreKey::from_bytes([7; 32]).log_name().to_string().len(), 8);
/// ```
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

/// The version of a record, compared only for equality.
///
/// ```
/// use session_core::Version;
///
/// assert_eq!(Version::new(3).get(), 3);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Version(u64);

impl Version {
    /// The version of this number.
    ///
    /// ```
    /// # use session_core::Version;
    /// assert_ne!(Version::new(1), Version::new(2));
    /// ```
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number, for a store to write.
    ///
    /// ```
    /// # use session_core::Version;
    /// assert_eq!(Version::new(1).get(), 1);
    /// ```
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// What became of a [`replace`](crate::SessionStore::replace).
///
/// ```
/// use session_core::{Replaced, Version};
///
/// assert_ne!(Replaced::Done(Version::new(2)), Replaced::Stale);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Replaced {
    /// The record is in place, at this version.
    Done(Version),
    /// The expected version is not there: there is another, or none.
    Stale,
}

/// A record as a store keeps it.
///
/// ```
/// use session_core::{NewRecord, Record, Version};
/// use std::time::SystemTime;
///
/// let now = SystemTime::now();
/// let record = Record::new(Version::new(1), &NewRecord::new(b"bytes", now, now).owned_by(Some("ada")));
/// assert_eq!((record.payload(), record.owner()), (&b"bytes"[..], Some("ada")));
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Record {
    version: Version,
    payload: Vec<u8>,
    created_at: SystemTime,
    expires_at: SystemTime,
    owner: Option<String>,
}

impl Record {
    /// What was given to `create` or `replace`, at the version that the store gave it.
    ///
    /// ```
    /// # use session_core::{NewRecord, Record, Version};
    /// # use std::time::SystemTime;
    /// let now = SystemTime::now();
    /// assert_eq!(Record::new(Version::new(1), &NewRecord::new(b"", now, now)).version(), Version::new(1));
    /// ```
    pub fn new(version: Version, record: &NewRecord<'_>) -> Self {
        Self {
            version,
            payload: record.payload.to_vec(),
            created_at: record.created_at,
            expires_at: record.expires_at,
            owner: record.owner.map(str::to_owned),
        }
    }

    /// The version.
    ///
    /// ```
    /// # use session_core::{NewRecord, Record, Version};
    /// # let now = std::time::SystemTime::now();
    /// # let record = Record::new(Version::new(1), &NewRecord::new(b"", now, now));
    /// assert_eq!(record.version(), Version::new(1));
    /// ```
    pub fn version(&self) -> Version {
        self.version
    }

    /// The bytes.
    ///
    /// ```
    /// # use session_core::{NewRecord, Record, Version};
    /// # let now = std::time::SystemTime::now();
    /// # let record = Record::new(Version::new(1), &NewRecord::new(b"bytes", now, now));
    /// assert_eq!(record.payload(), b"bytes");
    /// ```
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The bytes, for whoever needs nothing else of it.
    ///
    /// ```
    /// # use session_core::{NewRecord, Record, Version};
    /// # let now = std::time::SystemTime::now();
    /// # let record = Record::new(Version::new(1), &NewRecord::new(b"bytes", now, now));
    /// assert_eq!(record.into_payload(), b"bytes");
    /// ```
    pub fn into_payload(self) -> Vec<u8> {
        self.payload
    }

    /// When the session began.
    ///
    /// ```
    /// # use session_core::{NewRecord, Record, Version};
    /// # let now = std::time::SystemTime::now();
    /// # let record = Record::new(Version::new(1), &NewRecord::new(b"", now, now));
    /// assert_eq!(record.created_at(), now);
    /// ```
    pub fn created_at(&self) -> SystemTime {
        self.created_at
    }

    /// The last moment at which it is valid.
    ///
    /// ```
    /// # use session_core::{NewRecord, Record, Version};
    /// # let now = std::time::SystemTime::now();
    /// # let record = Record::new(Version::new(1), &NewRecord::new(b"", now, now));
    /// assert_eq!(record.expires_at(), now);
    /// ```
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// Whose it is, if anyone's.
    ///
    /// ```
    /// # use session_core::{NewRecord, Record, Version};
    /// # let now = std::time::SystemTime::now();
    /// # let record = Record::new(Version::new(1), &NewRecord::new(b"", now, now));
    /// assert_eq!(record.owner(), None);
    /// ```
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// The same record with another version and expiry: what a `touch` leaves.
    ///
    /// ```
    /// # use session_core::{NewRecord, Record, Version};
    /// # let now = std::time::SystemTime::now();
    /// # let record = Record::new(Version::new(1), &NewRecord::new(b"", now, now));
    /// assert_eq!(record.touched(Version::new(2), now).version(), Version::new(2));
    /// ```
    #[must_use]
    pub fn touched(&self, version: Version, expires_at: SystemTime) -> Self {
        Self { version, expires_at, ..self.clone() }
    }
}

impl fmt::Debug for Record {
    /// Leaves payload and owner out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("version", &self.version)
            .field("payload", &self.payload.len())
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A record to be written; its version comes from the store.
///
/// ```
/// use session_core::NewRecord;
/// use std::time::{Duration, SystemTime};
///
/// let now = SystemTime::now();
/// let record = NewRecord::new(b"bytes", now, now + Duration::from_secs(60)).owned_by(Some("ada"));
/// assert_eq!(record.owner(), Some("ada"));
/// ```
#[derive(Clone, Copy)]
pub struct NewRecord<'a> {
    payload: &'a [u8],
    created_at: SystemTime,
    expires_at: SystemTime,
    owner: Option<&'a str>,
}

impl<'a> NewRecord<'a> {
    /// A record that nobody owns.
    ///
    /// ```
    /// # use session_core::NewRecord;
    /// # let now = std::time::SystemTime::now();
    /// assert_eq!(NewRecord::new(b"bytes", now, now).payload(), b"bytes");
    /// ```
    pub fn new(payload: &'a [u8], created_at: SystemTime, expires_at: SystemTime) -> Self {
        Self { payload, created_at, expires_at, owner: None }
    }

    /// The same with an owner.
    ///
    /// ```
    /// # use session_core::NewRecord;
    /// # let now = std::time::SystemTime::now();
    /// assert_eq!(NewRecord::new(b"", now, now).owned_by(Some("ada")).owner(), Some("ada"));
    /// ```
    #[must_use]
    pub fn owned_by(mut self, owner: Option<&'a str>) -> Self {
        self.owner = owner;
        self
    }

    /// The bytes.
    ///
    /// ```
    /// # use session_core::NewRecord;
    /// # let now = std::time::SystemTime::now();
    /// assert_eq!(NewRecord::new(b"bytes", now, now).payload(), b"bytes");
    /// ```
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// When the session began.
    ///
    /// ```
    /// # use session_core::NewRecord;
    /// # let now = std::time::SystemTime::now();
    /// assert_eq!(NewRecord::new(b"", now, now).created_at(), now);
    /// ```
    pub fn created_at(&self) -> SystemTime {
        self.created_at
    }

    /// The last moment at which it is valid.
    ///
    /// ```
    /// # use session_core::NewRecord;
    /// # let now = std::time::SystemTime::now();
    /// assert_eq!(NewRecord::new(b"", now, now).expires_at(), now);
    /// ```
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// Whose it is, if anyone's.
    ///
    /// ```
    /// # use session_core::NewRecord;
    /// # let now = std::time::SystemTime::now();
    /// assert_eq!(NewRecord::new(b"", now, now).owner(), None);
    /// ```
    pub fn owner(&self) -> Option<&'a str> {
        self.owner
    }
}

impl fmt::Debug for NewRecord<'_> {
    /// Leaves payload and owner out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewRecord")
            .field("payload", &self.payload.len())
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
