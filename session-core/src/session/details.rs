//! The details of a session: its public handle, creation time and expiry.

use std::fmt;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// The handle, the creation time and the expiry of a stored session.
///
/// An interface attaches the details with
/// [`Opened::with_details`](crate::interface::Opened::with_details) and
/// [`Saved::with_details`](crate::interface::Saved::with_details). Handlers read the details with
/// [`Session::details`](crate::Session::details). Each detail is `None` if the session is not
/// stored yet, or if the backend does not have this detail:
///
/// | backend | handle | creation | expiry |
/// |---|---|---|---|
/// | server-side | yes | yes | yes |
/// | sealed cookie | no | yes | yes |
/// | signed cookie | no | no: Flask's format has no such field | yes |
#[derive(Clone, Default, Eq, PartialEq)]
pub struct SessionDetails {
    handle: Option<Handle>,
    owner: Option<Box<str>>,
    created_at: Option<SystemTime>,
    expires_at: Option<SystemTime>,
}

#[derive(Clone, Eq, PartialEq)]
enum Handle {
    Named(Box<str>),
    Seeded([u8; 16]),
}

impl SessionDetails {
    /// Returns details without a handle, a creation time and an expiry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the handle. It must be the handle that [`OwnerSessions`](crate::OwnerSessions) returns
    /// for the session, and must stay the same until a login. It must not help to guess the id.
    #[must_use]
    pub fn with_handle(mut self, handle: impl Into<Box<str>>) -> Self {
        self.handle = Some(Handle::Named(handle.into()));
        self
    }

    /// Sets random bytes that are stored with the session and stay the same until a login. Each
    /// read of the handle computes [`session_handle`] of these bytes and the owner.
    #[must_use]
    pub fn with_handle_seed(mut self, seed: [u8; 16]) -> Self {
        self.handle = Some(Handle::Seeded(seed));
        self
    }

    /// Sets the creation time of the session, or the time of the last login.
    #[must_use]
    pub fn with_created_at(mut self, created_at: SystemTime) -> Self {
        self.created_at = Some(created_at);
        self
    }

    /// Sets the expiry of the session if no request renews the session.
    #[must_use]
    pub fn with_expires_at(mut self, expires_at: SystemTime) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// Sets the owner, on whom the handle depends.
    pub(crate) fn with_owner(mut self, owner: Option<&str>) -> Self {
        self.owner = owner.map(Into::into);
        self
    }

    /// Returns the public handle of the session. The handle identifies the session in a log, on a
    /// page or for a rate limit. The handle is not an id, and no cookie can be derived from the
    /// handle.
    ///
    /// The handle stays the same when the id changes. A login starts another session and changes
    /// the handle. If the session has an owner, the handle is equal to
    /// [`OwnedSession::handle`](crate::OwnedSession::handle) and
    /// [`OwnerSessions::handle_of`](crate::OwnerSessions::handle_of).
    pub fn handle(&self) -> Option<String> {
        self.handle_for(self.owner.as_deref())
    }

    /// Returns the handle if the session has this owner.
    pub(crate) fn handle_for(&self, owner: Option<&str>) -> Option<String> {
        self.handle.as_ref().map(|handle| match handle {
            Handle::Named(handle) => handle.to_string(),
            Handle::Seeded(seed) => session_handle(seed, owner),
        })
    }

    pub(crate) fn has_handle(&self) -> bool {
        self.handle.is_some()
    }

    /// Returns the time when the session was created, or when the user last logged in. The
    /// [`absolute_timeout`](crate::SessionConfig::absolute_timeout) counts from this time.
    pub fn created_at(&self) -> Option<SystemTime> {
        self.created_at
    }

    /// Returns the expiry of the session by the current settings, if no request renews the session.
    /// The browser may drop the cookie earlier, because the session may end with the browser.
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at
    }
}

impl fmt::Debug for SessionDetails {
    /// Shows the times, but neither the handle nor the owner.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionDetails")
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Returns the handle of the session with this seed and owner, for implementors of
/// [`OwnerSessions`](crate::OwnerSessions). Another owner cannot use the handle.
pub fn session_handle(seed: &[u8; 16], owner: Option<&str>) -> String {
    let mut hash = Sha256::new();
    hash.update(match owner {
        Some(_) => &b"handle of an owned session\0"[..],
        None => b"handle of a visitor's session\0",
    });
    hash.update(seed);
    hash.update(owner.unwrap_or_default());
    URL_SAFE_NO_PAD.encode(&hash.finalize()[..16])
}
