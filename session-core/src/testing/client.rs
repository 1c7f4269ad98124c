//! A visitor of a whole application in this process, whatever its framework.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;

use serde::Serialize;

use super::{Answer, Browser, Request};
use crate::{Error, ErrorKind, SessionInterface};

/// So many redirects in a row are followed.
const MOST_REDIRECTS: usize = 10;

/// An application that a [`TestClient`] visits. An adapter implements it for what its framework serves; an asynchronous
/// closure is one, too.
///
/// ```
/// use session_core::testing::{Answer, Application, Request};
///
/// fn is_application(_: &impl Application) {}
///
/// is_application(&async |request: Request| Ok(Answer::new(200).with_body(request.body())));
/// ```
pub trait Application {
    /// Answers one request as the framework's server would, and reads the body to its end. Cookies are the client's affair.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for a request that the framework has no way to say; [`ErrorKind::Backend`] if the
    /// application gives an error where a server would have no response, or a body that breaks off.
    fn answer(&mut self, request: Request) -> impl Future<Output = Result<Answer, Error>>;
}

impl<F: AsyncFnMut(Request) -> Result<Answer, Error>> Application for F {
    async fn answer(&mut self, request: Request) -> Result<Answer, Error> {
        self(request).await
    }
}

/// A visitor of an application. Its [`Browser`] keeps the cookies, and the session that is in them.
///
/// Each adapter has its own `TestClient`, which dereferences to this one and takes what the framework serves.
///
/// ```
/// use session_core::NullSessions;
/// use session_core::testing::{Answer, Request, TestClient};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let hello = async |_: Request| Ok(Answer::new(200).with_body("hello"));
/// let mut client = TestClient::new(hello, NullSessions::new("no key"));
/// assert_eq!(client.get("/").await?.text(), "hello");
/// # Ok::<(), session_core::Error>(())
/// # }).unwrap();
/// ```
pub struct TestClient<A> {
    application: A,
    browser: Browser,
}

impl<A> TestClient<A> {
    /// A visitor of an application with these sessions: give the adapter's layer and the client an `Arc` of the same.
    ///
    /// ```
    /// # use session_core::NullSessions;
    /// # use session_core::testing::TestClient;
    /// let client = TestClient::new((), NullSessions::new("no key"));
    /// assert_eq!(client.browser().host(), "localhost");
    /// ```
    pub fn new(application: A, sessions: impl SessionInterface) -> Self {
        Self { application, browser: Browser::new(sessions) }
    }

    /// Its cookies and its session, to look at.
    ///
    /// ```
    /// # use session_core::NullSessions;
    /// # use session_core::testing::TestClient;
    /// let client = TestClient::new((), NullSessions::new("no key"));
    /// assert_eq!(client.browser().cookie("session"), None);
    /// ```
    pub fn browser(&self) -> &Browser {
        &self.browser
    }

    /// Its cookies and its session, to change.
    ///
    /// ```
    /// # use session_core::NullSessions;
    /// # use session_core::testing::TestClient;
    /// let mut client = TestClient::new((), NullSessions::new("no key"));
    /// client.browser_mut().go_to("http://shop.example")?;
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn browser_mut(&mut self) -> &mut Browser {
        &mut self.browser
    }
}

impl<A: Application> TestClient<A> {
    /// Asks for a page. The path may have a query.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// ```
    /// # use session_core::NullSessions;
    /// # use session_core::testing::{Answer, Request, TestClient};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let not_found = async |_: Request| Ok(Answer::new(404));
    /// let mut client = TestClient::new(not_found, NullSessions::new("no key"));
    /// assert_eq!(client.get("/cart?page=2").await?.status(), 404);
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn get(&mut self, path: &str) -> Result<Answer, Error> {
        self.send(Request::new("GET", path)).await
    }

    /// Sends a body of this type to a page.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// ```
    /// # use session_core::NullSessions;
    /// # use session_core::testing::{Answer, Request, TestClient};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let echo = async |request: Request| Ok(Answer::new(200).with_body(request.body()));
    /// let mut client = TestClient::new(echo, NullSessions::new("no key"));
    /// assert_eq!(client.post("/", "text/plain", "hello").await?.text(), "hello");
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn post(&mut self, path: &str, kind: &str, body: impl Into<Vec<u8>>) -> Result<Answer, Error> {
        self.send(Request::new("POST", path).with_header("content-type", kind).with_body(body)).await
    }

    /// Sends a form to a page.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// ```
    /// # use session_core::NullSessions;
    /// # use session_core::testing::{Answer, Request, TestClient};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let echo = async |request: Request| Ok(Answer::new(200).with_body(request.body()));
    /// let mut client = TestClient::new(echo, NullSessions::new("no key"));
    /// assert_eq!(client.post_form("/", &[("user", "Ada L.")]).await?.text(), "user=Ada+L.");
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn post_form(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, Error> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.post(path, "application/x-www-form-urlencoded", form).await
    }

