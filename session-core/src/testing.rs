//! Testing an application without a browser and without HTTP; behind the feature `testing`.
//!
//! - **A session made by hand**: [`Session::new`](crate::Session::new), for a function that takes one.
//! - **A clock that the test sets**: [`ManualClock`](crate::ManualClock), given to the configuration. The cookies of a
//!   [`Browser`] go by it, too.
//! - **A visitor**: a [`Browser`] keeps cookies as a browser does. [`Browser::session_transaction`] changes the session of
//!   its cookie, or starts one: so a user is logged in without a login form.
//!
//! - **A whole application**: a [`TestClient`] sends requests from its browser, and follows redirects. `session-tower` and
//!   `session-actix` have one for what their frameworks serve; another adapter implements [`Application`].
//!
//! ```
//! use session_core::testing::Browser;
//! # use session_core::{
//! #     CookieAction, Error, OpenContext, SaveContext, Session, SessionConfig, SessionInterface, async_trait,
//! # };
//! # #[derive(Debug)]
//! # struct PlainCookie(SessionConfig);
//! # #[async_trait]
//! # impl SessionInterface for PlainCookie {
//! #     fn config(&self) -> &SessionConfig {
//! #         &self.0
//! #     }
//! #     async fn open(&self, context: &OpenContext<'_>) -> Result<Session, Error> {
//! #         let user = context.cookie().and_then(|cookie| cookie.strip_prefix("user-"));
//! #         Ok(user.map_or_else(Session::new, |user| Session::from_payload(format!(r#"{{"user":"{user}"}}"#)).unwrap()))
//! #     }
//! #     async fn save(&self, session: &Session, _: &SaveContext<'_>) -> Result<CookieAction, Error> {
//! #         Ok(match session.get::<String>("user")? {
//! #             Some(user) => CookieAction::Set(format!("user-{user}")),
//! #             None => CookieAction::Remove,
//! #         })
//! #     }
//! # }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! # let sessions = PlainCookie(SessionConfig::default());
//! let mut browser = Browser::new(sessions); // of whatever backend
//! browser.session_transaction(|session| session.insert("user", "ada")).await?;
//! assert!(browser.cookie_header("/").is_some()); // what a request brings
//! assert_eq!(browser.session().await?.get::<String>("user")?.as_deref(), Some("ada"));
//! # Ok::<(), session_core::Error>(())
//! # }).unwrap();
//! ```

mod answer;
mod client;
mod cookie;
mod origin;
mod request;

use std::fmt;
use std::sync::Arc;

use cookie::Cookie;
use origin::Origin;

pub use answer::Answer;
pub use client::{Application, TestClient};
pub use request::Request;

use crate::{Error, ErrorKind, OnOutage, RequestSession, RequestView, Session, SessionInterface};

/// A browser for tests: it keeps the cookies of its visits, and sends them where they belong.
///
/// It obeys path, domain, `Secure`, the prefixes `__Host-` and `__Secure-`, expiry and removal (RFC 6265bis, section 5). Its
/// clock is that of the sessions. It stands at `https://localhost` until it [goes](Self::go_to) somewhere else.
///
/// ```
/// use session_core::NullSessions;
/// use session_core::testing::Browser;
///
/// let mut browser = Browser::new(NullSessions::new("no key"));
/// browser.receive("/", "theme=dark; Path=/shop; Secure")?;
/// assert_eq!(browser.cookie_header("/shop/cart").as_deref(), Some("theme=dark"));
/// assert_eq!(browser.cookie_header("/"), None);
/// # Ok::<(), session_core::Error>(())
/// ```
pub struct Browser {
    sessions: Arc<dyn SessionInterface>,
    origin: Origin,
    cookies: Vec<Cookie>,
}

impl Browser {
    /// A browser without cookies, for an application with these sessions. An `Arc` of sessions can be shared with it.
    ///
    /// ```
    /// # use session_core::{NullSessions, testing::Browser};
    /// let browser = Browser::new(NullSessions::new("no key"));
    /// assert_eq!(browser.host(), "localhost");
    /// ```
    pub fn new(sessions: impl SessionInterface) -> Self {
        Self { sessions: Arc::new(sessions), origin: Origin::localhost(), cookies: Vec::new() }
    }

    /// Goes to another scheme and host, such as `http://shop.example:8080`. The cookies stay.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for what is not `http://` or `https://`, a host, and perhaps a port.
    ///
    /// ```
    /// # use session_core::{NullSessions, testing::Browser};
    /// let mut browser = Browser::new(NullSessions::new("no key"));
    /// browser.go_to("http://shop.example:8080")?;
    /// assert_eq!(browser.host(), "shop.example:8080");
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn go_to(&mut self, origin: &str) -> Result<(), Error> {
        self.origin = Origin::parse(origin)?;
        Ok(())
    }

    /// Where it is: the value of a `Host` header.
    ///
    /// ```
    /// # use session_core::{NullSessions, testing::Browser};
    /// assert_eq!(Browser::new(NullSessions::new("no key")).host(), "localhost");
    /// ```
    pub fn host(&self) -> &str {
        self.origin.host()
    }

