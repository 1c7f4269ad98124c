//! The result of `SessionInterface::save`.

use std::fmt;
use std::time::SystemTime;

use super::contents::Contents;
use crate::outcome::Outcome;
use crate::session::{Renewal, SessionDetails};

/// The result of a save: the effect of the response on the cookie, and the outcome for the session.
#[derive(Debug)]
pub struct Saved {
    pub(crate) cookie: CookieAction,
    pub(crate) outcome: Outcome,
    pub(crate) contents: Option<Contents>,
    pub(crate) renewal: Option<Renewal>,
    pub(crate) details: Option<SessionDetails>,
}

/// The effect of the response on the session cookie.
#[derive(Clone, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum CookieAction {
    /// Leaves the client's cookie as it is.
    ///
    /// Return this action if the changes were dropped, or were stored under an id that another
    /// request sends. An earlier save of this request may have set a `Set-Cookie` header. `Keep`
    /// discards this header if the header only repeats the value that the request sent. A header
    /// that changes or removes the value stays.
    #[default]
    Keep,
    /// Sets the cookie.
    Set {
        /// The value: only `cookie-octet` characters (RFC 6265bis, section 4.1.1). The save fails
        /// with [`ErrorKind::Backend`](crate::ErrorKind::Backend) if the value has other
        /// characters.
        value: String,
        /// The expiry. A cookie backend uses [`Contents::expires_at`]. A server-side backend uses
        /// the later of this time and the record's expiry. It renews the cookie only when the
        /// record's slack is used up. With `None`, the browser removes the cookie when the browser
        /// closes.
        expires: Option<SystemTime>,
    },
    /// Removes the cookie.
    Remove,
}

impl Saved {
    /// Returns a result with this effect on the cookie.
    ///
    /// The core ignores [`CookieAction::Set`] if the hook
    /// [`should_set_cookie`](crate::SessionInterface::should_set_cookie) returned `false`.
    #[inline]
    pub fn new(cookie: CookieAction, outcome: Outcome) -> Self {
        Self { cookie, outcome, contents: None, renewal: None, details: None }
    }

    /// Returns the result of a save that had nothing to store.
    pub fn unchanged() -> Self {
        Self::new(CookieAction::Keep, Outcome::Unchanged)
    }

    /// Returns the result of a save that found the session ended by another request. The cookie is
    /// unchanged, because it may belong to a newer session.
    pub fn dropped() -> Self {
        Self::new(CookieAction::Keep, Outcome::Dropped)
    }

    /// Returns the outcome for the session.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Returns the effect of the response on the cookie.
    pub fn cookie(&self) -> &CookieAction {
        &self.cookie
    }

    /// Returns the stored contents, if they were set.
    pub fn contents(&self) -> Option<&Contents> {
        self.contents.as_ref()
    }

    /// Sets the stored contents. Pass the result of [`Save::merge`](super::Save::merge) if the
    /// interface stored it instead of [`Save::contents`](super::Save::contents). The core applies
    /// the changes made during the save to these contents, and shows the result to the handler.
    /// Without this call, the handler continues to read its own values, without the values of other
    /// requests.
    #[must_use]
    pub fn with_contents(mut self, contents: impl Into<Option<Contents>>) -> Self {
        self.contents = contents.into();
        self
    }

    /// Sets the renewal for later saves of the same request. The renewal matters after
    /// [`Session::save`](crate::Session::save), because the commit may be much later. Without this
    /// call, this request does not renew the session again. The core ignores the renewal unless the
    /// outcome is [`Outcome::Stored`]. The next request uses
    /// [`Opened::with_renewal`](super::Opened::with_renewal).
    #[inline]
    #[must_use]
    pub fn with_renewal(mut self, renewal: Renewal) -> Self {
        self.renewal = Some(renewal);
        self
    }

    /// Sets the details that [`Session::details`](crate::Session::details) returns after the save.
    /// Without this call, the details do not change. After [`CookieAction::Remove`] and
    /// [`Outcome::Dropped`], all details are unknown.
    #[inline]
    #[must_use]
    pub fn with_details(mut self, details: SessionDetails) -> Self {
        self.details = Some(details);
        self
    }
}

impl fmt::Debug for CookieAction {
    /// Omits the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keep => f.write_str("Keep"),
            Self::Set { expires, .. } => {
                f.debug_struct("Set").field("expires", expires).finish_non_exhaustive()
            }
            Self::Remove => f.write_str("Remove"),
        }
    }
}
