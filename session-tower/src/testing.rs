//! Testing a whole application in the process: requests, cookies, redirects, and sessions without a login form; behind
//! the feature `testing`.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::{Duration, SystemTime};
//!
//! use axum::response::Redirect;
//! use axum::routing::{get, post};
//! use axum::{Router, http::StatusCode};
//! use session_core::{ManualClock, SessionConfig, SessionInterface};
//! use session_memory::MemorySessions;
//! use session_tower::testing::TestClient;
//! use session_tower::{Error, Session, SessionLayer};
//!
//! fn app(sessions: Arc<dyn SessionInterface>) -> Router {
//!     let greet = async |session: Session| match session.get::<String>("user")? {
//!         Some(user) => Ok(format!("Hello {user}")),
//!         None => Ok::<_, Error>("Who are you?".to_owned()),
//!     };
//!     let log_in = async |session: Session, user: String| {
//!         session.set_owner(&*user)?;
//!         session.insert("user", user)?;
//!         Ok::<_, Error>(Redirect::to("/"))
//!     };
//!     Router::new().route("/", get(greet)).route("/login", post(log_in)).layer(SessionLayer::new(sessions))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let clock = ManualClock::at(SystemTime::now());
//! let config = SessionConfig::builder().clock(clock.clone()).idle_timeout(Duration::from_secs(3600)).build()?;
//! let sessions: Arc<dyn SessionInterface> = Arc::new(MemorySessions::new(config));
//! let mut client = TestClient::new(app(Arc::clone(&sessions)), sessions);
//!
//! // Through the front door:
//! let answer = client.post("/login", "text/plain", "ada").await?;
//! assert_eq!(answer.status(), StatusCode::SEE_OTHER);
//! assert_eq!(client.follow(answer).await?.text(), "Hello ada");
//!
//! // Logged in without HTTP:
//! client.browser_mut().session_transaction(|session| session.insert("user", "bob")).await?;
//! assert_eq!(client.get("/").await?.text(), "Hello bob");
//! assert_eq!(client.browser().session().await?.owner().as_deref(), Some("ada"));
//!
//! // An hour and a bit later:
//! clock.advance(Duration::from_secs(3700));
//! assert_eq!(client.get("/").await?.text(), "Who are you?");
//! # Ok(())
//! # })
//! # }
//! ```

mod answer;

use std::fmt;
use std::future::poll_fn;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use serde::Serialize;
use session_core::{ErrorKind, SessionInterface};
use tower_service::Service;

use crate::Error;

pub use answer::Answer;
#[doc(no_inline)]
pub use session_core::testing::Browser;

/// So many redirects in a row are followed.
const MOST_REDIRECTS: usize = 10;

/// A visitor of an application in this process: an axum `Router`, or any tower HTTP service that takes `Full<Bytes>` as a
/// request body; one that wants another has `tower::ServiceExt::map_request`.
///
/// Its [`Browser`] keeps the cookies, and the session that is in them.
///
/// ```
/// use session_core::NullSessions;
/// use session_tower::testing::TestClient;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let app: axum::Router = axum::Router::new().route("/", axum::routing::get(async || "hello"));
/// let mut client = TestClient::new(app, NullSessions::new("no key"));
/// assert_eq!(client.get("/").await?.text(), "hello");
/// # Ok::<(), session_tower::Error>(())
/// # }).unwrap();
/// ```
pub struct TestClient<S> {
    service: S,
    browser: Browser,
}

impl<S> TestClient<S> {
    /// A visitor of an application with these sessions: give the layer and the client an `Arc` of the same.
    ///
    /// ```
    /// # use session_core::NullSessions;
    /// # use session_tower::testing::TestClient;
    /// let client = TestClient::new(axum::Router::<()>::new(), NullSessions::new("no key"));
    /// assert_eq!(client.browser().host(), "localhost");
    /// ```
    pub fn new(service: S, sessions: impl SessionInterface) -> Self {
        Self { service, browser: Browser::new(sessions) }
    }

    /// Its cookies and its session, to look at.
    ///
    /// ```
    /// # use session_core::NullSessions;
    /// # use session_tower::testing::TestClient;
    /// let client = TestClient::new(axum::Router::<()>::new(), NullSessions::new("no key"));
    /// assert_eq!(client.browser().cookie("session"), None);
    /// ```
    pub fn browser(&self) -> &Browser {
        &self.browser
    }

