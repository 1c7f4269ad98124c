//! The settings that all backends share. Settings that Flask also has are named after Flask's
//! settings.
//!
//! Build a [`SessionConfig`] with [`SessionConfig::builder`] and pass it to a session interface.

mod builder;
mod clock;
mod expiry;
pub(crate) mod flash_key;
mod secret;
pub(crate) mod token;
mod weakness;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::cookie::CookieAttributes;
use crate::events::Events;

pub use builder::SessionConfigBuilder;
pub use clock::{Clock, ManualClock, SystemClock};
use flash_key::FlashKey;
pub use secret::SecretKey;
pub(crate) use secret::is_overwritten;
use token::TokenHeader;

pub use crate::cookie::CookieAttributesBuilder;

/// The requests that renew an unchanged permanent session.
///
/// A renewal extends the expiry of the session and sends the cookie again. A session is renewed
/// only when a renewal is due. On a server-side backend, a renewal is due when less than the
/// promised lifetime is left. On a cookie backend, it is due when a tenth of the lifetime, at most
/// a minute, has passed since the cookie was set.
///
/// This setting affects neither sessions with an [`idle_timeout`](SessionConfig::idle_timeout) nor
/// server-side sessions that are not permanent. Every request whose handler obtains such a session
/// renews it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Refresh {
    /// Every request that sends the cookie. This is Flask's `SESSION_REFRESH_EACH_REQUEST = True`.
    /// Such a request opens the session even if its handler does not use the session. On a cookie
    /// backend, a renewal is always due, as in Flask. Therefore a slow response can undo the
    /// changes of a concurrent request.
    EachRequest,
    /// Every request whose handler obtains the session. This is the default, because a request that
    /// does not use the session costs nothing.
    #[default]
    WhenAccessed,
    /// No request. Only a change extends the expiry. This is Flask's
    /// `SESSION_REFRESH_EACH_REQUEST = False`.
    WhenModified,
}

/// The treatment of cookies that exceed [`max_cookie_size`](SessionConfig::max_cookie_size).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum OversizePolicy {
    /// The save fails with [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge), and the client
    /// receives an error response. The browser's current cookie is unchanged. This is the default,
    /// because most browsers silently ignore such a cookie, and the changes would be lost.
    ///
    /// A request that only renews such a session succeeds without the renewal, and a warning is
    /// logged.
    #[default]
    Refuse,
    /// The cookie is sent, and a warning with its size is logged, as in Flask.
    Warn,
}

/// The settings of a session interface. Clones share the settings.
///
/// By default, the cookie has the name `session` and the attributes `Secure`, `HttpOnly`, `Path=/`
/// and `SameSite=Lax`. The lifetime of a permanent session is 31 days.
///
/// In production, keep `Secure`, and use a name with the prefix `__Host-` unless subdomains must
/// share the cookie. Set an `idle_timeout` and an `absolute_timeout` if users log in. All instances
/// of an application must have the same settings.
///
/// # Expiry
///
/// | session | expires after its last save or renewal |
/// |---|---|
/// | with its own lifetime, by [`set_lifetime`](crate::Session::set_lifetime) | that lifetime |
/// | permanent | `permanent_lifetime` |
/// | not permanent, server-side backend | `browser_lifetime`; the cookie when the browser closes |
/// | not permanent, cookie backend | `permanent_lifetime`; the cookie when the browser closes |
///
/// `visitor_lifetime` shortens the last three lifetimes for a session without an owner.
/// `idle_timeout` and `absolute_timeout` shorten all lifetimes. The signed cookie does not support
/// the timeouts.
///
/// # Examples
///
/// A cookie that only this host can set, and sessions that expire after two weeks without a visit:
///
/// ```
/// use std::time::Duration;
///
/// use session_core::SessionConfig;
///
/// let config = SessionConfig::builder()
///     .cookie_name("__Host-shop")
///     .permanent_lifetime(Duration::from_secs(14 * 24 * 3600))
///     .build()?;
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SessionConfig {
    settings: Arc<Settings>,
}

