//! What the tests of this crate share: requests, responses, signed cookies under a clock that stands still, and an
//! interface that counts its calls and fails on demand.

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
use session_core::{
    CookieAction, CookieAttributes, Error, ErrorKind, ManualClock, OpenContext, RequestSession, RequestView,
    SaveContext, SecretKey, Session, SessionConfig, SessionConfigBuilder, SessionInterface, async_trait,
};
use tower::ServiceExt as _;

/// Tue, 14 Nov 2023 22:13:20 GMT, and so it stays.
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
    SignedCookieSessions::new(settings.build().unwrap(), &key()).unwrap()
}

/// A `Cookie` header with a session of these sessions, filled like this.
pub async fn cookie(sessions: &SignedCookieSessions, fill: fn(&Session)) -> String {
    let request = RequestSession::new(sessions.clone(), RequestView::default());
    fill(&request.session().await.unwrap());
    let headers = request.commit().await.unwrap();
    pair(headers.set_cookie().unwrap()).to_owned()
}

/// The session that a browser would bring back after this `Set-Cookie` header.
pub async fn reopen(sessions: &SignedCookieSessions, set_cookie: &str) -> Session {
    let view = RequestView::builder().cookie_header(pair(set_cookie).as_bytes()).build();
    RequestSession::new(sessions.clone(), view).session().await.unwrap()
}

/// The name and the value of a `Set-Cookie` header.
pub fn pair(set_cookie: &str) -> &str {
    set_cookie.split(';').next().unwrap()
}

/// A request for `/` with each of these `Cookie` headers.
pub fn request<const N: usize>(cookies: [&str; N]) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    for cookie in cookies {
        request.headers_mut().append(COOKIE, cookie.parse().unwrap());
    }
    request
}

/// The response of an application to a request for `/` with this `Cookie` header; none if it is empty.
pub async fn answer(app: &axum::Router, cookie: &str) -> Response {
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

/// The names of the response's headers, without the length that a router adds.
pub fn header_names<B>(response: &http::Response<B>) -> Vec<&str> {
    response.headers().keys().map(HeaderName::as_str).filter(|name| *name != "content-length").collect()
}

fn all<'a, B>(response: &'a http::Response<B>, name: &HeaderName) -> Vec<&'a str> {
    response.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
}

pub async fn text(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Another interface under observation. Clones share the counts.
#[derive(Clone, Debug)]
pub struct Watched {
    inner: Arc<dyn SessionInterface>,
    opens: Arc<AtomicUsize>,
    saves: Arc<AtomicUsize>,
    failing_opens: usize,
    failing_save: Option<ErrorKind>,
    on_open: fn(&Session),
}

impl Watched {
    pub fn new(inner: impl SessionInterface) -> Self {
        Self {
            inner: Arc::new(inner),
            opens: Arc::default(),
            saves: Arc::default(),
            failing_opens: 0,
            failing_save: None,
            on_open: |_| (),
        }
    }

    /// The first so many opens fail with [`ErrorKind::Unavailable`].
    pub fn failing_opens(self, failing_opens: usize) -> Self {
        Self { failing_opens, ..self }
    }

    /// Every save fails.
    pub fn failing_save(self, kind: ErrorKind) -> Self {
        Self { failing_save: Some(kind), ..self }
    }

    /// What the interface itself does to a session that it opened.
    pub fn on_open(self, on_open: fn(&Session)) -> Self {
        Self { on_open, ..self }
    }

    /// How often a session was asked for.
    pub fn opens(&self) -> usize {
        self.opens.load(Ordering::SeqCst)
    }

    /// How often a session was to be saved.
    pub fn saves(&self) -> usize {
        self.saves.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl SessionInterface for Watched {
    fn config(&self) -> &SessionConfig {
        self.inner.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Session, Error> {
        if self.opens.fetch_add(1, Ordering::SeqCst) < self.failing_opens {
            return Err(failure(ErrorKind::Unavailable));
        }
        let session = self.inner.open(context).await?;
        (self.on_open)(&session);
        Ok(session)
    }

    async fn save(&self, session: &Session, context: &SaveContext<'_>) -> Result<CookieAction, Error> {
        self.saves.fetch_add(1, Ordering::SeqCst);
        match self.failing_save {
            Some(kind) => Err(failure(kind)),
            None => self.inner.save(session, context).await,
        }
    }

    fn cookie_name(&self, request: &RequestView) -> Cow<'_, str> {
        self.inner.cookie_name(request)
    }

    fn cookie_attributes(&self, request: &RequestView, session: &Session) -> Cow<'_, CookieAttributes> {
        self.inner.cookie_attributes(request, session)
    }

    fn lifetime(&self, session: &Session) -> Option<Duration> {
        self.inner.lifetime(session)
    }

    fn should_set_cookie(&self, session: &Session) -> bool {
        self.inner.should_set_cookie(session)
    }
}

fn failure(kind: ErrorKind) -> Error {
    let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    Error::new(kind, "the store at 10.0.0.7 is down").with_source(refused)
}
