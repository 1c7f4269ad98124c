//! A wrapper that changes hooks of another interface.

use std::borrow::Cow;
use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use super::contract::SessionInterface;
use super::inspect::SessionState;
use super::open::OpenContext;
use super::opened::Opened;
use super::owners::{OwnedSession, OwnerSessions, SessionPage};
use super::save::Save;
use super::saved::Saved;
use super::view::SessionView;
use crate::config::SessionConfig;
use crate::cookie::CookieAttributes;
use crate::error::Error;
use crate::request_view::RequestView;
use crate::session::Session;

/// Changes to the hooks of another interface. Each function receives the result of the wrapped
/// interface, and returns this result by default.
///
/// [`SessionInterface`] describes each hook.
pub trait Hooks: Debug + Send + Sync + 'static {
    /// Returns the name of the cookie for this request.
    fn cookie_name<'a>(&'a self, request: &RequestView, inner: Cow<'a, str>) -> Cow<'a, str> {
        let _ = request;
        inner
    }

    /// Returns the attributes for setting and removing the cookie.
    fn cookie_attributes<'a>(
        &'a self,
        request: &RequestView,
        session: &SessionView<'_>,
        inner: Cow<'a, CookieAttributes>,
    ) -> Cow<'a, CookieAttributes> {
        let _ = (request, session);
        inner
    }

    /// Returns the lifetime of the session after a save.
    fn lifetime(&self, session: &SessionView<'_>, inner: Option<Duration>) -> Option<Duration> {
        let _ = session;
        inner
    }

    /// Returns whether the response sets the cookie.
    fn should_set_cookie(&self, session: &SessionView<'_>, inner: bool) -> bool {
        let _ = session;
        inner
    }
}

/// An interface that wraps another interface and changes its hooks.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use session_core::interface::{Hooked, Hooks, SessionView};
/// # use session_core::interface::NullSessions;
///
/// /// Sessions of administrators expire after ten minutes.
/// #[derive(Debug)]
/// struct ShortForAdministrators;
///
/// impl Hooks for ShortForAdministrators {
///     fn lifetime(&self, session: &SessionView<'_>, inner: Option<Duration>) -> Option<Duration> {
///         if session.contains_key("admin") { Some(Duration::from_secs(600)) } else { inner }
///     }
/// }
///
/// # let sessions = NullSessions::new("set SECRET_KEY to enable sessions");
/// let sessions = Hooked::new(sessions, ShortForAdministrators);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Hooked<I, H> {
    inner: I,
    hooks: H,
}

impl<I, H> Hooked<I, H> {
    /// Wraps an interface.
    pub const fn new(inner: I, hooks: H) -> Self {
        Self { inner, hooks }
    }

    /// Returns the wrapped interface.
    pub const fn inner(&self) -> &I {
        &self.inner
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<I: SessionInterface, H: Hooks> SessionInterface for Hooked<I, H> {
    fn config(&self) -> &SessionConfig {
        self.inner.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        self.inner.open(context).await
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        self.inner.save(save).await
    }

    fn cookie_name(&self, request: &RequestView) -> Cow<'_, str> {
        self.hooks.cookie_name(request, self.inner.cookie_name(request))
    }

    fn cookie_attributes(
        &self,
        request: &RequestView,
        session: &SessionView<'_>,
    ) -> Cow<'_, CookieAttributes> {
        let inner = self.inner.cookie_attributes(request, session);
        self.hooks.cookie_attributes(request, session, inner)
    }

    fn lifetime(&self, session: &SessionView<'_>) -> Option<Duration> {
        self.hooks.lifetime(session, self.inner.lifetime(session))
    }

    fn should_set_cookie(&self, session: &SessionView<'_>) -> bool {
        self.hooks.should_set_cookie(session, self.inner.should_set_cookie(session))
    }

    async fn limit_sessions(&self, owner: &str, limit: usize) -> Result<Vec<OwnedSession>, Error> {
        self.inner.limit_sessions(owner, limit).await
    }

    async fn check(&self) -> Result<(), Error> {
        self.inner.check().await
    }

    fn lineage(&self, session: &SessionState) -> Option<[u8; 16]> {
        self.inner.lineage(session)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<I: OwnerSessions, H: Hooks> OwnerSessions for Hooked<I, H> {
    async fn page(
        &self,
        owner: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<SessionPage, Error> {
        self.inner.page(owner, after, limit).await
    }

    fn handle_of(&self, session: &Session) -> Option<String> {
        self.inner.handle_of(session)
    }

    async fn end(&self, owner: &str, handle: &str) -> Result<bool, Error> {
        self.inner.end(owner, handle).await
    }

    async fn end_others(&self, session: &Session) -> Result<usize, Error> {
        self.inner.end_others(session).await
    }

    async fn end_all(&self, owner: &str) -> Result<usize, Error> {
        self.inner.end_all(owner).await
    }
}