#[derive(Clone, Debug)]
struct Settings {
    cookie_name: String,
    namespace: Option<String>,
    cookie_attributes: CookieAttributes,
    former_domains: Vec<String>,
    former_paths: Vec<String>,
    token_header: Option<Arc<TokenHeader>>,
    accepts_cookie_beside_token: bool,
    flash_key: Option<Arc<FlashKey>>,
    permanent_lifetime: Duration,
    permanent_by_default: bool,
    browser_lifetime: Duration,
    visitor_lifetime: Option<Duration>,
    idle_timeout: Option<Duration>,
    absolute_timeout: Option<Duration>,
    login_keeps: Option<Vec<String>>,
    max_sessions: Option<usize>,
    refresh: Refresh,
    max_cookie_size: usize,
    oversize: OversizePolicy,
    clock: Arc<dyn Clock>,
    events: Events,
}

impl SessionConfig {
    /// Returns the default settings without `Secure`, so that sessions work over plain HTTP during
    /// development.
    ///
    /// Do not use these settings in production, because an attacker on the network can read and
    /// replay the cookie.
    ///
    /// To also change other settings, use [`builder`](Self::builder) with `cookie_secure(false)`.
    #[must_use]
    pub fn development() -> Self {
        let cookie_attributes = CookieAttributes::insecure_default();
        Self { settings: Arc::new(Settings { cookie_attributes, ..Settings::default() }) }
    }

    /// Returns the name of the cookie.
    pub fn cookie_name(&self) -> &str {
        &self.settings.cookie_name
    }

    /// Returns the namespace to which sessions are bound. A session id or a sealed cookie of one
    /// namespace opens nothing in another, even if the namespaces share a store or a key.
    pub fn namespace(&self) -> &str {
        self.settings.namespace.as_deref().unwrap_or_else(|| without_prefix(self.cookie_name()))
    }

    /// Returns the attributes of the cookie.
    pub fn cookie_attributes(&self) -> &CookieAttributes {
        &self.settings.cookie_attributes
    }

    /// Returns the attributes of other cookies of this name that a browser may have. These cookies
    /// have no domain, or a former domain or path.
    pub(crate) fn other_attributes(
        &self,
        name: &str,
        attributes: &CookieAttributes,
    ) -> Vec<CookieAttributes> {
        let mut others = Vec::new();
        if starts_with_prefix(name, "__Host-") {
            return others;
        }
        let Settings { former_domains, former_paths, .. } = &*self.settings;
        let former = former_domains.iter().map(|domain| Some(domain.as_str()));
        for domain in [None, attributes.domain()].into_iter().chain(former) {
            for path in
                [attributes.path()].into_iter().chain(former_paths.iter().map(|path| &**path))
            {
                let other = attributes.at(domain, path);
                if other != *attributes && !others.contains(&other) {
                    others.push(other);
                }
            }
        }
        others
    }

    /// Returns the name of the request header that has the session token, or `None` if the cookie
    /// has the token. An adapter passes every value of this header to
    /// [`RequestViewBuilder::token_header`](crate::request::RequestViewBuilder::token_header).
    pub fn token_header(&self) -> Option<&str> {
        self.settings.token_header.as_deref().map(TokenHeader::request_name)
    }

    pub(crate) fn token(&self) -> Option<&Arc<TokenHeader>> {
        self.settings.token_header.as_ref()
    }

    /// Returns the key of the cookie for flash messages, if this cookie is configured. Returns
    /// `None` with a token header, because clients that send the token may have no cookies.
    pub(crate) fn flash_key(&self) -> Option<&FlashKey> {
        self.settings.flash_key.as_deref().filter(|_| self.token().is_none())
    }

