//! The settings of the CSRF protection.

use std::fmt;
use std::sync::Arc;

use super::flask_wtf::FlaskWtf;
use super::origin::{Origin, is_loopback};
use super::refused::{Reason, Refused};
use super::secret::Keys;
use crate::config::{SecretKey, SessionConfig};
use crate::error::{Error, ErrorKind};

/// The default limit for reading a form, in bytes.
const BODY_LIMIT: usize = 1024 * 1024;

type Page = dyn Fn(Reason) -> String + Send + Sync;

/// The settings of the CSRF protection. Clones share the settings.
///
/// All instances of an application need the same key and settings. The key of the session cookie
/// can be used.
///
/// # Examples
///
/// ```
/// use session_core::config::SecretKey;
/// use session_core::csrf::CsrfConfig;
///
/// let key = SecretKey::generate()?; // in production: SecretKey::from_env("SECRET_KEY")?
/// let config = CsrfConfig::builder(&key)
///     .own_origin("https://shop.example.com")
///     .exempt("/webhooks/{provider}")
///     .build()?;
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone)]
pub struct CsrfConfig {
    settings: Arc<Settings>,
}

pub(super) struct Settings {
    pub(super) keys: Keys,
    pub(super) flask_wtf: Option<FlaskWtf>,
    own_origins: Vec<Origin>,
    trusted_origins: Vec<Origin>,
    exempt: Vec<String>,
    body_limit: usize,
    page: Arc<Page>,
}

/// A builder of [`CsrfConfig`].
#[derive(Clone)]
pub struct CsrfConfigBuilder {
    key: SecretKey,
    flask_wtf: bool,
    own_origins: Vec<String>,
    trusted_origins: Vec<String>,
    exempt: Vec<String>,
    body_limit: usize,
    page: Arc<Page>,
}

impl CsrfConfig {
    /// Returns a builder of settings with this key. The key's fallbacks verify older tokens.
    #[must_use]
    pub fn builder(key: &SecretKey) -> CsrfConfigBuilder {
        CsrfConfigBuilder {
            key: key.clone(),
            flask_wtf: false,
            own_origins: Vec::new(),
            trusted_origins: Vec::new(),
            exempt: Vec::new(),
            body_limit: BODY_LIMIT,
            page: Arc::new(Reason::default_page),
        }
    }

    /// Returns the maximum size, in bytes, of a form that is read to find its token.
    pub fn body_limit(&self) -> usize {
        self.settings.body_limit
    }

    /// Returns whether a route is exempt from the check. `route` is the pattern that matched the
    /// request, not the path of the request.
    pub fn is_exempt(&self, route: &str) -> bool {
        self.settings.exempt.iter().any(|exempt| exempt == route)
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn refused(&self, reason: Reason) -> Refused {
        Refused::new(reason, (self.settings.page)(reason))
    }
}

impl Settings {
    pub(super) fn is_trusted(&self, origin: &Origin) -> bool {
        self.trusted_origins.contains(origin)
    }

    /// Returns the configured origins of the application, or the origins of the requested host.
    pub(super) fn own_origins(&self, host: Option<&str>, config: &SessionConfig) -> Vec<Origin> {
        if !self.own_origins.is_empty() {
            return self.own_origins.clone();
        }
        let Some(host) = host else { return Vec::new() };
        // A framework provides the scheme of the connection to the proxy, not the scheme of the
        // client's connection.
        let is_secure = config.cookie_attributes().secure() && !is_loopback(host);
        let schemes: &[&str] = if is_secure { &["https"] } else { &["https", "http"] };
        schemes.iter().filter_map(|scheme| Origin::new(scheme, host)).collect()
    }
}

impl CsrfConfigBuilder {
    /// Adds an origin of the application, such as `https://shop.example.com`. Call this method for
    /// each host of the application.
    ///
    /// By default, the application's origin is the `Host` header with the scheme `https`. If the
    /// session cookie is not `Secure`, or the host is this machine, `http` is also accepted. Set an
    /// origin if a proxy changes the `Host` header.
    #[must_use]
    pub fn own_origin(mut self, origin: impl Into<String>) -> Self {
        self.own_origins.push(origin.into());
        self
    }

