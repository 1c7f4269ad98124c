//! The session interface: what a backend that owns the whole session implements, and the hooks to change one thing.

mod contexts;

use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{CookieAction, CookieAttributes, Error, RequestView, Session, SessionConfig};

pub use contexts::{OpenContext, SaveContext};

/// Opens the session of a request and saves it again: Flask's `SessionInterface`.
///
/// The core calls [`open`](Self::open) when something first asks for the session, and [`save`](Self::save) when the
/// response is ready and something must be stored. In between it asks the hooks, on the outermost interface, once per
/// request, and hands the answers to both. So a wrapper that overrides one hook changes every backend under it.
///
/// # Writing one
///
/// The whole of a backend that keeps the session in a cookie, in the clear, and so for settings only:
///
/// ```
/// use session_core::{
///     CookieAction, Error, OpenContext, SaveContext, Session, SessionConfig, SessionInterface, async_trait,
/// };
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
///     async fn open(&self, context: &OpenContext<'_>) -> Result<Session, Error> {
///         let payload = context.cookie().unwrap_or("").replace('\'', "\"");
///         Ok(Session::from_payload(payload).unwrap_or_else(|_| Session::new()))
///     }
///
///     async fn save(&self, session: &Session, _: &SaveContext<'_>) -> Result<CookieAction, Error> {
///         if session.is_empty() {
///             return Ok(CookieAction::Remove);
///         }
///         Ok(CookieAction::Set(session.payload().replace('"', "'")))
///     }
/// }
/// ```
///
/// # Wrapping one
///
/// Forward the three required methods, override what is to change, and forward every hook that the wrapped interface
/// may itself override:
///
/// ```
/// # use session_core::{
/// #     CookieAction, Error, OpenContext, SaveContext, Session, SessionConfig, SessionInterface, async_trait,
/// # };
/// use std::time::Duration;
///
/// /// Administrators are logged out after ten minutes.
/// #[derive(Debug)]
/// struct ShortForAdmins<I>(I);
///
/// #[async_trait]
/// impl<I: SessionInterface> SessionInterface for ShortForAdmins<I> {
///     fn config(&self) -> &SessionConfig {
///         self.0.config()
///     }
///
///     async fn open(&self, context: &OpenContext<'_>) -> Result<Session, Error> {
///         self.0.open(context).await
///     }
///
///     async fn save(&self, session: &Session, context: &SaveContext<'_>) -> Result<CookieAction, Error> {
///         self.0.save(session, context).await
///     }
///
///     fn should_save(&self, session: &Session) -> bool {
///         self.0.should_save(session)
///     }
///
///     fn lifetime(&self, session: &Session) -> Option<Duration> {
///         if session.contains_key("admin") { Some(Duration::from_secs(600)) } else { self.0.lifetime(session) }
///     }
/// }
/// ```
#[async_trait]
pub trait SessionInterface: Debug + Send + Sync + 'static {
    /// The settings that the hooks read.
    ///
    /// ```
    /// # use session_core::{NullSessions, SessionInterface};
    /// assert_eq!(NullSessions::new("no key").config().cookie_name(), "session");
    /// ```
    fn config(&self) -> &SessionConfig;

    /// The session that this request brings.
    ///
    /// A missing, expired, unknown or tampered cookie is a fresh, empty session ([`Session::new`]), never an error and
    /// never the adoption of an id that the client made up (OWASP ASVS 5, 7.2). What is stored but does not parse is a
    /// fresh session and a warning in the log.
    ///
    /// It is called at most once per request, may run for several requests of one session at once, and may be cancelled
    /// at any await: it must leave nothing half done.
    ///
    /// # Errors
    ///
    /// Only if the backend itself failed; the adapter then answers as the application chose ([`OnOutage`]).
    ///
    /// [`OnOutage`]: crate::OnOutage
    async fn open(&self, context: &OpenContext<'_>) -> Result<Session, Error>;

    /// Stores what changed, and says what must become of the cookie.
    ///
    /// It is called when the request is committed, and for each [`Session::save`] before, with a session that nobody
    /// changes meanwhile; if [`should_save`](Self::should_save) says so, and never for a null or anonymous session. A session
    /// that is empty and modified has ended: remove it. One that is not modified is to be renewed. The core renders the
    /// cookie, with `Vary`, and drops a [`CookieAction::Set`] that `should_set_cookie` did not allow.
    ///
    /// If it is cancelled, the client saw no response: what was stored may stay or not, but must be whole.
    ///
    /// # Errors
    ///
    /// If the change could not be stored. The response becomes an error response: nothing is reported as done that was
    /// not.
    async fn save(&self, session: &Session, context: &SaveContext<'_>) -> Result<CookieAction, Error>;

    /// The cookie's name for this request. It may depend on the host, for one service under several.
    ///
    /// ```
    /// # use session_core::{NullSessions, RequestView, SessionInterface};
    /// let interface = NullSessions::new("no key");
    /// assert_eq!(interface.cookie_name(&RequestView::default()), "session");
    /// ```
    fn cookie_name(&self, request: &RequestView) -> Cow<'_, str> {
        let _ = request;
        Cow::Borrowed(self.config().cookie_name())
    }

    /// The attributes that the cookie is set with, and removed with.
    ///
    /// ```
    /// # use session_core::{NullSessions, RequestView, Session, SessionInterface};
    /// let interface = NullSessions::new("no key");
    /// let attributes = interface.cookie_attributes(&RequestView::default(), &Session::new());
    /// assert!(attributes.http_only());
    /// ```
    fn cookie_attributes(&self, request: &RequestView, session: &Session) -> Cow<'_, CookieAttributes> {
        let _ = (request, session);
        Cow::Borrowed(self.config().cookie_attributes())
    }

    /// How long the session lives after it is saved, or `None` if it ends with the browser. Obeyed by the cookie's
    /// `Expires` and by the stored expiry alike.
    ///
    /// ```
    /// # use session_core::{NullSessions, Session, SessionInterface};
    /// let interface = NullSessions::new("no key");
    /// assert_eq!(interface.lifetime(&Session::new()), None);
    /// ```
    fn lifetime(&self, session: &Session) -> Option<Duration> {
        session.is_permanent().then(|| self.config().permanent_lifetime())
    }

    /// Whether the response sets the cookie: if the session is modified, or
    /// [renewed](SessionConfig::renews). A removal does not ask. Nor does a request that never opened its session.
    ///
    /// ```
    /// # use session_core::{NullSessions, Session, SessionInterface};
    /// let interface = NullSessions::new("no key");
    /// assert!(!interface.should_set_cookie(&Session::new()));
    /// ```
    fn should_set_cookie(&self, session: &Session) -> bool {
        session.is_modified() || self.config().renews(session)
    }

    /// Whether [`save`](Self::save) is called for this session. A backend that renews what it stored, although the cookie
    /// stays as it is, says so here.
    ///
    /// ```
    /// # use session_core::{NullSessions, Session, SessionInterface};
    /// assert!(!NullSessions::new("no key").should_save(&Session::new()));
    /// ```
    fn should_save(&self, session: &Session) -> bool {
        session.is_modified() || self.should_set_cookie(session)
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

            async fn open(&self, context: &OpenContext<'_>) -> Result<Session, Error> {
                (**self).open(context).await
            }

            async fn save(&self, session: &Session, context: &SaveContext<'_>) -> Result<CookieAction, Error> {
                (**self).save(session, context).await
            }

            fn cookie_name(&self, request: &RequestView) -> Cow<'_, str> {
                (**self).cookie_name(request)
            }

            fn cookie_attributes(&self, request: &RequestView, session: &Session) -> Cow<'_, CookieAttributes> {
                (**self).cookie_attributes(request, session)
            }

            fn lifetime(&self, session: &Session) -> Option<Duration> {
                (**self).lifetime(session)
            }

            fn should_set_cookie(&self, session: &Session) -> bool {
                (**self).should_set_cookie(session)
            }

            fn should_save(&self, session: &Session) -> bool {
                (**self).should_save(session)
            }
        }
    };
}

forward!(Arc);
forward!(Box);