    /// Returns whether a request with a session cookie beside the token is accepted.
    pub fn accepts_cookie_beside_token(&self) -> bool {
        self.settings.accepts_cookie_beside_token
    }

    /// Returns the lifetime of a permanent session after its last save or renewal.
    pub fn permanent_lifetime(&self) -> Duration {
        self.settings.permanent_lifetime
    }

    /// Returns whether a session is permanent if no handler has called
    /// [`set_permanent`](crate::Session::set_permanent).
    pub fn permanent_by_default(&self) -> bool {
        self.settings.permanent_by_default
    }

    /// Returns the time for which a server-side backend stores a non-permanent session after its
    /// last use.
    pub fn browser_lifetime(&self) -> Duration {
        self.settings.browser_lifetime
    }

    /// Returns the maximum lifetime of a session without an owner after its last save or renewal,
    /// or `None` for no such limit.
    pub fn visitor_lifetime(&self) -> Option<Duration> {
        self.settings.visitor_lifetime
    }

    /// Returns the time without use after which a session expires, or `None` for no limit.
    pub fn idle_timeout(&self) -> Option<Duration> {
        self.settings.idle_timeout
    }

    /// Returns the age at which a session expires, counted from its creation or its last login, or
    /// `None` for no limit.
    pub fn absolute_timeout(&self) -> Option<Duration> {
        self.settings.absolute_timeout
    }

    /// Returns the keys of a visitor's session that a login keeps, or `None` for all.
    pub fn login_keeps(&self) -> Option<&[String]> {
        self.settings.login_keeps.as_deref()
    }

    /// Returns the maximum number of sessions of an owner, or `None` for any number.
    pub fn max_sessions(&self) -> Option<usize> {
        self.settings.max_sessions
    }

    /// Returns the requests that renew an unchanged permanent session.
    pub fn refresh(&self) -> Refresh {
        self.settings.refresh
    }

    /// Returns the size limit of the `Set-Cookie` header value in bytes, or 0 for no limit.
    /// [`oversize`](Self::oversize) determines the treatment of a larger header.
    pub fn max_cookie_size(&self) -> usize {
        self.settings.max_cookie_size
    }

    /// Returns the treatment of cookies that exceed [`max_cookie_size`](Self::max_cookie_size).
    pub fn oversize(&self) -> OversizePolicy {
        self.settings.oversize
    }

    /// Returns the receiver of the events of sessions.
    pub fn events(&self) -> &Events {
        &self.settings.events
    }

    /// Returns the current time of the configured clock.
    pub fn now(&self) -> SystemTime {
        self.settings.clock.now()
    }

    /// Returns the monotonic time of the configured clock, for measuring durations.
    pub fn monotonic(&self) -> Duration {
        self.settings.clock.monotonic()
    }
}

/// Returns a cookie name without the prefixes that only restrict its attributes.
fn without_prefix(name: &str) -> &str {
    if !name.starts_with("__") {
        return name;
    }
    ["__Host-Http-", "__Host-", "__Http-", "__Secure-"]
        .into_iter()
        .find(|prefix| starts_with_prefix(name, prefix))
        .map_or(name, |prefix| &name[prefix.len()..])
}

fn starts_with_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
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
            namespace: None,
            cookie_attributes: CookieAttributes::default(),
            former_domains: Vec::new(),
            former_paths: Vec::new(),
            token_header: None,
            accepts_cookie_beside_token: false,
            flash_key: None,
            permanent_lifetime: Duration::from_secs(31 * 24 * 3600),
            permanent_by_default: false,
            browser_lifetime: Duration::from_secs(24 * 3600),
            visitor_lifetime: None,
            idle_timeout: None,
            absolute_timeout: None,
            login_keeps: None,
            max_sessions: None,
            refresh: Refresh::default(),
            max_cookie_size: 4093,
            oversize: OversizePolicy::default(),
            clock: Arc::new(SystemClock),
            events: Events::default(),
        }
    }
}
