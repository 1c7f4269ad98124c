//! The lifetime of a session after its last save or renewal.

use std::time::Duration;

/// The lifetime of a session after its last save or renewal.
///
/// Interfaces obtain a lifetime from
/// [`OpenContext::lifetime`](crate::interface::OpenContext::lifetime) and
/// [`Contents::lifetime`](crate::interface::Contents::lifetime), and pass it to the functions of
/// [`SessionConfig`](crate::SessionConfig) that compute an expiry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lifetime {
    permanent: Option<Duration>,
    limit: Option<Duration>,
}

impl Lifetime {
    /// Returns a lifetime of at most `limit`.
    pub(crate) fn limited(permanent: Option<Duration>, limit: Option<Duration>) -> Self {
        let permanent = permanent.map(|lifetime| limit.map_or(lifetime, |most| lifetime.min(most)));
        Self { permanent, limit }
    }

    /// Returns the lifetime. Returns `None` for a session that ends with the browser, because the
    /// cookie of the session has no expiry.
    pub const fn permanent(self) -> Option<Duration> {
        self.permanent
    }

    /// Returns the lifetime of the stored data, or `browser` if the session ends with the browser.
    /// For a session without an owner, [`visitor_lifetime`](crate::SessionConfig::visitor_lifetime)
    /// limits the result.
    pub fn unwrap_or(self, browser: Duration) -> Duration {
        let lifetime = self.permanent.unwrap_or(browser);
        self.limit.map_or(lifetime, |limit| lifetime.min(limit))
    }

    /// Returns the lifetime that a read extends by setting the cookie, if the session has such a
    /// lifetime.
    pub(crate) fn in_cookie(self) -> Option<Duration> {
        self.permanent.or(self.limit)
    }
}

impl From<Option<Duration>> for Lifetime {
    fn from(permanent: Option<Duration>) -> Self {
        Self { permanent, limit: None }
    }
}

impl From<Duration> for Lifetime {
    fn from(lifetime: Duration) -> Self {
        Self::from(Some(lifetime))
    }
}
