//! The data that a save stores.

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::session::state::StoredData;

/// The data that a save stores: the payload, the owner and the lifetime.
#[derive(Clone)]
pub struct Contents {
    pub(crate) stored: StoredData,
    pub(crate) lifetime: Option<Duration>,
    pub(crate) expires_at: Option<SystemTime>,
}

impl Contents {
    /// Returns the payload: a JSON object that
    /// [`Opened::from_payload`](super::Opened::from_payload) reads.
    pub fn payload(&self) -> String {
        self.stored.values().to_payload()
    }

    /// Returns the length of the payload in bytes.
    pub fn payload_len(&self) -> usize {
        self.stored.values().payload_len()
    }

    /// Appends the payload to a buffer, without a copy in between.
    pub fn append_payload(&self, buffer: &mut Vec<u8>) {
        self.stored.values().append_payload(buffer);
    }

    /// Returns whether the session has no keys.
    pub fn is_empty(&self) -> bool {
        self.stored.values().is_empty()
    }

    /// Returns the owner.
    pub fn owner(&self) -> Option<&str> {
        self.stored.owner.as_deref()
    }

    /// Returns how long the session lives after this save, by the hook
    /// [`lifetime`](crate::SessionInterface::lifetime); `None` for a session that ends with the
    /// browser.
    pub fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    /// Returns when the session expires, for the cookie; `None` for a session that ends with the
    /// browser.
    ///
    /// For the stored record, use
    /// [`SessionConfig::record_expiry`](crate::SessionConfig::record_expiry) with
    /// [`lifetime`](Self::lifetime), the creation time of the session and
    /// [`Save::now`](super::Save::now).
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at
    }
}

impl fmt::Debug for Contents {
    /// Shows the number of keys and the lifetime, but no key, no value and no owner.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents")
            .field("keys", &self.stored.values().len())
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}