    /// Adds an origin whose pages may send the same requests as pages of the application.
    ///
    /// Browsers do not send a `SameSite=Lax` cookie with `POST` requests of other sites.
    #[must_use]
    pub fn trusted_origin(mut self, origin: impl Into<String>) -> Self {
        self.trusted_origins.push(origin.into());
        self
    }

    /// Exempts a route from the check. Pass the pattern that the framework matches, such as
    /// `/webhooks/{provider}`, with the prefixes of all nested routers or scopes. Other paths with
    /// the same prefix are not exempt.
    ///
    /// Exempt routes that no browser calls and that do not read the session, such as webhooks with
    /// a signature. Also exempt routes whose handler calls [`Csrf::verify`](super::Csrf::verify).
    #[must_use]
    pub fn exempt(mut self, route: impl Into<String>) -> Self {
        self.exempt.push(route.into());
        self
    }

    /// Sets the maximum size, in bytes, of a form that is read to find its token. The default is
    /// 1 MiB. Only forms of requests that need a token are read.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Sets the HTML page of refused requests. The default is a short English page. It explains the
    /// next step if the session ended after the form was loaded.
    #[must_use]
    pub fn page(mut self, page: impl Fn(Reason) -> String + Send + Sync + 'static) -> Self {
        self.page = Arc::new(page);
        self
    }

    /// Uses the tokens of Flask-WTF, for signed cookies that are shared with a Flask application.
    /// The key must be Flask's `SECRET_KEY`, or `WTF_CSRF_SECRET_KEY` if it is set.
    ///
    /// Each session, including a visitor's session, stores the secret under the key `csrf_token`.
    /// Tokens are valid for an hour and are not masked. On HTTPS, a request that needs a token also
    /// needs a `Referer` header of the application. In addition, the decision table is applied
    /// before the tokens are checked, and the clock of the signing server may be one minute ahead.
    #[must_use]
    pub fn flask_wtf(mut self) -> Self {
        self.flask_wtf = true;
        self
    }

    /// Returns the settings.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if an origin is not a scheme and a host, or a route does not
    /// begin with a slash.
    pub fn build(self) -> Result<CsrfConfig, Error> {
        let origins = |origins: &[String]| {
            origins.iter().map(|text| parse_origin(text)).collect::<Result<Vec<_>, _>>()
        };
        if let Some(route) = self.exempt.iter().find(|route| !route.starts_with('/')) {
            let message = format!("exempt route {route:?} does not begin with a slash");
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        let flask_wtf = self.flask_wtf.then(|| FlaskWtf::new(&self.key)).transpose()?;
        let settings = Settings {
            keys: Keys::new(&self.key)?,
            flask_wtf,
            own_origins: origins(&self.own_origins)?,
            trusted_origins: origins(&self.trusted_origins)?,
            exempt: self.exempt,
            body_limit: self.body_limit,
            page: self.page,
        };
        Ok(CsrfConfig { settings: Arc::new(settings) })
    }
}

fn parse_origin(text: &str) -> Result<Origin, Error> {
    Origin::parse(text).ok_or_else(|| {
        let message = format!("{text:?} is not an origin; use the form https://shop.example.com");
        Error::new(ErrorKind::Configuration, message)
    })
}

impl fmt::Debug for CsrfConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsrfConfig")
            .field("own_origins", &self.settings.own_origins)
            .field("trusted_origins", &self.settings.trusted_origins)
            .field("exempt", &self.settings.exempt)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CsrfConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsrfConfigBuilder")
            .field("own_origins", &self.own_origins)
            .field("trusted_origins", &self.trusted_origins)
            .field("exempt", &self.exempt)
            .finish_non_exhaustive()
    }
}
