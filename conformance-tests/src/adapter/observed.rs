//! Another interface under observation: what it was asked, and failures on demand.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use session_core::{
    CookieAction, CookieAttributes, Error, ErrorKind, OpenContext, RequestView, SaveContext, Session, SessionConfig,
    SessionInterface, async_trait,
};
use tokio::sync::Barrier;

/// What no client may read of an error.
pub(crate) const SECRET: &str = "the store at 10.0.0.7 is down";

/// Requests that should overlap wait this long for each other: a server may serve them one by one.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Observed {
    inner: Arc<dyn SessionInterface>,
    seen: Mutex<Seen>,
    plan: Mutex<Plan>,
}

/// What happened so far.
#[derive(Debug, Default)]
struct Seen {
    requests: Vec<RequestView>,
    sessions: Vec<Session>,
    saved: usize,
}

/// What is to happen.
#[derive(Clone, Debug, Default)]
struct Plan {
    failing_open: Option<ErrorKind>,
    failing_save: Option<ErrorKind>,
    slow_save: Duration,
    meeting: Option<Arc<Barrier>>,
}

impl Observed {
    pub(crate) fn new(inner: Arc<dyn SessionInterface>) -> Self {
        Self { inner, seen: Mutex::default(), plan: Mutex::default() }
    }

    /// From now on every open fails.
    pub(crate) fn fail_open(&self, kind: ErrorKind) {
        self.plan().failing_open = Some(kind);
    }

    /// From now on every save fails.
    pub(crate) fn fail_save(&self, kind: ErrorKind) {
        self.plan().failing_save = Some(kind);
    }

    /// From now on every save takes this long.
    pub(crate) fn slow_save(&self, time: Duration) {
        self.plan().slow_save = time;
    }

    /// The next so many opens wait for each other.
    pub(crate) fn meet(&self, requests: usize) {
        self.plan().meeting = Some(Arc::new(Barrier::new(requests)));
    }

    /// The requests whose sessions were opened.
    pub(crate) fn requests(&self) -> Vec<RequestView> {
        self.seen().requests.clone()
    }

    /// The sessions that were opened.
    pub(crate) fn sessions(&self) -> Vec<Session> {
        self.seen().sessions.clone()
    }

    /// How many saves have ended well.
    pub(crate) fn saved(&self) -> usize {
        self.seen().saved
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl SessionInterface for Observed {
    fn config(&self) -> &SessionConfig {
        self.inner.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Session, Error> {
        let plan = self.plan().clone();
        self.seen().requests.push(context.request().clone());
        if let Some(meeting) = plan.meeting {
            let _met = tokio::time::timeout(PATIENCE, meeting.wait()).await;
        }
        if let Some(kind) = plan.failing_open {
            return Err(Error::new(kind, SECRET));
        }
        let session = self.inner.open(context).await?;
        self.seen().sessions.push(session.clone());
        Ok(session)
    }

    async fn save(&self, session: &Session, context: &SaveContext<'_>) -> Result<CookieAction, Error> {
        let plan = self.plan().clone();
        if let Some(kind) = plan.failing_save {
            return Err(Error::new(kind, SECRET));
        }
        if !plan.slow_save.is_zero() {
            tokio::time::sleep(plan.slow_save).await;
        }
        let action = self.inner.save(session, context).await?;
        self.seen().saved += 1;
        Ok(action)
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

    fn should_save(&self, session: &Session) -> bool {
        self.inner.should_save(session)
    }
}
