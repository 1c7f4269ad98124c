//! The settings that every backend shares: Flask's names in snake case, checked when they are built.

mod builder;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::{Clock, CookieAttributes, Session, SystemClock};

pub use builder::SessionConfigBuilder;

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
    /// The save fails with [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge), and the client keeps the cookie it has.
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
    browser_lifetime: Duration,
    idle_timeout: Option<Duration>,
    absolute_timeout: Option<Duration>,
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

    /// How long a server-side backend keeps a session that ends with the browser, after it was last used.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// # use std::time::Duration;
    /// assert_eq!(SessionConfig::default().browser_lifetime(), Duration::from_hours(24));
    /// ```
    pub fn browser_lifetime(&self) -> Duration {
        self.settings.browser_lifetime
    }

    /// After how long without a request that asks for it a session ends, if that is limited.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// assert_eq!(SessionConfig::default().idle_timeout(), None);
    /// ```
    pub fn idle_timeout(&self) -> Option<Duration> {
        self.settings.idle_timeout
    }

    /// How long after it began a session ends however it is used, if that is limited.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// assert_eq!(SessionConfig::default().absolute_timeout(), None);
    /// ```
    pub fn absolute_timeout(&self) -> Option<Duration> {
        self.settings.absolute_timeout
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

    /// Whether this request renews this session although nothing in it changed: if it is permanent, and by the rule of
    /// [`refresh`](Self::refresh).
    ///
    /// ```
    /// # use session_core::{Session, SessionConfig};
    /// assert!(!SessionConfig::default().renews(&Session::new()));
    /// ```
    pub fn renews(&self, session: &Session) -> bool {
        let renewed = match self.refresh() {
            Refresh::EachRequest => true,
            Refresh::WhenAccessed => session.is_accessed(),
            Refresh::WhenModified => false,
        };
        renewed && session.is_permanent()
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
            browser_lifetime: Duration::from_hours(24),
            idle_timeout: None,
            absolute_timeout: None,
            refresh: Refresh::default(),
            max_cookie_size: 4093,
            oversize: Oversize::default(),
            clock: Arc::new(SystemClock),
        }
    }
}
