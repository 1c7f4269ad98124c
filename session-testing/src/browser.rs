//! A browser's cookie jar, and the session in it.

use std::fmt;
use std::sync::Arc;

use session_core::request::{RequestSession, RequestView};
use session_core::{Error, OutagePolicy, Session, SessionInterface};

use super::cookie::Cookie;
use super::origin::Origin;

/// A browser for tests. It stores cookies and sends them to matching origins and paths.
///
/// It follows RFC 6265bis, section 5: path, domain, `Secure`, the prefixes `__Host-` and
/// `__Secure-`, expiry and removal. It uses the clock of the sessions. The browser starts at
/// `https://localhost`; [`go_to`](Self::go_to) changes the origin.
///
/// # Examples
///
/// ```
/// use session_core::interface::NullSessions;
/// use session_testing::Browser;
///
/// let mut browser = Browser::new(NullSessions::new("no key"));
/// browser.receive("/", "theme=dark; Path=/shop; Secure")?;
/// assert_eq!(browser.cookie_header("/shop/cart").as_deref(), Some("theme=dark"));
/// assert_eq!(browser.cookie_header("/"), None);
/// # Ok::<(), session_core::Error>(())
/// ```
pub struct Browser {
    sessions: Arc<dyn SessionInterface>,
    pub(super) origin: Origin,
    cookies: Vec<Cookie>,
}

/// Cookies.
impl Browser {
    /// Returns a browser without cookies, for an application with these sessions. To share the
    /// interface with the application, pass an `Arc` of the interface.
    pub fn new(sessions: impl SessionInterface) -> Self {
        Self { sessions: Arc::new(sessions), origin: Origin::localhost(), cookies: Vec::new() }
    }

    /// Changes the scheme and the host, for example to `http://shop.example:8080`. The browser
    /// keeps its cookies.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](session_core::ErrorKind::Configuration) unless `origin` is
    /// `http://` or `https://`, a host and optionally a port.
    pub fn go_to(&mut self, origin: &str) -> Result<(), Error> {
        self.origin = Origin::parse(origin)?;
        Ok(())
    }

    /// Returns the host with its port: the value of the `Host` header.
    pub fn host(&self) -> &str {
        self.origin.host()
    }

    /// Returns the `Cookie` header of a request for this path, or `None` if no cookie matches.
    pub fn cookie_header(&self, path: &str) -> Option<String> {
        let now = self.sessions.config().now();
        let mut sent: Vec<_> = self
            .cookies
            .iter()
            .filter(|cookie| cookie.is_sent_to(&self.origin, path, now))
            .collect();
        sent.sort_by_key(|cookie| std::cmp::Reverse(cookie.path_length()));
        let pairs: Vec<_> = sent.into_iter().map(Cookie::pair).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Processes a `Set-Cookie` header of the response to a request for this path.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](session_core::ErrorKind::Configuration), with the reason, if
    /// browsers reject the cookie. In this case, the stored cookies do not change.
    pub fn receive(&mut self, path: &str, set_cookie: &str) -> Result<(), Error> {
        let now = self.sessions.config().now();
        let cookie = Cookie::parse(set_cookie, &self.origin, path, now)?;
        let same = self.cookies.iter().position(|other| other.is_same_cookie(&cookie));
        match (same, cookie.is_expired(now)) {
            (Some(index), true) => drop(self.cookies.remove(index)),
            (Some(index), false) => self.cookies[index] = cookie,
            (None, true) => {}
            (None, false) => self.cookies.push(cookie),
        }
        Ok(())
    }

    /// Returns the value of the cookie with this name and any path and domain. Returns `None` if
    /// there is no such cookie or it has expired.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let now = self.sessions.config().now();
        self.cookies
            .iter()
            .filter(|cookie| !cookie.is_expired(now))
            .find_map(|cookie| cookie.value_of(name))
    }

    /// Closes the browser and opens it again. Cookies without an expiry are removed.
    pub fn restart(&mut self) {
        self.cookies.retain(Cookie::is_persistent);
    }
}

/// The session.
impl Browser {
    /// Opens the session of the browser's cookie for reading. Every change fails with
    /// [`ErrorKind::Committed`](session_core::ErrorKind::Committed).
    ///
    /// # Errors
    ///
    /// Returns the error of [`SessionInterface::open`].
    pub async fn session(&self) -> Result<Session, Error> {
        let request = self.request();
        let session = request.session().await?;
        // There is no commit. Therefore reading a session does not renew it.
        request.finish_if_unchanged();
        Ok(session)
    }

    /// Changes the session of the browser's cookie, or starts a session, as Flask's
    /// `session_transaction` does. The change is saved, and the browser stores the cookie.
    ///
    /// The interface receives a request for the configured cookie path. If `change` fails, nothing
    /// is saved.
    ///
    /// # Errors
    ///
    /// - The error of `change`, of opening or of saving.
    /// - [`ErrorKind::Configuration`](session_core::ErrorKind::Configuration) if browsers reject
    ///   the cookie, for example a `Secure` cookie at an `http://` origin.
    ///
    /// # Examples
    ///
    /// ```
    /// use session_core::Error;
    /// use session_testing::Browser;
    ///
    /// async fn log_in(browser: &mut Browser) -> Result<(), Error> {
    ///     let login = browser.session_transaction(async |session| {
    ///         session.log_in("user-42", None).await?;
    ///         session.insert("user", "ada")
    ///     });
    ///     login.await
    /// }
    /// ```
    pub async fn session_transaction<T>(
        &mut self,
        change: impl AsyncFnOnce(&Session) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let request = self.request();
        let value = change(&request.session().await?).await?;
        let headers = request.commit().await.into_result()?;
        for (_, set_cookie) in headers.fields().filter(|(name, _)| *name == "set-cookie") {
            self.receive(request.request().path(), set_cookie)?;
        }
        Ok(value)
    }

    fn request(&self) -> RequestSession {
        let path = self.sessions.config().cookie_attributes().path();
        let cookies = self.cookie_header(path).unwrap_or_default();
        let view = RequestView::builder()
            .host(self.host())
            .path(path)
            .cookie_header(cookies.as_bytes())
            .build();
        RequestSession::with_shared(Arc::clone(&self.sessions), view, OutagePolicy::Refuse)
    }
}

impl fmt::Debug for Browser {
    /// Shows the names of the cookies, but no value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser")
            .field("origin", &self.origin)
            .field("cookies", &self.cookies)
            .finish_non_exhaustive()
    }
}
