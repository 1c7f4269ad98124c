//! The trait that a backend implements, and its hooks.

use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::inspect::SessionState;
use super::open::OpenContext;
use super::opened::Opened;
use super::owners::OwnedSession;
use super::save::Save;
use super::saved::Saved;
use super::view::SessionView;
use crate::config::SessionConfig;
use crate::cookie::CookieAttributes;
use crate::error::{Error, ErrorKind};
use crate::request_view::RequestView;

/// A backend, which opens the session of a request and saves it again. This is Flask's
/// `SessionInterface`.
///
/// The core calls [`open`](Self::open) when a handler first obtains the session, and
/// [`save`](Self::save) when the response is ready and there are changes to store. With
/// [`Refresh::EachRequest`](crate::Refresh), the core opens an unused session when the response is
/// ready. The core calls the hooks of the outermost interface. Therefore a wrapper that overrides
/// one hook changes every backend inside it; see [`Hooked`](crate::interface::Hooked).
///
/// Hooks are functions of their arguments. The core never calls a hook under a lock. It calls
/// `cookie_name` at most once per request, and `cookie_attributes` and `should_set_cookie` at most
/// once per save. It calls `cookie_attributes` once more to remove the cookie with flash messages.
/// It calls `lifetime` once when a session is opened, if the backend needs the lifetime, and once
/// for each payload that is stored. When a session ends, the core calls the backend first, so that
/// no hook can prevent a logout. Afterwards it calls only `cookie_attributes`, unless a new session
/// starts.
///
/// # Examples
///
/// A backend that stores the session in a cookie without protection, for settings only:
///
/// ```
/// use session_core::interface::{CookieAction, OpenContext, Opened, Save, Saved};
/// use session_core::{Error, Outcome, SessionConfig, SessionInterface, async_trait};
///
/// #[derive(Debug)]
/// struct PlainCookie(SessionConfig);
///
/// #[async_trait]
/// impl SessionInterface for PlainCookie {
///     fn config(&self) -> &SessionConfig {
///         &self.0
///     }
///
///     async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
///         let payload = context.cookie().unwrap_or("").replace('\'', "\"");
///         Ok(Opened::from_payload(payload).unwrap_or_else(|_| Opened::new()))
///     }
///
///     async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
///         let contents = save.contents();
///         let cookie = if contents.is_empty() {
///             CookieAction::Remove
///         } else {
///             let value = contents.payload().replace('"', "'");
///             CookieAction::Set { value, expires: contents.expires_at() }
///         };
///         Ok(Saved::new(cookie, Outcome::Stored))
///     }
/// }
/// ```
#[async_trait]
pub trait SessionInterface: Debug + Send + Sync + 'static {
    /// Returns the settings.
    fn config(&self) -> &SessionConfig;

    /// Opens the session of a request.
    ///
    /// Returns [`Opened::new`] if the cookie is missing, expired, unknown or tampered with. An id
    /// that the client made up must never become the id of a session (OWASP ASVS 5, 7.2). If
    /// [`Opened::from_payload`] fails, the interface must log a warning and return [`Opened::new`]
    /// without the backend state of the malformed record. The next save then stores a new session
    /// under a new id.
    ///
    /// The core calls `open` at most once per request, but concurrently for requests of one
    /// session. If a request sends several session cookies, the core calls `open` for each distinct
    /// value, at most four times. [`OpenContext::cookie`] returns this value. The core then uses
    /// one of the sessions, and saves the others only to end them.
    ///
    /// The future may be dropped at any await, and must then leave no partial change.
    ///
    /// # Errors
    ///
    /// Fails only if the backend failed. The adapter then applies the
    /// [`OutagePolicy`](crate::OutagePolicy).
    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error>;

    /// Stores the changes and returns the effect on the cookie.
    ///
    /// The core calls `save` at the commit and for each [`Session::save`](crate::Session::save) if
    /// there are changes to store or the [renewal](Opened::with_renewal) is due. It also calls
    /// `save` if `should_set_cookie` returned `true`. It never calls `save` for a null or anonymous
    /// session, and never concurrently for one request.
    ///
    /// A session that [ends](Save::ends) must be removed first. A session that is not
    /// [modified](Save::is_modified) must only be renewed. If [`is_detached`](Save::is_detached)
    /// returns `true`, a save that needs a new cookie must store nothing.
    ///
    /// If the future is dropped, the store may have the old or the new session, but nothing in
    /// between. Call [`Save::remember`] before a store call whose result matters to a later save.
    ///
    /// # Errors
    ///
    /// Fails if the changes could not be stored. The core keeps the changes, and saves them again
    /// at the commit if this was a manual save. After a failed commit, the response becomes an
    /// error response.
    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error>;

    /// Returns the name of the cookie for this request, which may depend on the host.
    fn cookie_name(&self, request: &RequestView) -> Cow<'_, str> {
        let _ = request;
        Cow::Borrowed(self.config().cookie_name())
    }

    /// Returns the attributes for setting and removing the cookie.
    fn cookie_attributes(
        &self,
        request: &RequestView,
        session: &SessionView<'_>,
    ) -> Cow<'_, CookieAttributes> {
        let _ = (request, session);
        Cow::Borrowed(self.config().cookie_attributes())
    }

    /// Returns the lifetime of the session after a save, or `None` if the session ends with the
    /// browser. This lifetime determines the expiry of the cookie and of the record. The hook is
    /// not called for a session whose handler has called
    /// [`set_lifetime`](crate::Session::set_lifetime).
    ///
    /// By default, a [permanent](SessionView::is_permanent) session has the lifetime
    /// [`permanent_lifetime`](SessionConfig::permanent_lifetime).
    fn lifetime(&self, session: &SessionView<'_>) -> Option<Duration> {
        session.is_permanent().then(|| self.config().permanent_lifetime())
    }

    /// Returns whether the response sets the cookie. The hook does not affect the removal of a
    /// cookie, and is not called for a request whose session was not opened.
    ///
    /// By default, the cookie is set if the session is [modified](SessionView::is_modified) or
    /// [renewed](SessionView::is_renewed). A backend whose cookie contains only an id returns
    /// [`is_cookie_due`](SessionView::is_cookie_due) instead.
    fn should_set_cookie(&self, session: &SessionView<'_>) -> bool {
        session.is_modified() || session.is_renewed()
    }

    /// Ends the sessions of an owner except the `limit` sessions with the latest logins. Returns
    /// the remaining sessions, the latest login first. If
    /// [`max_sessions`](SessionConfig::max_sessions) is set, a login calls this method twice. The
    /// first call is before the session is stored, to find the time of the last login. The second
    /// call is after the session is stored.
    ///
    /// Every process must compute the same order: the time of the login, then the handle. Otherwise
    /// two logins could end each other. Sessions that have expired, or that no client has yet, do
    /// not count.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the backend cannot find the sessions of an owner. The
    /// default implementation always fails.
    async fn limit_sessions(&self, owner: &str, limit: usize) -> Result<Vec<OwnedSession>, Error> {
        let _ = (owner, limit);
        let message = "backend cannot find the sessions of an owner; \
                       a maximum number of sessions needs a store with an index of owners";
        Err(Error::new(ErrorKind::Configuration, message))
    }

    /// Checks whether the backend can serve sessions, for health checks. The call has a low cost
    /// and changes nothing.
    ///
    /// By default, the check succeeds, as for a session in a cookie. A backend with a store calls
    /// [`SessionStore::check`](crate::store::SessionStore::check).
    ///
    /// # Errors
    ///
    /// Returns the error that requests would receive, such as
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable).
    async fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Returns random bytes that the backend stores with the session, where neither the client nor
    /// a handler can read them. The bytes must stay the same when the id is rotated and change at
    /// each login. The CSRF protection derives its tokens from the bytes.
    ///
    /// The default is `None`. The protection then stores a value in the session instead. The method
    /// must also return `None` as long as the session is not stored.
    fn lineage(&self, session: &SessionState) -> Option<[u8; 16]> {
        let _ = session;
        None
    }
}

