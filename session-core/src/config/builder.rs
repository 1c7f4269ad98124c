//! The builder of the settings, which checks all settings together.

mod lifetimes;

use std::sync::Arc;
use std::time::Duration;

use super::clock::Clock;
use super::flash_key::FlashKey;
use super::secret::SecretKey;
use super::token::TokenHeader;
use super::{OversizePolicy, SessionConfig, Settings};
use crate::cookie::{self, CookieAttributesBuilder, SameSite};
use crate::error::{Error, ErrorKind};
use crate::events::Events;

/// A builder of [`SessionConfig`]. [`build`](Self::build) checks the settings.
///
/// # Examples
///
/// ```
/// use session_core::{ErrorKind, SessionConfig};
///
/// // Browsers reject a `__Host-` cookie with a domain.
/// let builder = SessionConfig::builder().cookie_name("__Host-id").cookie_domain("example.com");
/// assert_eq!(builder.build().unwrap_err().kind(), ErrorKind::Configuration);
/// ```
#[derive(Clone, Debug, Default)]
pub struct SessionConfigBuilder {
    settings: Settings,
    attributes: CookieAttributesBuilder,
    flash_key: Option<SecretKey>,
    cookie_path: Option<String>,
    application_root: Option<String>,
}

impl SessionConfig {
    /// Returns a builder with safe defaults.
    pub fn builder() -> SessionConfigBuilder {
        SessionConfigBuilder::default()
    }
}