    /// Sends a value to a page, as JSON.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); [`ErrorKind::Value`] if the value cannot be written as JSON.
    ///
    /// ```
    /// # use session_core::NullSessions;
    /// # use session_core::testing::{Answer, Request, TestClient};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let echo = async |request: Request| Ok(Answer::new(200).with_body(request.body()));
    /// let mut client = TestClient::new(echo, NullSessions::new("no key"));
    /// assert_eq!(client.post_json("/", &[1, 2]).await?.json::<Vec<u64>>()?, [1, 2]);
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn post_json(&mut self, path: &str, value: &(impl Serialize + ?Sized)) -> Result<Answer, Error> {
        let json = serde_json::to_vec(value)
            .map_err(|error| Error::new(ErrorKind::Value, "the value cannot be written as JSON").with_source(error))?;
        self.post(path, "application/json", json).await
    }

    /// Sends any request, with the host and the cookies of the browser, and keeps the cookies of the response. A cookie that
    /// a browser would drop is dropped.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for a path, method or header that is none; [`ErrorKind::Backend`] if the application
    /// gives an error instead of a response, or a body that breaks off.
    ///
    /// ```
    /// # use session_core::NullSessions;
    /// # use session_core::testing::{Answer, Request, TestClient};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let echo = async |request: Request| Ok(Answer::new(200).with_body(request.method()));
    /// let mut client = TestClient::new(echo, NullSessions::new("no key"));
    /// let request = Request::new("DELETE", "/cart/7").with_header("accept-language", "de");
    /// assert_eq!(client.send(request).await?.text(), "DELETE");
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn send(&mut self, request: Request) -> Result<Answer, Error> {
        if !request.path().starts_with('/') {
            return Err(Error::new(ErrorKind::Configuration, "the path of a request begins with /"));
        }
        let mut sent = request.clone().replacing_header("host", self.browser.host());
        if let Some(cookies) = self.browser.cookie_header(request.path()) {
            sent = sent.with_header("cookie", cookies);
        }
        let answer = self.application.answer(sent).await?;
        for (_, set_cookie) in answer.headers().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie")) {
            let _dropped = self.browser.receive(request.path(), set_cookie);
        }
        Ok(answer.to(request))
    }

    /// Follows redirects to the page that they lead to, as a browser: after 303, and after the `POST` of a 301 or 302, with
    /// `GET`; to another origin, too. An answer that is no redirect is handed back.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); [`ErrorKind::Backend`] for a `Location` that leads nowhere or is a relative path, and after
    /// ten redirects.
    ///
    /// ```
    /// # use session_core::NullSessions;
    /// # use session_core::testing::{Answer, Request, TestClient};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let app = async |request: Request| match request.path() {
    ///     "/" => Ok(Answer::new(303).with_header("location", "/home")),
    ///     path => Ok(Answer::new(200).with_body(path)),
    /// };
    /// let mut client = TestClient::new(app, NullSessions::new("no key"));
    /// let answer = client.get("/").await?;
    /// assert_eq!(client.follow(answer).await?.text(), "/home");
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn follow(&mut self, mut answer: Answer) -> Result<Answer, Error> {
        let mut redirects = 0;
        while let Some((location, request)) = answer.redirect() {
            if redirects == MOST_REDIRECTS {
                return Err(backend("redirects lead on and on"));
            }
            redirects += 1;
            let path = self.go_along(location)?;
            answer = self.send(request.at(path)).await?;
        }
        Ok(answer)
    }

    /// The path that this location leads to. If it is at another origin, the browser goes there.
    fn go_along(&mut self, location: &str) -> Result<String, Error> {
        let location = location.split('#').next().unwrap_or_default();
        if location.starts_with('/') && !location.starts_with("//") {
            return Ok(location.to_owned());
        }
        let location = if location.starts_with("//") {
            let scheme = if self.browser.origin.is_secure() { "https" } else { "http" };
            Cow::Owned(format!("{scheme}:{location}"))
        } else {
            Cow::Borrowed(location)
        };
        let host = location.find("://").ok_or_else(|| backend("a redirect to a relative path"))? + "://".len();
        let end = location[host..].find(['/', '?']).map_or(location.len(), |length| host + length);
        let (origin, path) = location.split_at(end);
        self.browser.go_to(origin).map_err(|error| backend("a redirect leads nowhere").with_source(error))?;
        Ok(if path.starts_with('/') { path.to_owned() } else { format!("/{path}") })
    }
}

impl<A> fmt::Debug for TestClient<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClient").field("browser", &self.browser).finish_non_exhaustive()
    }
}

fn backend(message: &'static str) -> Error {
    Error::new(ErrorKind::Backend, message)
}