macro_rules! forward {
    ($pointer:ident) => {
        #[deny(clippy::missing_trait_methods)]
        #[async_trait]
        impl<I: SessionInterface + ?Sized> SessionInterface for $pointer<I> {
            fn config(&self) -> &SessionConfig {
                (**self).config()
            }

            async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
                (**self).open(context).await
            }

            async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
                (**self).save(save).await
            }

            fn cookie_name(&self, request: &RequestView) -> Cow<'_, str> {
                (**self).cookie_name(request)
            }

            fn cookie_attributes(
                &self,
                request: &RequestView,
                session: &SessionView<'_>,
            ) -> Cow<'_, CookieAttributes> {
                (**self).cookie_attributes(request, session)
            }

            fn lifetime(&self, session: &SessionView<'_>) -> Option<Duration> {
                (**self).lifetime(session)
            }

            fn should_set_cookie(&self, session: &SessionView<'_>) -> bool {
                (**self).should_set_cookie(session)
            }

            async fn limit_sessions(
                &self,
                owner: &str,
                limit: usize,
            ) -> Result<Vec<OwnedSession>, Error> {
                (**self).limit_sessions(owner, limit).await
            }

            async fn check(&self) -> Result<(), Error> {
                (**self).check().await
            }

            fn lineage(&self, session: &SessionState) -> Option<[u8; 16]> {
                (**self).lineage(session)
            }
        }
    };
}

forward!(Arc);
forward!(Box);
