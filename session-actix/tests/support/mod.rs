//! What the tests of this crate share: answers of an application in the process, signed cookies under a clock that stands
//! still, and an interface that counts its calls and fails on demand.

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
use session_core::{
    CookieAction, Error, ErrorKind, ManualClock, OpenContext, RequestSession, RequestView, SaveContext, SecretKey,
    Session, SessionConfig, SessionConfigBuilder, SessionInterface, async_trait,
};

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

/// Sessions in a signed cookie of this name.
pub fn named(name: &str) -> SignedCookieSessions {
    SignedCookieSessions::new(settings().cookie_name(name).build().unwrap(), &key()).unwrap()
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

/// What a client gets.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).map(|value| value.to_str().unwrap()).collect()
    }

    pub fn set_cookies(&self) -> Vec<&str> {
        self.all("set-cookie")
    }
}

/// The answer of an application to a request for `/` with this `Cookie` header; none if it is empty.
pub async fn answer<B: MessageBody + 'static>(
    app: &impl Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    cookie: &str,
) -> Answer {
    answer_of(app, "/", cookie).await
}

/// As [`answer`], of this path. An error that leaves the application becomes the response that a server makes of it.
pub async fn answer_of<B: MessageBody + 'static>(
    app: &impl Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    path: &str,
    cookie: &str,
) -> Answer {
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
    Answer { status, headers, text: String::from_utf8(body.to_vec()).unwrap() }
}

/// Another interface under observation. Clones share the counts.
#[derive(Clone, Debug)]
pub struct Watched {
    inner: Arc<dyn SessionInterface>,
    opens: Arc<AtomicUsize>,
    saves: Arc<AtomicUsize>,
    failing_open: bool,
    failing_save: Option<ErrorKind>,
}

impl Watched {
    pub fn new(inner: impl SessionInterface) -> Self {
        Self {
            inner: Arc::new(inner),
            opens: Arc::default(),
            saves: Arc::default(),
            failing_open: false,
            failing_save: None,
        }
    }

    /// Every open fails with [`ErrorKind::Unavailable`].
    pub fn failing_open(self) -> Self {
        Self { failing_open: true, ..self }
    }

    /// Every save fails.
    pub fn failing_save(self, kind: ErrorKind) -> Self {
        Self { failing_save: Some(kind), ..self }
    }

    /// How often a session was asked for, and how often one was to be saved.
    pub fn counts(&self) -> (usize, usize) {
        (self.opens.load(Ordering::SeqCst), self.saves.load(Ordering::SeqCst))
    }
}

#[async_trait]
impl SessionInterface for Watched {
    fn config(&self) -> &SessionConfig {
        self.inner.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Session, Error> {
        self.opens.fetch_add(1, Ordering::SeqCst);
        if self.failing_open {
            return Err(failure(ErrorKind::Unavailable));
        }
        self.inner.open(context).await
    }

    async fn save(&self, session: &Session, context: &SaveContext<'_>) -> Result<CookieAction, Error> {
        self.saves.fetch_add(1, Ordering::SeqCst);
        match self.failing_save {
            Some(kind) => Err(failure(kind)),
            None => self.inner.save(session, context).await,
        }
    }
}

fn failure(kind: ErrorKind) -> Error {
    let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    Error::new(kind, "the store at 10.0.0.7 is down").with_source(refused)
}