impl SessionConfigBuilder {
    /// Sets the name of the cookie. The default is `session`. This is Flask's
    /// `SESSION_COOKIE_NAME`.
    ///
    /// With the prefix `__Host-`, `__Secure-`, `__Http-` or `__Host-Http-`, browsers accept the
    /// cookie only with the attributes that the prefix requires.
    #[must_use]
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.settings.cookie_name = name.into();
        self
    }

    /// Sets the namespace of the sessions. The default is the name of the cookie, without a prefix
    /// such as `__Host-`. Flask has no such setting.
    ///
    /// A session opens only in the namespace in which it was created. Therefore a user's cookie
    /// that is sent under the name of the administrators' cookie opens nothing. This holds even if
    /// both interfaces share a store or the key of a sealed cookie. To rename the cookie and keep
    /// the sessions, set the previous name as the namespace. The owner index of a store has no
    /// namespaces. Use another prefix or table if two interfaces have different users.
    ///
    /// The signed cookie cannot be bound to a namespace, because it has Flask's format. Two signed
    /// cookies with the same key and different namespaces need different salts.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.settings.namespace = Some(namespace.into());
        self
    }

    /// Sets the domain that receives the cookie, with its subdomains. With the default, `None`,
    /// only the host that set the cookie receives it. This is Flask's `SESSION_COOKIE_DOMAIN`; see
    /// [`CookieAttributesBuilder::domain`].
    #[must_use]
    pub fn cookie_domain<'a>(mut self, domain: impl Into<Option<&'a str>>) -> Self {
        self.attributes = self.attributes.domain(domain);
        self
    }

    /// Sets the path of the cookie. The default is the
    /// [`application_root`](Self::application_root). This is Flask's `SESSION_COOKIE_PATH`.
    #[must_use]
    pub fn cookie_path(mut self, path: impl Into<String>) -> Self {
        self.cookie_path = Some(path.into());
        self
    }

    /// Sets the domains that the cookie had formerly, or that other applications use for a cookie
    /// of the same name. The default is none. Flask has no such setting.
    ///
    /// If a request has several session cookies, a response that sets or removes the cookie also
    /// removes the other cookies. The response removes the cookies without a domain, with one of
    /// these domains, and with one of the [former paths](Self::former_cookie_paths). The setting is
    /// necessary, because browsers do not send the domain of a cookie.
    #[must_use]
    pub fn former_cookie_domains<D: Into<String>>(
        mut self,
        domains: impl IntoIterator<Item = D>,
    ) -> Self {
        self.settings.former_domains = domains.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the paths that the cookie had formerly; see
    /// [`former_cookie_domains`](Self::former_cookie_domains). The default is none. Flask has no
    /// such setting.
    #[must_use]
    pub fn former_cookie_paths<P: Into<String>>(
        mut self,
        paths: impl IntoIterator<Item = P>,
    ) -> Self {
        self.settings.former_paths = paths.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the path under which the application is mounted. The default is `/`. This is Flask's
    /// `APPLICATION_ROOT`. The path is used only as the default of
    /// [`cookie_path`](Self::cookie_path).
    #[must_use]
    pub fn application_root(mut self, path: impl Into<String>) -> Self {
        self.application_root = Some(path.into());
        self
    }

    /// Sets whether the cookie is hidden from scripts. The default is `true`. This is Flask's
    /// `SESSION_COOKIE_HTTPONLY`.
    #[must_use]
    pub fn cookie_httponly(mut self, http_only: bool) -> Self {
        self.attributes = self.attributes.http_only(http_only);
        self
    }

    /// Sets whether the cookie is sent over HTTPS only. The default is `true`, unlike in Flask.
    /// This is Flask's `SESSION_COOKIE_SECURE`.
    #[must_use]
    pub fn cookie_secure(mut self, secure: bool) -> Self {
        self.attributes = self.attributes.secure(secure);
        self
    }

    /// Sets the `SameSite` attribute. The default is `Lax`, unlike in Flask. `None` omits the
    /// attribute. This is Flask's `SESSION_COOKIE_SAMESITE`.
    #[must_use]
    pub fn cookie_samesite(mut self, same_site: impl Into<Option<SameSite>>) -> Self {
        self.attributes = self.attributes.same_site(same_site);
        self
    }

    /// Sets whether browsers store a separate cookie for each top-level site. The default is
    /// `false`. This is Flask's `SESSION_COOKIE_PARTITIONED`.
    #[must_use]
    pub fn cookie_partitioned(mut self, partitioned: bool) -> Self {
        self.attributes = self.attributes.partitioned(partitioned);
        self
    }

    /// Stores flash messages of visitors without a session in a cookie, which this key signs. By
    /// default, a flash message starts a session. Flask has no such setting.
    ///
    /// With this setting, a page that only flashes a message, such as "wrong password", stores
    /// nothing on the server. The cookie has the name of the session cookie with the suffix
    /// `_flash`. It has the attributes of the session cookie, but always `HttpOnly`. It expires
    /// after five minutes. The response of the request that [takes](crate::Session::take_flashes)
    /// the messages removes the cookie.
    ///
    /// The messages start a session as usual if the cookie would have more than 1 KB, or if the
    /// request stores other data. They also start a session if a handler calls
    /// [`save`](crate::Session::save) or `log_out`. With a [`token_header`](Self::token_header), no
    /// such cookie is set.
    ///
    /// The browser stores the cookie of the last response. Therefore simultaneous requests of one
    /// visitor may lose a message or show it twice.
    ///
    /// The visitor can read the messages, but cannot change them. A copy of the cookie shows the
    /// messages again until the copy expires. The key may also be used for another purpose, because
    /// this signature has its own salt.
    #[must_use]
    pub fn flash_cookie(mut self, key: &SecretKey) -> Self {
        self.flash_key = Some(key.clone());
        self
    }

    /// Sets the header that has the session token instead of the cookie, in requests and in
    /// responses, such as `X-Session-Token`. By default, the token is in the cookie. Flask has no
    /// such setting.
    ///
    /// Handlers and interfaces work as with the cookie. The token is the value that the cookie
    /// would have. A response has the header when it would set the cookie. The client then sends
    /// the new value. An empty value means that the session has ended. The session cookie of a
    /// request is not read.
    ///
    /// Use this setting for clients that are not browsers, or for scripts that store the token
    /// themselves. A browser does not add the header to a request that another site causes, so
    /// these requests need no protection against CSRF. However, every script of the page can read
    /// the token, unlike an `HttpOnly` cookie. For requests from another origin, CORS must allow
    /// the request header and expose the response header.
    #[must_use]
    pub fn token_header(mut self, name: impl Into<String>) -> Self {
        self.settings.token_header = Some(Arc::new(TokenHeader::new(name.into())));
        self
    }

    /// Reads the session token of requests from `Authorization: Bearer` instead of the cookie.
    /// Responses have the token in a header of the given name, because `Authorization` is not a
    /// response header. Otherwise the setting has the same effect as
    /// [`token_header`](Self::token_header).
    #[must_use]
    pub fn bearer_token(mut self, response_header: impl Into<String>) -> Self {
        self.settings.token_header = Some(Arc::new(TokenHeader::bearer(response_header.into())));
        self
    }

    /// Sets whether a request with both a session cookie and a token in a header is accepted. If
    /// so, the token is used and the cookie is ignored. With the default, `false`, obtaining the
    /// session of such a request fails with [`ErrorKind::AmbiguousToken`] and status 400.
    #[must_use]
    pub fn accept_cookie_beside_token(mut self, accepts: bool) -> Self {
        self.settings.accepts_cookie_beside_token = accepts;
        self
    }

    /// Sets the keys of a visitor's session that a login keeps. By default, a login keeps all keys.
    /// The secret of CSRF tokens is never kept. Flask has no such setting.
    ///
    /// An attacker may have planted the visitor's session, with values such as a delivery address
    /// (session fixation).
    #[must_use]
    pub fn login_keeps<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.settings.login_keeps = Some(keys.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the maximum number of sessions of an owner. The default is `None`, which allows any
    /// number. Flask has no such setting.
    ///
    /// A login ends the oldest sessions. It fails with [`ErrorKind::Conflict`] if its session is
    /// among the oldest, because other logins were later. While a login is in progress, and after a
    /// login that failed, an owner may have more sessions. The next login ends the sessions beyond
    /// the maximum.
    ///
    /// The setting needs a store with an [`OwnerIndex`](crate::store::OwnerIndex). Cookie backends
    /// refuse the setting.
    #[must_use]
    pub fn max_sessions(mut self, limit: impl Into<Option<usize>>) -> Self {
        self.settings.max_sessions = limit.into();
        self
    }

    /// Sets the size limit of the `Set-Cookie` header value in bytes. The default is 4093, and 0
    /// means no limit. This is Flask's `MAX_COOKIE_SIZE`.
    #[must_use]
    pub fn max_cookie_size(mut self, bytes: usize) -> Self {
        self.settings.max_cookie_size = bytes;
        self
    }

    /// Sets the treatment of cookies that exceed [`max_cookie_size`](Self::max_cookie_size). The
    /// default is [`OversizePolicy::Refuse`]. Flask has no such setting and sends the cookie.
    #[must_use]
    pub fn oversize(mut self, oversize: OversizePolicy) -> Self {
        self.settings.oversize = oversize;
        self
    }

    /// Sets the clock. The default is [`SystemClock`](crate::config::SystemClock). Flask has no
    /// such setting.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.settings.clock = Arc::new(clock);
        self
    }

    /// Sets the receiver of events, such as logins and store calls. By default, only `tracing`
    /// receives events. Flask has no such setting. Flask's signals are different events.
    #[must_use]
    pub fn events(mut self, events: Events) -> Self {
        self.settings.events = events;
        self
    }

    /// Checks the settings and returns the configuration.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if browsers would reject the cookie:
    ///
    /// - The attributes, or a former domain or path, are invalid; see
    ///   [`CookieAttributesBuilder::build`].
    /// - The name is not a token.
    /// - The attributes do not meet the requirements of the name's prefix: `__Secure-`, `__Host-`,
    ///   `__Http-` or `__Host-Http-` (RFC 6265bis, section 4.1.3).
    ///
    /// All prefixes require `Secure`. `__Host-` also requires the path `/` and no domain, and
    /// `__Http-` requires `HttpOnly`.
    ///
    /// The error is also [`ErrorKind::Configuration`] in these cases:
    ///
    /// - A lifetime or timeout is shorter than one second. Cookies cannot express such a duration.
    /// - The maximum number of sessions is 0.
    /// - The name of the token header is not a token, or the header has another purpose.
    pub fn build(mut self) -> Result<SessionConfig, Error> {
        let lifetimes =
            [Some(self.settings.permanent_lifetime), Some(self.settings.browser_lifetime)];
        let Settings { visitor_lifetime, idle_timeout, absolute_timeout, .. } = self.settings;
        let limits = [visitor_lifetime, idle_timeout, absolute_timeout];
        if lifetimes.into_iter().chain(limits).flatten().any(|life| life < Duration::from_secs(1)) {
            let message = "session lifetime or timeout is too short; use at least one second";
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        if self.settings.max_sessions == Some(0) {
            let message = "maximum number of sessions is 0; use at least 1";
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        if let Some(key) = &self.flash_key {
            self.settings.flash_key = Some(Arc::new(FlashKey::new(key)?));
        }
        if let Some(header) = &self.settings.token_header {
            header.check()?;
        }
        if let Some(path) = self.cookie_path.or(self.application_root) {
            self.attributes = self.attributes.path(path);
        }
        for domain in &mut self.settings.former_domains {
            let former = self.attributes.clone().domain(domain.as_str()).build()?;
            former.domain().unwrap_or_default().clone_into(domain);
        }
        for path in &mut self.settings.former_paths {
            let former = self.attributes.clone().path(path.as_str()).build()?;
            former.path().clone_into(path);
        }
        let attributes = self.attributes.build()?;
        cookie::check_name(&self.settings.cookie_name, &attributes)?;
        self.settings.cookie_attributes = attributes;
        Ok(SessionConfig { settings: Arc::new(self.settings) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_that_browsers_refuse_is_error_of_build() {
        let long = format!("/{}", "a".repeat(1024));
        let plain = || SessionConfig::builder().cookie_secure(false);
        for (refused, part) in [
            (SessionConfig::builder().cookie_domain("https://example.com"), "https://example.com"),
            (SessionConfig::builder().cookie_domain("example..com"), "host name"),
            (SessionConfig::builder().cookie_domain("com"), "single label"),
            (SessionConfig::builder().cookie_domain("127.0.0.1"), "address"),
            (SessionConfig::builder().cookie_path(&long), "1024"),
            (SessionConfig::builder().application_root(&long), "1024"),
            (SessionConfig::builder().cookie_path("shop"), "slash"),
            (SessionConfig::builder().cookie_name("__Http-a").cookie_httponly(false), "HttpOnly"),
            (SessionConfig::builder().cookie_name("__Host-a").cookie_path("/b"), "__Host-"),
            (plain().cookie_name("__Secure-a"), "Secure"),
            (plain().cookie_samesite(SameSite::None), "Secure"),
            (plain().cookie_partitioned(true), "Secure"),
        ] {
            let error = refused.build().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
            assert!(error.to_string().contains(part), "{part}: {error}");
        }
        let named = SessionConfig::builder().cookie_name("__Http-a").cookie_domain("localhost");
        assert!(named.cookie_path(&long[..1024]).build().is_ok());
    }
}