    /// Its cookies and its session, to change.
    ///
    /// ```
    /// # use session_core::NullSessions;
    /// # use session_tower::testing::TestClient;
    /// let mut client = TestClient::new(axum::Router::<()>::new(), NullSessions::new("no key"));
    /// client.browser_mut().go_to("http://shop.example")?;
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn browser_mut(&mut self) -> &mut Browser {
        &mut self.browser
    }
}

impl<S> TestClient<S> {
    /// Asks for a page. The path may have a query.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// ```
    /// # use session_core::NullSessions;
    /// # use session_tower::testing::TestClient;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let mut client = TestClient::new(axum::Router::<()>::new(), NullSessions::new("no key"));
    /// assert_eq!(client.get("/").await?.status(), 404);
    /// # Ok::<(), session_tower::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn get<R>(&mut self, path: &str) -> Result<Answer, Error>
    where
        S: Service<Request<Full<Bytes>>, Response = Response<R>, Error: fmt::Display>,
        R: Body<Error: fmt::Display>,
    {
        self.send(request(Method::GET, path, None, Vec::new())?).await
    }

    /// Sends a body of this type to a page.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// ```
    /// # use session_core::NullSessions;
    /// # use session_tower::testing::TestClient;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let app: axum::Router = axum::Router::new().route("/", axum::routing::post(async |body: String| body));
    /// let mut client = TestClient::new(app, NullSessions::new("no key"));
    /// assert_eq!(client.post("/", "text/plain", "hello").await?.text(), "hello");
    /// # Ok::<(), session_tower::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn post<R>(&mut self, path: &str, kind: &str, body: impl Into<Vec<u8>>) -> Result<Answer, Error>
    where
        S: Service<Request<Full<Bytes>>, Response = Response<R>, Error: fmt::Display>,
        R: Body<Error: fmt::Display>,
    {
        self.send(request(Method::POST, path, Some(kind), body.into())?).await
    }

