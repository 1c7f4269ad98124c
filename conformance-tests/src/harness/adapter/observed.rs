//! An interface that records its calls, and fails if a test requests a failure.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use session_core::interface::{OpenContext, Opened, Save, Saved, SessionState, SessionView};
use session_core::request::RequestView;
use session_core::{
    CookieAttributes, Error, ErrorKind, OwnedSession, Session, SessionConfig, SessionInterface,
    async_trait,
};
use tokio::sync::Barrier;

/// The text of the errors. No response may contain it.
pub(crate) const SECRET: &str = "the store at 10.0.0.7 is down";

/// The maximum time for which requests that must overlap wait for each other. A server may process
/// requests one by one.
const PATIENCE: Duration = Duration::from_secs(2);

/// The number of the observed interface as a part of the observer; see [`Opened::nested`].
const INNER: u8 = 0;

#[derive(Debug)]
pub(crate) struct Observed {
    inner: Arc<dyn SessionInterface>,
    seen: Arc<Mutex<Seen>>,
    plan: Mutex<Plan>,
}

/// The events recorded so far.
#[derive(Debug, Default)]
struct Seen {
    requests: Vec<RequestView>,
    sessions: Vec<Session>,
    saved: usize,
}

/// The backend state of an observed session. A handler notes the session that it received.
pub(crate) struct Witness(Weak<Mutex<Seen>>);

impl Witness {
    pub(crate) fn note(&self, session: &Session) {
        if let Some(seen) = self.0.upgrade() {
            lock(&seen).sessions.push(session.clone());
        }
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Witness")
    }
}

/// The failures and delays that a test has requested.
#[derive(Clone, Debug, Default)]
struct Plan {
    failing_open: Option<ErrorKind>,
    /// The number of saves that succeed, and the error of the later saves.
    failing_save: Option<(usize, ErrorKind)>,
    slow_save: Duration,
    meeting: Option<Arc<Barrier>>,
}

impl Observed {
    pub(crate) fn new(inner: Arc<dyn SessionInterface>) -> Self {
        Self { inner, seen: Arc::default(), plan: Mutex::default() }
    }

    /// Makes every open fail from now on.
    pub(crate) fn fail_open(&self, kind: ErrorKind) {
        self.plan().failing_open = Some(kind);
    }

    /// Makes every save fail from now on.
    pub(crate) fn fail_save(&self, kind: ErrorKind) {
        self.fail_save_after(0, kind);
    }

    /// Makes every save fail after this number of successful saves.
    pub(crate) fn fail_save_after(&self, saves: usize, kind: ErrorKind) {
        self.plan().failing_save = Some((saves, kind));
    }

    /// Delays every later save by this time.
    pub(crate) fn slow_save(&self, time: Duration) {
        self.plan().slow_save = time;
    }

    /// Makes this many opens wait for each other.
    pub(crate) fn meet(&self, requests: usize) {
        self.plan().meeting = Some(Arc::new(Barrier::new(requests)));
    }

    /// Returns the requests whose sessions were opened.
    pub(crate) fn requests(&self) -> Vec<RequestView> {
        self.seen().requests.clone()
    }

    /// Returns the sessions that handlers received since the last call.
    pub(crate) fn take_sessions(&self) -> Vec<Session> {
        std::mem::take(&mut self.seen().sessions)
    }

    /// Returns the number of successful saves.
    pub(crate) fn saved(&self) -> usize {
        self.seen().saved
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen)
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        lock(&self.plan)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl SessionInterface for Observed {
    fn config(&self) -> &SessionConfig {
        self.inner.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let plan = self.plan().clone();
        self.seen().requests.push(context.request().clone());
        if let Some(meeting) = plan.meeting {
            let _met = tokio::time::timeout(PATIENCE, meeting.wait()).await;
        }
        if let Some(kind) = plan.failing_open {
            return Err(Error::new(kind, SECRET));
        }
        let opened = self.inner.open(context).await?;
        Ok(opened.nested(INNER).with_backend_state(Witness(Arc::downgrade(&self.seen))))
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        let plan = self.plan().clone();
        if let Some((_, kind)) = plan.failing_save.filter(|(saves, _)| *saves <= self.saved()) {
            return Err(Error::new(kind, SECRET));
        }
        if !plan.slow_save.is_zero() {
            tokio::time::sleep(plan.slow_save).await;
        }
        let saved = self.inner.save(&save.nested(INNER)).await?;
        self.seen().saved += 1;
        Ok(saved)
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

    async fn limit_sessions(&self, owner: &str, limit: usize) -> Result<Vec<OwnedSession>, Error> {
        self.inner.limit_sessions(owner, limit).await
    }

    async fn check(&self) -> Result<(), Error> {
        self.inner.check().await
    }

    fn lineage(&self, session: &SessionState) -> Option<[u8; 16]> {
        self.inner.lineage(session)
    }
}
