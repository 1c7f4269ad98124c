//! Shared by the tests: requests, responses, signed cookies with a stopped clock, and an interface
//! that counts its calls and fails on demand.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, COOKIE, SET_COOKIE, VARY};
use http::{HeaderName, Request};
use http_body_util::BodyExt as _;
use session_cookie::SignedCookieSessions;
use session_core::config::SecretKey;
use session_core::interface::{OpenContext, Opened, Save, Saved, SessionView, state_of};
use session_core::request::{RequestSession, RequestView};
use session_core::{
    CookieAttributes, Error, ErrorKind, ManualClock, Session, SessionConfig, SessionConfigBuilder,
    SessionInterface, async_trait,
};
use tower::ServiceExt as _;

/// Returns a clock that stands at Tue, 14 Nov 2023 22:13:20 GMT.
pub fn clock() -> ManualClock {
    ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000))
}

pub fn settings() -> SessionConfigBuilder {
    SessionConfig::builder().clock(clock())
}

pub fn key() -> SecretKey {
    SecretKey::new("a-key-for-tests-0123456789abcdef").unwrap()
}

pub fn signed(settings: SessionConfigBuilder) -> SignedCookieSessions {
    signed_with(settings.build().unwrap())
}

pub fn signed_with(config: SessionConfig) -> SignedCookieSessions {
    // Cookies of several names with one key need different salts.
    let salt = config.cookie_name().to_owned();
    SignedCookieSessions::builder(config, &key()).salt(salt).build().unwrap()
}

/// Saves a new session and returns the `Cookie` header of a client that has it.
pub async fn cookie(sessions: &(impl SessionInterface + Clone), fill: fn(&Session)) -> String {
    let request = RequestSession::new(sessions.clone(), RequestView::default());
    fill(&request.session().await.unwrap());
    let headers = request.commit().await.into_result().unwrap();
    pair(headers.set_cookie().unwrap()).to_owned()
}

/// Opens the session of a client that received this `Set-Cookie` header.
pub async fn reopen(sessions: &(impl SessionInterface + Clone), set_cookie: &str) -> Session {
    let view = RequestView::builder().cookie_header(pair(set_cookie).as_bytes()).build();
    RequestSession::new(sessions.clone(), view).session().await.unwrap()
}

/// Returns the payload of a session.
pub fn payload(session: &Session) -> String {
    state_of(session).payload()
}

/// Returns the name and the value of a `Set-Cookie` header.
pub fn pair(set_cookie: &str) -> &str {
    set_cookie.split(';').next().unwrap()
}

/// Returns a request for `/` with these `Cookie` headers.
pub fn request<const N: usize>(cookies: [&str; N]) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    for cookie in cookies {
        request.headers_mut().append(COOKIE, cookie.parse().unwrap());
    }
    request
}

/// Sends a request for `/` with this `Cookie` header, or without one if it is empty.
pub async fn send(app: &axum::Router, cookie: &str) -> Response {
    let request = if cookie.is_empty() { request([]) } else { request([cookie]) };
    app.clone().oneshot(request).await.unwrap()
}

pub fn set_cookies<B>(response: &http::Response<B>) -> Vec<&str> {
    all(response, &SET_COOKIE)
}

pub fn vary<B>(response: &http::Response<B>) -> Vec<&str> {
    all(response, &VARY)
}

pub fn cache_control<B>(response: &http::Response<B>) -> Vec<&str> {
    all(response, &CACHE_CONTROL)
}

/// Returns the names of the response headers, except the length that a router adds.
pub fn header_names<B>(response: &http::Response<B>) -> Vec<&str> {
    response
        .headers()
        .keys()
        .map(HeaderName::as_str)
        .filter(|name| *name != "content-length")
        .collect()
}

fn all<'a, B>(response: &'a http::Response<B>, name: &HeaderName) -> Vec<&'a str> {
    response.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
}

pub async fn text(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Another interface, with counted calls. Clones share the counts.
#[derive(Clone, Debug)]
pub struct Watched {
    inner: Arc<dyn SessionInterface>,
    opens: Arc<AtomicUsize>,
    saves: Arc<AtomicUsize>,
    failing_opens: usize,
    succeeding_saves: usize,
    failing_save: Option<ErrorKind>,
    on_open: fn(Opened) -> Opened,
}

impl Watched {
    pub fn new(inner: impl SessionInterface) -> Self {
        Self {
            inner: Arc::new(inner),
            opens: Arc::default(),
            saves: Arc::default(),
            failing_opens: 0,
            succeeding_saves: 0,
            failing_save: None,
            on_open: |opened| opened,
        }
    }

    /// Makes the first calls of `open` fail with [`ErrorKind::Unavailable`].
    pub fn failing_opens(self, failing_opens: usize) -> Self {
        Self { failing_opens, ..self }
    }

    /// Makes every call of `save` fail.
    pub fn failing_save(self, kind: ErrorKind) -> Self {
        self.failing_save_after(0, kind)
    }

    /// Makes every call of `save` fail after this number of calls.
    pub fn failing_save_after(self, succeeding_saves: usize, kind: ErrorKind) -> Self {
        Self { succeeding_saves, failing_save: Some(kind), ..self }
    }

    /// Sets the change that the interface makes to a session that it opened.
    pub fn on_open(self, on_open: fn(Opened) -> Opened) -> Self {
        Self { on_open, ..self }
    }

    /// Returns the number of calls of `open`.
    pub fn opens(&self) -> usize {
        self.opens.load(Ordering::SeqCst)
    }

    /// Returns the number of calls of `save`.
    pub fn saves(&self) -> usize {
        self.saves.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl SessionInterface for Watched {
    fn config(&self) -> &SessionConfig {
        self.inner.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        if self.opens.fetch_add(1, Ordering::SeqCst) < self.failing_opens {
            return Err(failure(ErrorKind::Unavailable));
        }
        self.inner.open(context).await.map(self.on_open)
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        let earlier = self.saves.fetch_add(1, Ordering::SeqCst);
        match self.failing_save {
            Some(kind) if earlier >= self.succeeding_saves => Err(failure(kind)),
            _ => self.inner.save(save).await,
        }
    }

    fn cookie_name(&self, request: &RequestView) -> Cow<'_, str> {
        self.inner.cookie_name(request)
    }

    fn cookie_attributes(
        &self,
        request: &RequestView,
        session: &SessionView<'_>,
    ) -> Cow<'_, CookieAttributes> {
        self.inner.cookie_attributes(request, session)
    }

    fn lifetime(&self, session: &SessionView<'_>) -> Option<Duration> {
        self.inner.lifetime(session)
    }

    fn should_set_cookie(&self, session: &SessionView<'_>) -> bool {
        self.inner.should_set_cookie(session)
    }
}

fn failure(kind: ErrorKind) -> Error {
    let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    Error::new(kind, "the store at 10.0.0.7 is down").with_source(refused)
}
