//! An application without a network: sessions with a test store and a manual clock, and requests
//! with a cookie.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use session_core::interface::state_of;
use session_core::request::{RequestSession, RequestView, SessionHeaders};
use session_core::{
    Error, ErrorKind, ManualClock, OutagePolicy, Outcome, OwnerSessions, ServerSideSessions,
    Session, SessionConfig, SessionConfigBuilder, SessionInterface,
};

use crate::store::{Call, TestStore};
use crate::warnings;

pub const SECOND: Duration = Duration::from_secs(1);
pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3600);
pub const DAY: Duration = Duration::from_secs(24 * 3600);
pub const MILLISECOND: Duration = Duration::from_millis(1);

/// A well-formed id that is in no store.
pub const UNKNOWN: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// A handler of a request.
pub type Handler = fn(&Session) -> Result<(), Error>;

pub struct App {
    pub store: TestStore,
    pub clock: ManualClock,
    sessions: Arc<dyn SessionInterface>,
    /// The engine of another process.
    elsewhere: Arc<ServerSideSessions<TestStore>>,
    pub owners: Arc<dyn OwnerSessions>,
}

impl App {
    pub fn new() -> Self {
        Self::with(|config| config)
    }

    pub fn with(configure: impl FnOnce(SessionConfigBuilder) -> SessionConfigBuilder) -> Self {
        Self::wrapped(configure, |engine| Arc::new(engine))
    }

    /// Returns an application with an interface around the engine.
    pub fn wrapped(
        configure: impl FnOnce(SessionConfigBuilder) -> SessionConfigBuilder,
        wrap: impl FnOnce(ServerSideSessions<TestStore>) -> Arc<dyn SessionInterface>,
    ) -> Self {
        warnings::listen();
        let (store, clock) = (TestStore::default(), ManualClock::at(start()));
        let config = configure(SessionConfig::builder().clock(clock.clone())).build().unwrap();
        let elsewhere = Arc::new(ServerSideSessions::new(store.clone(), config.clone()));
        let sessions = wrap(ServerSideSessions::new(store.clone(), config));
        let owners = Arc::clone(&elsewhere) as _;
        Self { store, clock, sessions, elsewhere, owners }
    }

    /// Returns the same application after a restart with other settings.
    pub fn reconfigured(
        &self,
        configure: impl FnOnce(SessionConfigBuilder) -> SessionConfigBuilder,
    ) -> Self {
        let (store, clock) = (self.store.clone(), self.clock.clone());
        let config = configure(SessionConfig::builder().clock(clock.clone())).build().unwrap();
        let engine = Arc::new(ServerSideSessions::new(store.clone(), config));
        let sessions = Arc::clone(&engine) as _;
        Self { store, clock, sessions, elsewhere: Arc::clone(&engine), owners: engine }
    }

    /// Returns the engine of another process.
    pub fn engine(&self) -> &ServerSideSessions<TestStore> {
        &self.elsewhere
    }

    pub fn sessions(&self) -> Arc<dyn SessionInterface> {
        Arc::clone(&self.sessions)
    }

    /// Returns a request with this session cookie, or without one if it is empty.
    pub fn open(&self, cookie: &str) -> RequestSession {
        let header = format!("{}={cookie}", self.sessions.config().cookie_name());
        let header = if cookie.is_empty() { "" } else { &header };
        self.open_view(RequestView::builder().cookie_header(header.as_bytes()).build())
    }

    pub fn open_view(&self, view: RequestView) -> RequestSession {
        RequestSession::with_shared(Arc::clone(&self.sessions), view, OutagePolicy::Refuse)
    }

    /// Returns the same request under the policy `Anonymous`.
    pub fn open_view_in_any_case(&self, view: RequestView) -> RequestSession {
        RequestSession::with_shared(Arc::clone(&self.sessions), view, OutagePolicy::Anonymous)
    }

    /// Returns the session of a request whose store is down, under the policy `Anonymous`.
    pub async fn anonymous(&self) -> Session {
        self.store.fail(Call::Load, ErrorKind::Unavailable);
        let header = format!("session={UNKNOWN}");
        let view = RequestView::builder().cookie_header(header.as_bytes()).build();
        let sessions = Arc::clone(&self.sessions);
        let request = RequestSession::with_shared(sessions, view, OutagePolicy::Anonymous);
        let session = request.session().await.unwrap();
        self.store.recover();
        session
    }

    /// Runs a whole request in another process.
    pub async fn request_elsewhere(&self, cookie: &str, handler: Handler) {
        let header = format!("session={cookie}");
        let view = RequestView::builder().cookie_header(header.as_bytes()).build();
        let sessions = Arc::clone(&self.elsewhere) as _;
        let request = RequestSession::with_shared(sessions, view, OutagePolicy::Refuse);
        handler(&request.session().await.unwrap()).unwrap();
        request.commit().await.into_result().unwrap();
    }

