//! Collects the settings, and checks them together.

use std::sync::Arc;
use std::time::Duration;

use super::{Oversize, Refresh, SessionConfig, Settings};
use crate::cookie::{self, CookieAttributesBuilder, SameSite};
use crate::{Clock, Error, ErrorKind};

/// Collects a [`SessionConfig`]; nothing is checked before [`build`](Self::build).
///
/// ```
/// use session_core::{SameSite, SessionConfig};
///
/// let config = SessionConfig::builder()
///     .cookie_domain("example.com")
///     .cookie_samesite(SameSite::Strict)
///     .build()?;
/// assert_eq!(config.cookie_attributes().domain(), Some("example.com"));
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct SessionConfigBuilder {
    settings: Settings,
    attributes: CookieAttributesBuilder,
    cookie_path: Option<String>,
    application_root: Option<String>,
}

impl SessionConfigBuilder {
    /// `SESSION_COOKIE_NAME`. `__Host-` or `__Secure-` in front makes the browser hold the server to its attributes.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// assert_eq!(SessionConfig::builder().cookie_name("sid").build()?.cookie_name(), "sid");
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.settings.cookie_name = name.into();
        self
    }

    /// `SESSION_COOKIE_DOMAIN`; see [`CookieAttributesBuilder::domain`].
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// let config = SessionConfig::builder().cookie_domain("example.com").build()?;
    /// assert_eq!(config.cookie_attributes().domain(), Some("example.com"));
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn cookie_domain<'a>(mut self, domain: impl Into<Option<&'a str>>) -> Self {
        self.attributes = self.attributes.domain(domain);
        self
    }

    /// `SESSION_COOKIE_PATH`. Without it the cookie's path is the [`application_root`](Self::application_root).
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// let config = SessionConfig::builder().application_root("/app").cookie_path("/x").build()?;
    /// assert_eq!(config.cookie_attributes().path(), "/x");
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn cookie_path(mut self, path: impl Into<String>) -> Self {
        self.cookie_path = Some(path.into());
        self
    }

    /// `APPLICATION_ROOT`: the path that the application is mounted under; `/` if not given.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// let config = SessionConfig::builder().application_root("/app").build()?;
    /// assert_eq!(config.cookie_attributes().path(), "/app");
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn application_root(mut self, path: impl Into<String>) -> Self {
        self.application_root = Some(path.into());
        self
    }

    /// `SESSION_COOKIE_HTTPONLY`; true if not given.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// let config = SessionConfig::builder().cookie_httponly(false).build()?;
    /// assert!(!config.cookie_attributes().http_only());
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn cookie_httponly(mut self, http_only: bool) -> Self {
        self.attributes = self.attributes.http_only(http_only);
        self
    }

    /// `SESSION_COOKIE_SECURE`; true if not given, unlike Flask.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// let config = SessionConfig::builder().cookie_secure(false).build()?;
    /// assert!(!config.cookie_attributes().secure());
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn cookie_secure(mut self, secure: bool) -> Self {
        self.attributes = self.attributes.secure(secure);
        self
    }

    /// `SESSION_COOKIE_SAMESITE`; `Lax` if not given, unlike Flask. `None` sends no such attribute.
    ///
    /// ```
    /// # use session_core::{SameSite, SessionConfig};
    /// let config = SessionConfig::builder().cookie_samesite(SameSite::Strict).build()?;
    /// assert_eq!(config.cookie_attributes().same_site(), Some(SameSite::Strict));
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn cookie_samesite(mut self, same_site: impl Into<Option<SameSite>>) -> Self {
        self.attributes = self.attributes.same_site(same_site);
        self
    }

    /// `SESSION_COOKIE_PARTITIONED`; false if not given.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// let config = SessionConfig::builder().cookie_partitioned(true).build()?;
    /// assert!(config.cookie_attributes().partitioned());
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn cookie_partitioned(mut self, partitioned: bool) -> Self {
        self.attributes = self.attributes.partitioned(partitioned);
        self
    }

    /// `PERMANENT_SESSION_LIFETIME`; 31 days if not given.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// # use std::time::Duration;
    /// let hour = Duration::from_secs(3600);
    /// assert_eq!(SessionConfig::builder().permanent_lifetime(hour).build()?.permanent_lifetime(), hour);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn permanent_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.permanent_lifetime = lifetime;
        self
    }

    /// How long a server-side backend keeps a session that ends with the browser, after it was last used: nobody tells a
    /// server that a browser was closed. One day if not given.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// # use std::time::Duration;
    /// let hour = Duration::from_hours(1);
    /// assert_eq!(SessionConfig::builder().browser_lifetime(hour).build()?.browser_lifetime(), hour);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn browser_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.browser_lifetime = lifetime;
        self
    }

    /// Ends a session, permanent or not, that no request asked for in this time (OWASP ASVS 5, 7.3.1); no limit
    /// if not given. It ends no earlier than that, and later by a tenth of it at most, or a minute. Server-side backends and the
    /// sealed cookie keep it; a signed cookie refuses the setting.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// # use std::time::Duration;
    /// let config = SessionConfig::builder().idle_timeout(Duration::from_mins(30)).build()?;
    /// assert_eq!(config.idle_timeout(), Some(Duration::from_mins(30)));
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn idle_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.settings.idle_timeout = timeout.into();
        self
    }

    /// Ends a session this long after it began, however it is used (OWASP ASVS 5, 7.3.2); no limit if not given.
    /// A new id does not put it off. A signed cookie does not know when its session began, and refuses the setting; a sealed one
    /// does.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// # use std::time::Duration;
    /// let config = SessionConfig::builder().absolute_timeout(Duration::from_hours(12)).build()?;
    /// assert_eq!(config.absolute_timeout(), Some(Duration::from_hours(12)));
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn absolute_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.settings.absolute_timeout = timeout.into();
        self
    }

    /// When a permanent session is renewed; [`Refresh::WhenAccessed`] if not given.
    ///
    /// ```
    /// # use session_core::{Refresh, SessionConfig};
    /// let config = SessionConfig::builder().refresh(Refresh::WhenModified).build()?;
    /// assert_eq!(config.refresh(), Refresh::WhenModified);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn refresh(mut self, refresh: Refresh) -> Self {
        self.settings.refresh = refresh;
        self
    }

    /// `MAX_COOKIE_SIZE` in bytes; 4093 if not given, 0 for no limit.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// assert_eq!(SessionConfig::builder().max_cookie_size(0).build()?.max_cookie_size(), 0);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn max_cookie_size(mut self, bytes: usize) -> Self {
        self.settings.max_cookie_size = bytes;
        self
    }

    /// What happens to a larger cookie; [`Oversize::Warn`] if not given.
    ///
    /// ```
    /// # use session_core::{Oversize, SessionConfig};
    /// let config = SessionConfig::builder().oversize(Oversize::Refuse).build()?;
    /// assert_eq!(config.oversize(), Oversize::Refuse);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn oversize(mut self, oversize: Oversize) -> Self {
        self.settings.oversize = oversize;
        self
    }

    /// The clock; the system's if not given.
    ///
    /// ```
    /// # use session_core::{ManualClock, SessionConfig};
    /// # use std::time::SystemTime;
    /// let config = SessionConfig::builder().clock(ManualClock::at(SystemTime::UNIX_EPOCH)).build()?;
    /// assert_eq!(config.now(), SystemTime::UNIX_EPOCH);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.settings.clock = Arc::new(clock);
        self
    }

    /// The configuration.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for what a browser would drop: see [`CookieAttributesBuilder::build`], and further a
    /// name that is no token, `__Host-` with a domain or another path than `/`, either prefix without `Secure`
    /// (RFC 6265bis, section 4.1.3). And for a lifetime under one second, which no cookie could show.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// assert!(SessionConfig::builder().cookie_name("__Host-id").cookie_path("/x").build().is_err());
    /// ```
    pub fn build(mut self) -> Result<SessionConfig, Error> {
        let lifetimes = [Some(self.settings.permanent_lifetime), Some(self.settings.browser_lifetime)];
        let limits = [self.settings.idle_timeout, self.settings.absolute_timeout];
        if lifetimes.into_iter().chain(limits).flatten().any(|life| life < Duration::from_secs(1)) {
            let message = "every lifetime and timeout must be one second or more";
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        if let Some(path) = self.cookie_path.or(self.application_root) {
            self.attributes = self.attributes.path(path);
        }
        let attributes = self.attributes.build()?;
        cookie::check_name(&self.settings.cookie_name, &attributes)?;
        self.settings.cookie_attributes = attributes;
        Ok(SessionConfig { settings: Arc::new(self.settings) })
    }
}