    /// The value of the `Cookie` header of a request for this path; `None` if no cookie belongs there.
    ///
    /// ```
    /// # use session_core::{NullSessions, testing::Browser};
    /// assert_eq!(Browser::new(NullSessions::new("no key")).cookie_header("/"), None);
    /// ```
    pub fn cookie_header(&self, path: &str) -> Option<String> {
        let now = self.sessions.config().now();
        let mut sent: Vec<_> = self.cookies.iter().filter(|cookie| cookie.goes_to(&self.origin, path, now)).collect();
        sent.sort_by_key(|cookie| std::cmp::Reverse(cookie.path_length()));
        let pairs: Vec<_> = sent.into_iter().map(Cookie::pair).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Obeys one `Set-Cookie` header of a response to a request for this path.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if browsers drop this cookie, and why: a test that does not mind ignores it.
    ///
    /// ```
    /// # use session_core::{NullSessions, testing::Browser};
    /// let mut browser = Browser::new(NullSessions::new("no key"));
    /// assert!(browser.receive("/", "theme=dark").is_ok());
    /// assert!(browser.receive("/", "theme=dark; Domain=other.example").is_err());
    /// ```
    pub fn receive(&mut self, path: &str, set_cookie: &str) -> Result<(), Error> {
        let now = self.sessions.config().now();
        let cookie = Cookie::parse(set_cookie, &self.origin, path, now)?;
        let place = self.cookies.iter().position(|kept| kept.has_place_of(&cookie));
        match (place, cookie.is_expired(now)) {
            (Some(place), true) => drop(self.cookies.remove(place)),
            (Some(place), false) => self.cookies[place] = cookie,
            (None, true) => {}
            (None, false) => self.cookies.push(cookie),
        }
        Ok(())
    }

    /// The value of the cookie of this name, wherever it belongs, unless it has expired.
    ///
    /// ```
    /// # use session_core::{NullSessions, testing::Browser};
    /// let mut browser = Browser::new(NullSessions::new("no key"));
    /// browser.receive("/", "theme=dark")?;
    /// assert_eq!(browser.cookie("theme"), Some("dark"));
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let now = self.sessions.config().now();
        self.cookies.iter().filter(|cookie| !cookie.is_expired(now)).find_map(|cookie| cookie.value_of(name))
    }

    /// Closes the browser and opens it again: cookies without an expiry are gone.
    ///
    /// ```
    /// # use session_core::{NullSessions, testing::Browser};
    /// let mut browser = Browser::new(NullSessions::new("no key"));
    /// browser.receive("/", "theme=dark")?;
    /// browser.restart();
    /// assert_eq!(browser.cookie("theme"), None);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn restart(&mut self) {
        self.cookies.retain(Cookie::is_persistent);
    }

    /// The session of the browser's cookie as it is now, to look at: a change is an error of kind [`ErrorKind::Sealed`].
    ///
    /// # Errors
    ///
    /// What [`SessionInterface::open`] gave.
    ///
    /// ```
    /// # use session_core::{NullSessions, testing::Browser};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let session = Browser::new(NullSessions::new("no key")).session().await?;
    /// assert!(session.is_empty() && session.is_sealed());
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn session(&self) -> Result<Session, Error> {
        let session = self.request().session().await?;
        session.seal();
        Ok(session)
    }

    /// Changes the session of the browser's cookie, or starts one: what a handler would do, as Flask's
    /// `session_transaction`. The change is saved, and the browser keeps the cookie.
    ///
    /// The interface is told of a request for the configured cookie path. If `change` fails, nothing is saved.
    ///
    /// # Errors
    ///
    /// What `change` gave, or opening, or saving; [`ErrorKind::Configuration`] if browsers drop the cookie, such as one with
    /// `Secure` at an `http://` origin.
    ///
    /// ```
    /// use session_core::Error;
    /// use session_core::testing::Browser;
    ///
    /// async fn log_in(browser: &mut Browser) -> Result<(), Error> {
    ///     let login = browser.session_transaction(|session| {
    ///         session.set_owner("user-42")?;
    ///         session.insert("user", "ada")
    ///     });
    ///     login.await
    /// }
    /// ```
    pub async fn session_transaction<T>(
        &mut self,
        change: impl FnOnce(&Session) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let request = self.request();
        let value = change(&request.session().await?)?;
        if let Some(set_cookie) = request.commit().await?.set_cookie() {
            self.receive(request.request().path(), set_cookie)?;
        }
        Ok(value)
    }

    fn request(&self) -> RequestSession {
        let path = self.sessions.config().cookie_attributes().path();
        let cookies = self.cookie_header(path).unwrap_or_default();
        let view = RequestView::builder().host(self.host()).path(path).cookie_header(cookies.as_bytes()).build();
        RequestSession::with_shared(Arc::clone(&self.sessions), view, OnOutage::Refuse)
    }
}

impl fmt::Debug for Browser {
    /// Shows the names of the cookies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser").field("origin", &self.origin).field("cookies", &self.cookies).finish_non_exhaustive()
    }
}

fn dropped(reason: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Configuration, format!("browsers drop this cookie: {reason}"))
}
