//! Mutations of the written record.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use session_core::store::NewRecord;

/// A record that can be changed before it is written.
#[derive(Debug)]
pub struct Written {
    pub payload: Vec<u8>,
    pub created_at: SystemTime,
    pub expires_at: SystemTime,
    pub owner: Option<String>,
}

impl Written {
    pub fn new(record: &NewRecord<'_>, change: fn(&mut Self)) -> Self {
        let mut written = Self {
            payload: record.payload().to_vec(),
            created_at: record.created_at(),
            expires_at: record.expires_at(),
            owner: record.owner().map(str::to_owned),
        };
        change(&mut written);
        written
    }

    pub fn as_new(&self) -> NewRecord<'_> {
        NewRecord::new(&self.payload, self.created_at, self.expires_at)
            .owned_by(self.owner.as_deref())
    }

    /// Changes the owner, if there is one.
    pub fn own(&mut self, change: impl FnOnce(&str) -> String) {
        self.owner = self.owner.as_deref().map(change);
    }

    /// Changes the payload, unless the engine wrote it: its random bytes would make a defect appear
    /// only sometimes.
    pub fn bytes(&mut self, change: impl FnOnce(&[u8]) -> Vec<u8>) {
        if !is_of_the_engine(&self.payload) {
            self.payload = change(&self.payload);
        }
    }

    /// Changes the payload, if it is text.
    pub fn text(&mut self, change: impl FnOnce(&str) -> String) {
        self.bytes(|bytes| {
            std::str::from_utf8(bytes).map_or(bytes.to_vec(), |text| change(text).into_bytes())
        });
    }
}

/// Returns whether the engine wrote the payload, by its first byte.
pub fn is_of_the_engine(payload: &[u8]) -> bool {
    matches!(payload.first(), Some(1 | 2))
}

/// Returns whether the histories wrote the record: it is short and has no owner.
pub fn is_short(record: &NewRecord<'_>) -> bool {
    record.owner().is_none() && record.payload().len() < SHORT
}

/// The minimum length of a large payload.
pub const LARGE: usize = 10_000;

/// Sessions are longer than this.
pub const SHORT: usize = 100;

/// Longer than sessions, and not large.
pub const MIDDLING: Range<usize> = 4_000..LARGE;

/// Only sweeps remove records that had expired for longer when they were written.
pub const A_DAY: Duration = Duration::from_hours(24);

/// Returns the time since 1970, at least zero.
pub fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Returns the time at this distance from the start of 1970.
pub fn after_1970(since: Duration) -> SystemTime {
    SystemTime::UNIX_EPOCH + since
}

/// A store that changes the record that it writes, in `create`, in `replace` or in both.
macro_rules! writes {
    ($(#[$about:meta])* $name:ident, $change:expr) => {
        crate::store::mutation::mutation! {
            $(#[$about])*
            $name;
            async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
                self.original.create(key, &crate::store::written::Written::new(record, $change).as_new())
            }
            async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
                let written = crate::store::written::Written::new(record, $change);
                Ok(self.original.replace(key, expected, &written.as_new()))
            }
        }
    };
    ($(#[$about:meta])* $name:ident in create, $change:expr) => {
        crate::store::mutation::mutation! {
            $(#[$about])*
            $name;
            async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
                self.original.create(key, &crate::store::written::Written::new(record, $change).as_new())
            }
        }
    };
    ($(#[$about:meta])* $name:ident in replace, $change:expr) => {
        crate::store::mutation::mutation! {
            $(#[$about])*
            $name;
            async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
                let written = crate::store::written::Written::new(record, $change);
                Ok(self.original.replace(key, expected, &written.as_new()))
            }
        }
    };
}

pub(crate) use writes;