    /// Sends a form to a page.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// ```
    /// # use session_core::NullSessions;
    /// # use session_tower::testing::TestClient;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let app: axum::Router = axum::Router::new().route("/", axum::routing::post(async |body: String| body));
    /// let mut client = TestClient::new(app, NullSessions::new("no key"));
    /// assert_eq!(client.post_form("/", &[("user", "Ada L.")]).await?.text(), "user=Ada+L.");
    /// # Ok::<(), session_tower::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn post_form<R>(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, Error>
    where
        S: Service<Request<Full<Bytes>>, Response = Response<R>, Error: fmt::Display>,
        R: Body<Error: fmt::Display>,
    {
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
    /// # use session_tower::testing::TestClient;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let app: axum::Router = axum::Router::new().route("/", axum::routing::post(async |body: String| body));
    /// let mut client = TestClient::new(app, NullSessions::new("no key"));
    /// assert_eq!(client.post_json("/", &[1, 2]).await?.json::<Vec<u64>>()?, [1, 2]);
    /// # Ok::<(), session_tower::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn post_json<R>(&mut self, path: &str, value: &(impl Serialize + ?Sized)) -> Result<Answer, Error>
    where
        S: Service<Request<Full<Bytes>>, Response = Response<R>, Error: fmt::Display>,
        R: Body<Error: fmt::Display>,
    {
        let json = serde_json::to_vec(value).map_err(|error| {
            session_core::Error::new(ErrorKind::Value, "the value cannot be written as JSON").with_source(error)
        })?;
        self.post(path, "application/json", json).await
    }

    /// Sends any request, with the host and the cookies of the browser, and keeps the cookies of the response. A cookie that
    /// a browser would drop is dropped.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for a path that is none; [`ErrorKind::Backend`] if the application gives an error instead
    /// of a response, or a body that breaks off.
    ///
    /// ```
    /// # use session_core::NullSessions;
    /// # use session_tower::testing::TestClient;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let mut client = TestClient::new(axum::Router::<()>::new(), NullSessions::new("no key"));
    /// let request = http::Request::delete("/cart/7").body(Vec::new()).unwrap();
    /// assert_eq!(client.send(request).await?.status(), 404);
    /// # Ok::<(), session_tower::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn send<R>(&mut self, mut request: Request<Vec<u8>>) -> Result<Answer, Error>
    where
        S: Service<Request<Full<Bytes>>, Response = Response<R>, Error: fmt::Display>,
        R: Body<Error: fmt::Display>,
    {
        self.add_headers(&mut request)?;
        let sent = request.clone();
        poll_fn(|context| self.service.poll_ready(context)).await.map_err(failed)?;
        let response = self.service.call(request.map(Full::from)).await.map_err(failed)?;
        let (head, body) = response.into_parts();
        for set_cookie in head.headers.get_all(SET_COOKIE) {
            let set_cookie = String::from_utf8_lossy(set_cookie.as_bytes());
            let _dropped = self.browser.receive(sent.uri().path(), &set_cookie);
        }
        let body = body.collect().await.map_err(failed)?.to_bytes().to_vec();
        Ok(Answer::new(Response::from_parts(head, body), sent))
    }

    /// Follows redirects to the page that they lead to, as a browser: after 303, and after the `POST` of a 301 or 302, with
    /// `GET`; to another origin, too. An answer that is no redirect is handed back.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); [`ErrorKind::Backend`] for a `Location` that leads nowhere, and after ten redirects.
    ///
    /// ```
    /// # use axum::{response::Redirect, routing::get};
    /// # use session_core::NullSessions;
    /// # use session_tower::testing::TestClient;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let app: axum::Router =
    ///     axum::Router::new().route("/", get(async || Redirect::to("/home"))).route("/home", get(async || "home"));
    /// let mut client = TestClient::new(app, NullSessions::new("no key"));
    /// let answer = client.get("/").await?;
    /// assert_eq!(client.follow(answer).await?.text(), "home");
    /// # Ok::<(), session_tower::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn follow<R>(&mut self, mut answer: Answer) -> Result<Answer, Error>
    where
        S: Service<Request<Full<Bytes>>, Response = Response<R>, Error: fmt::Display>,
        R: Body<Error: fmt::Display>,
    {
        for _ in 0..MOST_REDIRECTS {
            if !answer.status().is_redirection() || !answer.headers().contains_key(LOCATION) {
                return Ok(answer);
            }
            let request = self.redirected(&answer)?;
            answer = self.send(request).await?;
        }
        Err(backend("redirects lead on and on"))
    }

    fn add_headers(&self, request: &mut Request<Vec<u8>>) -> Result<(), Error> {
        let value = |text: &str| HeaderValue::from_str(text).map_err(|error| unusable("header", error));
        let cookies = self.browser.cookie_header(request.uri().path());
        let host = value(self.browser.host())?;
        let headers = request.headers_mut();
        headers.insert(HOST, host);
        if let Some(cookies) = cookies {
            headers.append(COOKIE, value(&cookies)?);
        }
        Ok(())
    }

    /// The request that this redirect asks for. The browser goes to its origin.
    fn redirected(&mut self, answer: &Answer) -> Result<Request<Vec<u8>>, Error> {
        let sent = answer.request();
        let location = answer.location().ok_or_else(|| backend("a redirect leads nowhere"))?;
        let uri: Uri = location.parse().map_err(|error| unusable("location", error))?;
        if let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) {
            self.browser.go_to(&format!("{scheme}://{authority}"))?;
        } else if !location.starts_with('/') {
            return Err(backend("a redirect to a relative path"));
        }
        let target = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let posted = sent.method() == Method::POST
            && matches!(answer.status(), StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND);
        if posted || answer.status() == StatusCode::SEE_OTHER {
            return request(Method::GET, target, None, Vec::new());
        }
        let mut again = sent.clone();
        again.headers_mut().remove(COOKIE);
        *again.uri_mut() = target.parse().map_err(|error| unusable("location", error))?;
        Ok(again)
    }
}

impl<S> fmt::Debug for TestClient<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClient").field("browser", &self.browser).finish_non_exhaustive()
    }
}

fn request(method: Method, path: &str, kind: Option<&str>, body: Vec<u8>) -> Result<Request<Vec<u8>>, Error> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(kind) = kind {
        request = request.header(CONTENT_TYPE, kind);
    }
    request.body(body).map_err(|error| unusable("request", error))
}

fn unusable(what: &str, error: impl Into<http::Error>) -> Error {
    let message = format!("this {what} cannot be sent");
    session_core::Error::new(ErrorKind::Configuration, message).with_source(error.into()).into()
}

fn failed(error: impl fmt::Display) -> Error {
    backend(format!("the application gave an error instead of a response: {error}"))
}

fn backend(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    session_core::Error::new(ErrorKind::Backend, message).into()
}
