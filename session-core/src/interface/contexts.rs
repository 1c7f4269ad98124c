//! What an interface is told when it opens and when it saves: the request, and the hooks' answers.

use std::time::{Duration, SystemTime};

#[cfg(doc)]
use crate::CookieAction;
use crate::{CookieAttributes, RequestView, Session, SessionConfig, SessionInterface};

/// What [`SessionInterface::open`] is told.
///
/// ```
/// use session_core::OpenContext;
///
/// fn has_cookie(context: &OpenContext<'_>) -> bool {
///     context.cookie().is_some()
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct OpenContext<'a> {
    pub(crate) interface: &'a dyn SessionInterface,
    pub(crate) request: &'a RequestView,
    pub(crate) cookie_name: &'a str,
    pub(crate) now: SystemTime,
}

impl<'a> OpenContext<'a> {
    /// The request.
    ///
    /// ```
    /// # use session_core::OpenContext;
    /// fn path<'a>(context: &OpenContext<'a>) -> &'a str {
    ///     context.request().path()
    /// }
    /// ```
    pub fn request(&self) -> &'a RequestView {
        self.request
    }

    /// The name of the session cookie in this request.
    ///
    /// ```
    /// # use session_core::OpenContext;
    /// fn name<'a>(context: &OpenContext<'a>) -> &'a str {
    ///     context.cookie_name()
    /// }
    /// ```
    pub fn cookie_name(&self) -> &'a str {
        self.cookie_name
    }

    /// The value of the session cookie, if the request brings one; the first, if it brings several.
    ///
    /// ```
    /// # use session_core::OpenContext;
    /// fn value<'a>(context: &OpenContext<'a>) -> Option<&'a str> {
    ///     context.cookie()
    /// }
    /// ```
    pub fn cookie(&self) -> Option<&'a str> {
        self.request.cookie(self.cookie_name)
    }

    /// The time of this request.
    ///
    /// ```
    /// # use session_core::OpenContext;
    /// # use std::time::SystemTime;
    /// fn now(context: &OpenContext<'_>) -> SystemTime {
    ///     context.now()
    /// }
    /// ```
    pub fn now(&self) -> SystemTime {
        self.now
    }

    /// What the outermost interface's [`lifetime`](SessionInterface::lifetime) says of a session: for a backend that
    /// judges the age of what it reads.
    ///
    /// ```
    /// # use session_core::{OpenContext, Session};
    /// fn is_permanent(context: &OpenContext<'_>, session: &Session) -> bool {
    ///     context.lifetime(session).is_some()
    /// }
    /// ```
    pub fn lifetime(&self, session: &Session) -> Option<Duration> {
        self.interface.lifetime(session)
    }

    /// The settings of the outermost interface.
    ///
    /// ```
    /// # use session_core::OpenContext;
    /// fn limit(context: &OpenContext<'_>) -> usize {
    ///     context.config().max_cookie_size()
    /// }
    /// ```
    pub fn config(&self) -> &'a SessionConfig {
        self.interface.config()
    }
}

/// What [`SessionInterface::save`] is told: the hooks' answers for this request.
///
/// ```
/// use session_core::SaveContext;
///
/// fn ends_with_the_browser(context: &SaveContext<'_>) -> bool {
///     context.lifetime().is_none()
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SaveContext<'a> {
    pub(crate) request: &'a RequestView,
    pub(crate) config: &'a SessionConfig,
    pub(crate) cookie_name: &'a str,
    pub(crate) attributes: &'a CookieAttributes,
    pub(crate) lifetime: Option<Duration>,
    pub(crate) should_set_cookie: bool,
    pub(crate) now: SystemTime,
}

impl<'a> SaveContext<'a> {
    /// The request.
    ///
    /// ```
    /// # use session_core::SaveContext;
    /// fn host<'a>(context: &SaveContext<'a>) -> Option<&'a str> {
    ///     context.request().host()
    /// }
    /// ```
    pub fn request(&self) -> &'a RequestView {
        self.request
    }

    /// The settings of the outermost interface.
    ///
    /// ```
    /// # use session_core::SaveContext;
    /// fn limit(context: &SaveContext<'_>) -> usize {
    ///     context.config().max_cookie_size()
    /// }
    /// ```
    pub fn config(&self) -> &'a SessionConfig {
        self.config
    }

    /// The name of the session cookie in this request.
    ///
    /// ```
    /// # use session_core::SaveContext;
    /// fn name<'a>(context: &SaveContext<'a>) -> &'a str {
    ///     context.cookie_name()
    /// }
    /// ```
    pub fn cookie_name(&self) -> &'a str {
        self.cookie_name
    }

    /// The attributes that the cookie will have.
    ///
    /// ```
    /// # use session_core::SaveContext;
    /// fn is_secure(context: &SaveContext<'_>) -> bool {
    ///     context.attributes().secure()
    /// }
    /// ```
    pub fn attributes(&self) -> &'a CookieAttributes {
        self.attributes
    }

    /// How long the session lives from now; `None` if it ends with the browser.
    ///
    /// ```
    /// # use session_core::SaveContext;
    /// # use std::time::Duration;
    /// fn lifetime(context: &SaveContext<'_>) -> Option<Duration> {
    ///     context.lifetime()
    /// }
    /// ```
    pub fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    /// Whether the response may set the cookie: a [`CookieAction::Set`] is dropped if not.
    ///
    /// ```
    /// # use session_core::SaveContext;
    /// fn renews(context: &SaveContext<'_>) -> bool {
    ///     context.should_set_cookie()
    /// }
    /// ```
    pub fn should_set_cookie(&self) -> bool {
        self.should_set_cookie
    }

    /// The time of this save.
    ///
    /// ```
    /// # use session_core::SaveContext;
    /// # use std::time::SystemTime;
    /// fn now(context: &SaveContext<'_>) -> SystemTime {
    ///     context.now()
    /// }
    /// ```
    pub fn now(&self) -> SystemTime {
        self.now
    }

    /// When the session ends: now and the lifetime, at most the end of the year 9999; `None` if it ends with the browser.
    ///
    /// ```
    /// # use session_core::SaveContext;
    /// # use std::time::SystemTime;
    /// fn expiry(context: &SaveContext<'_>) -> Option<SystemTime> {
    ///     context.expires_at()
    /// }
    /// ```
    pub fn expires_at(&self) -> Option<SystemTime> {
        let last = SystemTime::UNIX_EPOCH + crate::cookie::LAST_HTTP_DATE;
        self.lifetime.map(|lifetime| self.now.checked_add(lifetime).unwrap_or(last).min(last))
    }

    /// How many bytes the cookie's value may have within [`max_cookie_size`](SessionConfig::max_cookie_size); `None`
    /// without a limit.
    ///
    /// ```
    /// # use session_core::SaveContext;
    /// fn fits(context: &SaveContext<'_>, value: &str) -> bool {
    ///     context.value_limit().is_none_or(|limit| value.len() <= limit)
    /// }
    /// ```
    pub fn value_limit(&self) -> Option<usize> {
        match self.config.max_cookie_size() {
            0 => None,
            limit => Some(limit.saturating_sub(self.attributes.overhead(self.cookie_name))),
        }
    }
}
