//! The settings that every backend shares: Flask's names in snake case, checked when they are built.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::cookie::{self, CookieAttributes, CookieAttributesBuilder, SameSite};
use crate::{Clock, Error, ErrorKind, SystemClock};

/// When a permanent session is renewed although nothing in it changed: a new expiry, and the cookie sent again.
///
/// ```
/// use session_core::{Refresh, SessionConfig};
///
/// // Flask's default, for an application that shares its session with one.
/// let config = SessionConfig::builder().refresh(Refresh::EachRequest).build()?;
/// assert_eq!(config.refresh(), Refresh::EachRequest);
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Refresh {
    /// By every request that brings the cookie, used or not: Flask's `SESSION_REFRESH_EACH_REQUEST = True`. It opens
    /// every session.
    EachRequest,
    /// By every request whose handler obtains the session. The default: a request that leaves it alone costs nothing.
    #[default]
    WhenAccessed,
    /// Only by a change: Flask's `SESSION_REFRESH_EACH_REQUEST = False`.
    WhenModified,
}

/// What happens to a cookie that is larger than [`max_cookie_size`](SessionConfig::max_cookie_size).
///
/// ```
/// use session_core::{Oversize, SessionConfig};
///
/// let config = SessionConfig::builder().oversize(Oversize::Refuse).build()?;
/// assert_eq!(config.oversize(), Oversize::Refuse);
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Oversize {
    /// It is sent, with a warning in the log that gives the figures, as in Flask. Most browsers will ignore it.
    #[default]
    Warn,
    /// The save fails with [`ErrorKind::TooLarge`], and the client keeps the cookie it has.
    Refuse,
}

/// The settings of a session interface. Cheap to clone.
///
/// The defaults are safe: `Secure`, `HttpOnly`, `SameSite=Lax`, and 31 days for a permanent session.
///
/// ```
/// use session_core::SessionConfig;
/// use std::time::Duration;
///
/// let config = SessionConfig::builder()
///     .cookie_name("__Host-shop")
///     .permanent_lifetime(Duration::from_secs(14 * 24 * 3600))
///     .build()?;
/// assert_eq!(config.cookie_name(), "__Host-shop");
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SessionConfig {
    settings: Arc<Settings>,
}

#[derive(Clone, Debug)]
struct Settings {
    cookie_name: String,
    cookie_attributes: CookieAttributes,
    permanent_lifetime: Duration,
    refresh: Refresh,
    max_cookie_size: usize,
    oversize: Oversize,
    clock: Arc<dyn Clock>,
}

impl SessionConfig {
    /// Settings to change one by one, safe to begin with.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// assert_eq!(SessionConfig::builder().build()?.cookie_name(), "session");
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn builder() -> SessionConfigBuilder {
        SessionConfigBuilder::default()
    }

    /// The defaults without `Secure`, so that a login works over plain HTTP on a developer's machine. Never for
    /// production: anyone on the way reads and replays the cookie.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// assert!(!SessionConfig::development().cookie_attributes().secure());
    /// ```
    #[must_use]
    pub fn development() -> Self {
        let cookie_attributes = CookieAttributes::insecure_default();
        Self { settings: Arc::new(Settings { cookie_attributes, ..Settings::default() }) }
    }

    /// The cookie's name (`SESSION_COOKIE_NAME`).
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// assert_eq!(SessionConfig::default().cookie_name(), "session");
    /// ```
    pub fn cookie_name(&self) -> &str {
        &self.settings.cookie_name
    }

    /// The cookie's attributes.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// assert_eq!(SessionConfig::default().cookie_attributes().path(), "/");
    /// ```
    pub fn cookie_attributes(&self) -> &CookieAttributes {
        &self.settings.cookie_attributes
    }

    /// How long a permanent session lives after it was last saved (`PERMANENT_SESSION_LIFETIME`).
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// # use std::time::Duration;
    /// assert_eq!(SessionConfig::default().permanent_lifetime(), Duration::from_secs(31 * 86_400));
    /// ```
    pub fn permanent_lifetime(&self) -> Duration {
        self.settings.permanent_lifetime
    }

    /// When a permanent session is renewed.
    ///
    /// ```
    /// # use session_core::{Refresh, SessionConfig};
    /// assert_eq!(SessionConfig::default().refresh(), Refresh::WhenAccessed);
    /// ```
    pub fn refresh(&self) -> Refresh {
        self.settings.refresh
    }

    /// The largest `Set-Cookie` header, in bytes, that passes without [`oversize`](Self::oversize) being asked
    /// (`MAX_COOKIE_SIZE`); 0 for no limit.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// assert_eq!(SessionConfig::default().max_cookie_size(), 4093);
    /// ```
    pub fn max_cookie_size(&self) -> usize {
        self.settings.max_cookie_size
    }

    /// What happens to a larger one.
    ///
    /// ```
    /// # use session_core::{Oversize, SessionConfig};
    /// assert_eq!(SessionConfig::default().oversize(), Oversize::Warn);
    /// ```
    pub fn oversize(&self) -> Oversize {
        self.settings.oversize
    }

    /// The time now, by the configured clock.
    ///
    /// ```
    /// # use session_core::{ManualClock, SessionConfig};
    /// # use std::time::SystemTime;
    /// let clock = ManualClock::at(SystemTime::UNIX_EPOCH);
    /// let config = SessionConfig::builder().clock(clock).build()?;
    /// assert_eq!(config.now(), SystemTime::UNIX_EPOCH);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn now(&self) -> SystemTime {
        self.settings.clock.now()
    }
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self { settings: Arc::new(Settings::default()) }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cookie_name: "session".to_owned(),
            cookie_attributes: CookieAttributes::default(),
            permanent_lifetime: Duration::from_hours(31 * 24),
            refresh: Refresh::default(),
            max_cookie_size: 4093,
            oversize: Oversize::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

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
        if self.settings.permanent_lifetime < Duration::from_secs(1) {
            let message = "the lifetime of a permanent session must be one second or more";
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