    /// Runs a whole request whose handler obtains its session.
    pub async fn respond(
        &self,
        cookie: &str,
        handler: impl FnOnce(&Session) -> Result<(), Error>,
    ) -> Result<Response, Error> {
        let request = self.open(cookie);
        let session = request.session().await?;
        let result = handler(&session);
        // Error responses also carry the session.
        let committed = request.commit().await.into_result();
        result?;
        Ok(Response { headers: committed?, outcome: session.outcome() })
    }

    pub async fn request(
        &self,
        cookie: &str,
        handler: impl FnOnce(&Session) -> Result<(), Error>,
    ) -> Response {
        self.respond(cookie, handler).await.unwrap()
    }

    /// Runs a whole request that never obtains its session.
    pub async fn untouched(&self, cookie: &str) -> Response {
        Response { headers: self.open(cookie).commit().await.into_result().unwrap(), outcome: None }
    }

    /// Creates a session, discards the recorded calls, and returns the cookie.
    pub async fn begin(&self, handler: impl FnOnce(&Session) -> Result<(), Error>) -> String {
        let response = self.request("", handler).await;
        self.store.take_calls();
        response.cookie().unwrap()
    }

    /// Returns the session as a request opens it now. It is not committed, so nothing is renewed.
    pub async fn peek(&self, cookie: &str) -> Session {
        self.open(cookie).session().await.unwrap()
    }

    pub async fn payload(&self, cookie: &str) -> String {
        state_of(&self.peek(cookie).await).payload()
    }

    /// Returns whether the cookie opens a session at another time.
    pub async fn is_live_at(&self, cookie: &str, time: SystemTime) -> bool {
        let now = self.now();
        self.clock.set(time);
        let is_live = !self.peek(cookie).await.is_new();
        self.clock.set(now);
        is_live
    }

    pub fn now(&self) -> SystemTime {
        self.sessions.config().now()
    }
}

/// The response to a client.
pub struct Response {
    headers: SessionHeaders,
    /// The outcome for the application after the commit.
    pub outcome: Option<Outcome>,
}

impl Response {
    pub fn new(headers: SessionHeaders, outcome: Option<Outcome>) -> Self {
        Self { headers, outcome }
    }

    pub fn header(&self) -> Option<&str> {
        self.headers.set_cookie()
    }

    pub fn vary(&self) -> bool {
        self.headers.vary()
    }

    /// Returns the cookie that is set; `None` for a removal.
    pub fn cookie(&self) -> Option<String> {
        cookie(&self.headers)
    }

    pub fn is_removal(&self) -> bool {
        self.header().is_some() && self.cookie().is_none()
    }

    /// Returns the expiry of the cookie. Returns `None` if the cookie ends with the browser or is
    /// not set.
    pub fn expires(&self) -> Option<SystemTime> {
        let date =
            self.header()?.split("; ").find_map(|attribute| attribute.strip_prefix("Expires="))?;
        Some(httpdate::parse_http_date(date).unwrap())
    }
}

/// Returns the cookie that these headers set; `None` for a removal.
pub fn cookie(headers: &SessionHeaders) -> Option<String> {
    let (_, value) = headers.set_cookie()?.split(';').next()?.split_once('=')?;
    (!value.is_empty()).then(|| value.to_owned())
}

/// Returns the initial time of the clock.
pub fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

/// Obtains the session and changes nothing.
pub fn read(session: &Session) -> Result<(), Error> {
    session.get::<String>("user").map(drop)
}

/// A save before the commit.
#[derive(Clone, Copy)]
pub enum Saving {
    Save,
    LogIn,
}

impl Saving {
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        match self {
            Self::Save => session.save().await.map(drop),
            Self::LogIn => session.log_in("ada", None).await,
        }
    }
}

/// Polls a session call once, because the store is ready at once.
pub fn at_once<T>(call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let polled = pin!(call).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(result) = polled else { unreachable!("the store is not ready at once") };
    result
}

pub fn log_in_as(session: &Session, owner: &str) -> Result<(), Error> {
    at_once(session.log_in(owner, None))
}

pub fn log_in(session: &Session) -> Result<(), Error> {
    log_in_as(session, "ada")
}

pub fn log_out(session: &Session) -> Result<(), Error> {
    at_once(session.log_out()).map(drop)
}

pub fn write_user(session: &Session) -> Result<(), Error> {
    session.insert("user", "ada")
}

pub fn write_permanent(session: &Session) -> Result<(), Error> {
    session.set_permanent(true)?;
    session.insert("user", "ada")
}

/// Returns a request that has opened its session, before other requests change it.
pub async fn slow(app: &App, cookie: &str) -> RequestSession {
    let request = app.open(cookie);
    request.session().await.unwrap();
    request
}

pub async fn finish(request: RequestSession) -> Response {
    let headers = request.commit().await.into_result().unwrap();
    Response::new(headers, request.session().await.unwrap().outcome())
}
