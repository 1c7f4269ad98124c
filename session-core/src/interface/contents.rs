//! The data that a save stores.

use std::fmt;
use std::time::SystemTime;

use super::login_key;
use crate::session::stored::StoredData;
use crate::session::values::Values;
use crate::session::{Lifetime, Login};

/// The data that a save stores: the payload, the owner and the lifetime.
#[derive(Clone)]
pub struct Contents {
    pub(crate) stored: StoredData,
    pub(crate) lifetime: Lifetime,
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

    /// Appends the payload to a buffer, without an intermediate copy.
    pub fn append_payload(&self, buffer: &mut Vec<u8>) {
        self.stored.values().append_payload(buffer);
    }

    /// Returns the payload including the login, for backends that store only the payload. Handlers
    /// cannot write the key of the login.
    /// [`Opened::from_payload_with_login`](super::Opened::from_payload_with_login) reads the
    /// result.
    pub fn payload_with_login(&self) -> String {
        login_key::with_login(&self.stored, Values::to_payload)
    }

    /// Appends the [payload with the login](Self::payload_with_login) to a buffer.
    pub fn append_payload_with_login(&self, buffer: &mut Vec<u8>) {
        login_key::with_login(&self.stored, |values| values.append_payload(buffer));
    }

    /// Returns whether the session has neither values nor a login.
    ///
    /// A save that leaves the session empty ends the session. Remove the stored session at the
    /// version whose contents were merged, call [`Save::forget`](super::Save::forget), and return
    /// [`CookieAction::Remove`](super::CookieAction::Remove).
    pub fn is_empty(&self) -> bool {
        self.stored.is_empty()
    }

    /// Returns the login, to be stored with the payload. To read it back, use [`Login::new`] and
    /// [`Login::with_stamp`].
    pub fn login(&self) -> Option<&Login> {
        self.stored.login.as_ref()
    }

    /// Returns the owner: the user who is logged in.
    pub fn owner(&self) -> Option<&str> {
        self.stored.owner()
    }

    /// Returns the lifetime of the session after this save, from
    /// [`set_lifetime`](crate::Session::set_lifetime) or the hook
    /// [`lifetime`](crate::SessionInterface::lifetime).
    pub fn lifetime(&self) -> Lifetime {
        self.lifetime
    }

    /// Returns the expiry of the cookie, or `None` for a session that ends with the browser.
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
