//! A process: a separate engine over the store under test.

use std::sync::Arc;

use session_core::request::{RequestSession, RequestView};
use session_core::store::SessionStore;
use session_core::{Error, OutagePolicy, ServerSideSessions, Session, SessionInterface};
use tokio::sync::Barrier;

use crate::harness::store::StoreUnderTest;
use crate::report::{Calls, Checked, Failure, chain};

/// A separate engine over the store under test.
pub(crate) struct Process {
    sessions: Arc<dyn SessionInterface>,
    calls: Calls,
}

impl Process {
    pub(crate) fn new(store: &StoreUnderTest) -> Self {
        Self::of(store, &store.store())
    }

    /// Returns a process that uses this store.
    pub(crate) fn of(store: &StoreUnderTest, target: &Arc<dyn SessionStore>) -> Self {
        let sessions = ServerSideSessions::new(Arc::clone(target), store.session_config());
        Self::over(store, Arc::new(sessions))
    }

    /// Returns a process with this engine.
    pub(crate) fn over(store: &StoreUnderTest, sessions: Arc<dyn SessionInterface>) -> Self {
        Self { sessions, calls: store.calls().clone() }
    }

    pub(crate) fn request(&self, cookie: &str) -> RequestSession {
        let view = RequestView::builder().cookie_header(cookie.as_bytes()).build();
        RequestSession::with_shared(Arc::clone(&self.sessions), view, OutagePolicy::Refuse)
    }

    /// Sends a request, and returns the cookie that its response sets.
    pub(crate) async fn visit(
        &self,
        cookie: &str,
        act: impl FnOnce(&Session) -> Result<(), Error>,
    ) -> Result<Option<String>, Failure> {
        let request = self.request(cookie);
        let session = self.told(request.session().await)?;
        self.told(act(&session))?;
        let headers = self.told(request.commit().await.into_result())?;
        Ok(headers.set_cookie().and_then(|header| header.split(';').next()).map(str::to_owned))
    }

    /// Sends a request whose handler logs out.
    pub(crate) async fn log_out(&self, cookie: &str) -> Checked {
        let request = self.request(cookie);
        let session = self.told(request.session().await)?;
        self.told(session.log_out().await)?;
        self.told(request.commit().await.into_result()).map(|_| ())
    }

    /// Sends one of several requests that all open the session before any of them saves it.
    pub(crate) async fn visit_together(
        &self,
        cookie: &str,
        together: &Barrier,
        act: impl FnOnce(&Session) -> Result<(), Error>,
    ) -> Result<(), Failure> {
        together.wait().await;
        let request = self.request(cookie);
        let opened =
            self.told(request.session().await).and_then(|session| self.told(act(&session)));
        // A task that failed must not block the others.
        together.wait().await;
        opened?;
        self.told(request.commit().await.into_result()).map(|_| ())
    }

    pub(crate) async fn read(&self, cookie: &str) -> Result<Session, Failure> {
        self.told(self.request(cookie).session().await)
    }

    pub(crate) fn told<T>(&self, result: Result<T, Error>) -> Result<T, Failure> {
        result.map_err(|error| self.failed(&error))
    }

    pub(crate) fn failed(&self, error: &Error) -> Failure {
        self.calls.failure("no error", format!("the error {:?}: {}", error.kind(), chain(error)))
    }
}

pub(crate) async fn finish<T>(
    store: &StoreUnderTest,
    tasks: Vec<tokio::task::JoinHandle<Result<T, Failure>>>,
) -> Result<Vec<T>, Failure> {
    let mut results = Vec::new();
    for task in tasks {
        results.push(joined(store, task).await??);
    }
    Ok(results)
}

/// Returns the result of a task. Fails if the task panicked.
pub(crate) async fn joined<T>(
    store: &StoreUnderTest,
    task: tokio::task::JoinHandle<T>,
) -> Result<T, Failure> {
    task.await.map_err(|error| store.failure("no panic", error.to_string()))
}
