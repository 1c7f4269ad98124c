//! The login of a session, with its owner, its time and its stamp.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The login of a session: its owner, its time and its stamp.
///
/// The login is stored beside the values, where no handler can write. Therefore a handler that
/// stores keys chosen by a client cannot forge a login.
#[derive(Clone, Eq, PartialEq)]
pub struct Login {
    parts: Arc<Parts>,
}

#[derive(Eq, PartialEq)]
struct Parts {
    owner: Box<str>,
    authenticated_at: SystemTime,
    stamp: Option<Box<str>>,
}

impl Login {
    /// Returns a login of this owner at this time. The time is stored to the millisecond.
    pub fn new(owner: &str, authenticated_at: SystemTime) -> Self {
        Self::with_parts(owner, authenticated_at, None)
    }

    /// Sets the stamp; see [`crate::login`].
    #[must_use]
    pub fn with_stamp<'a>(self, stamp: impl Into<Option<&'a str>>) -> Self {
        Self::with_parts(self.owner(), self.authenticated_at(), stamp.into())
    }

    fn with_parts(owner: &str, authenticated_at: SystemTime, stamp: Option<&str>) -> Self {
        let since = authenticated_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let whole = Duration::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
        let authenticated_at =
            SystemTime::UNIX_EPOCH.checked_add(whole).unwrap_or(SystemTime::UNIX_EPOCH);
        let (owner, stamp) = (owner.into(), stamp.map(Into::into));
        Self { parts: Arc::new(Parts { owner, authenticated_at, stamp }) }
    }

    /// Returns the owner, which is the application's identifier of the user.
    pub fn owner(&self) -> &str {
        &self.parts.owner
    }

    /// Returns the time when the user was authenticated.
    pub fn authenticated_at(&self) -> SystemTime {
        self.parts.authenticated_at
    }

    /// Returns the stamp of the login.
    pub fn stamp(&self) -> Option<&str> {
        self.parts.stamp.as_deref()
    }
}

impl fmt::Debug for Login {
    /// Shows the time, but neither the owner nor the stamp.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("authenticated_at", &self.parts.authenticated_at)
            .finish_non_exhaustive()
    }
}
