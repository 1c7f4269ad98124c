//! An application that changes its backend.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use session_cookie::{SealedCookieSessions, SecretKey, SignedCookieSessions};
use session_core::request::{RequestSession, RequestView};
use session_core::{
    Error, ManualClock, OutagePolicy, Outcome, OwnerSessions, ServerSideSessions, Session,
    SessionConfig, SessionConfigBuilder, SessionInterface,
};
use session_memory::MemoryStore;
use session_migration::{MigratingSessions, OldCookies};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

pub(crate) fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

/// The old backend.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Old {
    Store,
    Signed,
    Sealed,
}

/// The interfaces before, during and after the migration.
pub(crate) struct App {
    pub(crate) clock: ManualClock,
    pub(crate) before: Arc<dyn SessionInterface>,
    pub(crate) during: Arc<dyn SessionInterface>,
    pub(crate) after: Arc<dyn SessionInterface>,
    pub(crate) owners: Arc<dyn OwnerSessions>,
    pub(crate) end: SystemTime,
    pub(crate) old_store: MemoryStore,
    pub(crate) new_store: MemoryStore,
}

impl App {
    pub(crate) fn new(old: Old) -> Self {
        Self::with(old, |config| config)
    }

    pub(crate) fn with(
        old: Old,
        configure: impl Fn(SessionConfigBuilder) -> SessionConfigBuilder,
    ) -> Self {
        let clock = ManualClock::at(start());
        let config = |namespace: &str| {
            let config = SessionConfig::builder().clock(clock.clone()).namespace(namespace);
            configure(config).build().unwrap()
        };
        let key = SecretKey::generate().unwrap();
        let (old_store, new_store) = (MemoryStore::new(), MemoryStore::new());
        let new = || ServerSideSessions::new(new_store.clone(), config("new"));
        let end = start() + 40 * DAY;
        let after = Arc::new(new()) as _;
        let make = (new(), end, &key);
        let (before, during, owners) = match old {
            Old::Store => {
                let old = || ServerSideSessions::new(old_store.clone(), config("old"));
                let during = Arc::new(MigratingSessions::new(new(), old(), end).unwrap());
                (Arc::new(old()) as _, Arc::clone(&during) as _, during as _)
            }
            Old::Signed => of_cookies(SignedCookieSessions::new(config("old"), &key), make),
            Old::Sealed => of_cookies(SealedCookieSessions::new(config("old"), &key), make),
        };
        Self { clock, before, during, after, owners, end, old_store, new_store }
    }

    /// Runs a request during the migration.
    pub(crate) async fn request(
        &self,
        cookie: &str,
        handler: impl AsyncFnOnce(&Session) -> Result<(), Error>,
    ) -> Response {
        respond(&self.during, cookie, handler).await
    }

    /// Creates a session before the migration, and returns its cookie.
    pub(crate) async fn begin(
        &self,
        handler: impl AsyncFnOnce(&Session) -> Result<(), Error>,
    ) -> String {
        respond(&self.before, "", handler).await.cookie.unwrap()
    }

    /// Returns the session that a cookie opens during the migration.
    pub(crate) async fn peek(&self, cookie: &str) -> Session {
        peek(&self.during, cookie).await
    }
}

type Interfaces = (Arc<dyn SessionInterface>, Arc<dyn SessionInterface>, Arc<dyn OwnerSessions>);

fn of_cookies<I: SessionInterface + Clone>(
    cookies: Result<I, Error>,
    (new, end, key): (ServerSideSessions<MemoryStore>, SystemTime, &SecretKey),
) -> Interfaces {
    let cookies = cookies.unwrap();
    let old = OldCookies::new(cookies.clone(), key).unwrap();
    let during = Arc::new(MigratingSessions::new(new, old, end).unwrap());
    (Arc::new(cookies), Arc::clone(&during) as _, during)
}

/// The response to a request.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) outcome: Option<Outcome>,
    /// The cookie that the client has afterwards; `None` if it is removed.
    pub(crate) cookie: Option<String>,
    /// Whether the response sets or removes the cookie.
    pub(crate) sets: bool,
}

pub(crate) fn open(interface: &Arc<dyn SessionInterface>, cookie: &str) -> RequestSession {
    let header = if cookie.is_empty() { String::new() } else { format!("session={cookie}") };
    let view = RequestView::builder().cookie_header(header.as_bytes()).build();
    RequestSession::with_shared(Arc::clone(interface), view, OutagePolicy::Refuse)
}

pub(crate) async fn respond(
    interface: &Arc<dyn SessionInterface>,
    cookie: &str,
    handler: impl AsyncFnOnce(&Session) -> Result<(), Error>,
) -> Response {
    let request = open(interface, cookie);
    let session = request.session().await.unwrap();
    handler(&session).await.unwrap();
    finish(request, cookie).await.unwrap()
}

pub(crate) async fn finish(request: RequestSession, cookie: &str) -> Result<Response, Error> {
    let headers = request.commit().await.into_result()?;
    let outcome = request.session().await.unwrap().outcome();
    let set = headers.set_cookie().map(|header| {
        let value = header.split(';').next().unwrap().split_once('=').unwrap().1.to_owned();
        (!value.is_empty()).then_some(value)
    });
    let sets = set.is_some();
    Ok(Response { outcome, cookie: set.unwrap_or(Some(cookie.to_owned())), sets })
}

pub(crate) async fn peek(interface: &Arc<dyn SessionInterface>, cookie: &str) -> Session {
    open(interface, cookie).session().await.unwrap()
}
