//! Shared by the tests: responses, signed cookies with a stopped clock, and an interface that
//! counts its calls and fails on demand.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

pub mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use actix_http::Request;
use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header::{COOKIE, HeaderMap};
use actix_web::test::TestRequest;
use session_cookie::SignedCookieSessions;
use session_core::config::SecretKey;
use session_core::interface::{OpenContext, Opened, Save, Saved, state_of};
use session_core::request::{RequestSession, RequestView};
use session_core::{
    Error, ErrorKind, ManualClock, Session, SessionConfig, SessionConfigBuilder, SessionInterface,
    async_trait,
};

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

/// Returns sessions in a signed cookie with this name.
pub fn named(name: &str) -> SignedCookieSessions {
    signed(settings().cookie_name(name).build().unwrap())
}

pub fn signed(config: SessionConfig) -> SignedCookieSessions {
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

/// A response as the client receives it.
#[derive(Debug)]
pub struct TestResponse {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl TestResponse {
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).map(|value| value.to_str().unwrap()).collect()
    }

    pub fn set_cookies(&self) -> Vec<&str> {
        self.all("set-cookie")
    }
}

/// Sends a request for `/` with this `Cookie` header, or without one if it is empty.
pub async fn send<B: MessageBody + 'static>(
    app: &impl Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    cookie: &str,
) -> TestResponse {
    send_to(app, "/", cookie).await
}

/// Sends a request for this path; see [`send`]. An error of the application becomes its response,
/// as in a server.
pub async fn send_to<B: MessageBody + 'static>(
    app: &impl Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    path: &str,
    cookie: &str,
) -> TestResponse {
    let mut request = TestRequest::with_uri(path);
    if !cookie.is_empty() {
        request = request.append_header((COOKIE, cookie));
    }
    let response = match app.call(request.to_request()).await {
        Ok(response) => response.into_parts().1.map_into_boxed_body(),
        Err(error) => error.error_response(),
    };
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = to_bytes(response.into_body()).await.unwrap();
    TestResponse { status, headers, text: String::from_utf8(body.to_vec()).unwrap() }
}

/// Another interface, with counted calls. Clones share the counts.
#[derive(Clone, Debug)]
pub struct Watched {
    inner: Arc<dyn SessionInterface>,
    opens: Arc<AtomicUsize>,
    saves: Arc<AtomicUsize>,
    failing_open: bool,
    succeeding_saves: usize,
    failing_save: Option<ErrorKind>,
}

impl Watched {
    pub fn new(inner: impl SessionInterface) -> Self {
        Self {
            inner: Arc::new(inner),
            opens: Arc::default(),
            saves: Arc::default(),
            failing_open: false,
            succeeding_saves: 0,
            failing_save: None,
        }
    }

    /// Makes every call of `open` fail with [`ErrorKind::Unavailable`].
    pub fn failing_open(self) -> Self {
        Self { failing_open: true, ..self }
    }

    /// Makes every call of `save` fail.
    pub fn failing_save(self, kind: ErrorKind) -> Self {
        self.failing_save_after(0, kind)
    }

    /// Makes every call of `save` fail after this number of calls.
    pub fn failing_save_after(self, succeeding_saves: usize, kind: ErrorKind) -> Self {
        Self { succeeding_saves, failing_save: Some(kind), ..self }
    }

    /// Returns the numbers of calls of `open` and `save`.
    pub fn counts(&self) -> (usize, usize) {
        (self.opens.load(Ordering::SeqCst), self.saves.load(Ordering::SeqCst))
    }
}

#[async_trait]
impl SessionInterface for Watched {
    fn config(&self) -> &SessionConfig {
        self.inner.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        self.opens.fetch_add(1, Ordering::SeqCst);
        if self.failing_open {
            return Err(failure(ErrorKind::Unavailable));
        }
        self.inner.open(context).await
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        let earlier = self.saves.fetch_add(1, Ordering::SeqCst);
        match self.failing_save {
            Some(kind) if earlier >= self.succeeding_saves => Err(failure(kind)),
            _ => self.inner.save(save).await,
        }
    }
}

fn failure(kind: ErrorKind) -> Error {
    let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    Error::new(kind, "the store at 10.0.0.7 is down").with_source(refused)
}
