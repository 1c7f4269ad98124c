//! The store of one request. A `tower_sessions::Session` loads its values from this store and saves
//! them there.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use session_core::{Error, ErrorKind, Outcome, Session};
use session_tower::RequestSession;
use tower_sessions_core::session::{self, Expiry, Id, Record};
use tower_sessions_core::session_store::{self, SessionStore};

use crate::values::{self, Values};

/// The shortest lifetime that a session can have.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(1);

pub(crate) struct RequestStore {
    /// `None` without a session layer.
    request: Option<RequestSession>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The values that the session of tower-sessions had when it was last loaded or saved. `None`
    /// if it was never loaded.
    known: Option<Values>,
    /// Whether the session was deleted, and no new session was created.
    ended: bool,
    /// Whether the commit has begun. In this case, the session layer stores the changes with the
    /// response.
    committing: bool,
    /// The error of the last save.
    error: Option<Error>,
    /// The session itself, until the response. Only its id shows why a record is deleted.
    session: Option<session::Session>,
}

impl RequestStore {
    pub(crate) fn new(request: Option<RequestSession>) -> Self {
        Self { request, state: Mutex::default() }
    }

    /// Sets the session to which this store belongs. The session and the store keep each other in
    /// memory until [`detach`](Self::detach).
    pub(crate) fn attach(&self, session: session::Session) {
        self.state().session = Some(session);
    }

    /// Releases the session.
    pub(crate) fn detach(&self) {
        let mut state = self.state();
        state.committing = false;
        let session = state.session.take();
        drop(state);
        drop(session);
    }

    /// Makes further saves only record the changes.
    pub(crate) fn begin_commit(&self) {
        self.state().committing = true;
    }

    /// Removes and returns the error of the last save.
    pub(crate) fn take_error(&self) -> Option<Error> {
        self.state().error.take()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attached(&self) -> Option<session::Session> {
        self.state().session.clone()
    }

    /// Returns the session of the request, reopened if the response was sent.
    async fn open(&self) -> Result<Session, Error> {
        let Some(request) = &self.request else {
            let message = "no session layer serves this request; \
                           add .layer(SessionLayer::new(..)) after TowerSessionsLayer";
            return Err(Error::new(ErrorKind::Unconfigured, message));
        };
        let session = request.session().await?;
        if session.is_committed() { session.reopen().await } else { Ok(session) }
    }

    async fn save_values(&self, after: &Values) -> Result<(), Error> {
        let session = self.open().await?;
        let known = self.state().known.clone();
        let before = known.unwrap_or_else(|| values::of(&session));
        values::apply(&session, &before, after)?;
        if let Some(theirs) = self.attached().filter(|_| !session.is_empty()) {
            set_lifetime(&session, &theirs)?;
        }
        self.state().known = Some(after.clone());
        if self.state().committing {
            return Ok(());
        }
        match session.save().await? {
            Outcome::Dropped => Err(ended("another request")),
            _ => Ok(()),
        }
    }

    async fn end(&self, session: Option<session::Session>) -> Result<(), Error> {
        self.open().await?.log_out().await?;
        let known = self.state().known.take().unwrap_or_default();
        // `flush` has already removed the values, and `delete` has not. The remaining values do not
        // belong to a session that is created now.
        let mut left = Values::new();
        if let Some(session) = session {
            for key in known.into_keys() {
                if let Ok(Some(value)) = session.get_value(&key).await {
                    left.insert(key, value);
                }
            }
        }
        let mut state = self.state();
        state.known = Some(left);
        state.ended = true;
        Ok(())
    }

    fn finish(&self, result: Result<(), Error>) -> session_store::Result<()> {
        result.map_err(|error| {
            let shown = store_error(&error);
            self.state().error = Some(error);
            shown
        })
    }
}

#[async_trait]
impl SessionStore for RequestStore {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        {
            let mut state = self.state();
            state.ended = false;
            state.known.get_or_insert_default();
        }
        let result = self.save_values(&record.data).await;
        self.finish(result)
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let (ended, committing) = {
            let state = self.state();
            (state.ended, state.committing)
        };
        let result = match (ended, committing) {
            (true, true) => Ok(()),
            (true, false) => Err(self::ended("this request")),
            (false, _) => self.save_values(&record.data).await,
        };
        self.finish(result)
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let session = self.open().await.map_err(|error| store_error(&error))?;
        let mut state = self.state();
        if state.ended {
            return Ok(None);
        }
        let data = values::of(&session);
        state.known = Some(data.clone());
        if session.is_new() && data.is_empty() {
            return Ok(None);
        }
        // The backend determines the expiry. No caller reads this time.
        Ok(Some(Record { id: *id, data, expiry_date: SystemTime::now().into() }))
    }

    async fn delete(&self, _: &Id) -> session_store::Result<()> {
        let session = self.attached();
        // `cycle_id` has removed the id before this call, and `delete` has not.
        let cycles = session.as_ref().is_some_and(|session| session.id().is_none());
        let result = if cycles {
            self.open().await.and_then(|session| session.rotate_id())
        } else {
            self.end(session).await
        };
        self.finish(result)
    }
}

impl fmt::Debug for RequestStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestStore").field("request", &self.request).finish_non_exhaustive()
    }
}

/// Sets the lifetime that corresponds to `set_expiry`, if a handler called `set_expiry`.
fn set_lifetime(session: &Session, theirs: &session::Session) -> Result<(), Error> {
    match theirs.expiry() {
        None => Ok(()),
        Some(Expiry::OnSessionEnd) => {
            session.set_lifetime(None)?;
            if session.is_permanent() { session.set_permanent(false) } else { Ok(()) }
        }
        Some(Expiry::OnInactivity(_) | Expiry::AtDateTime(_)) => {
            session.set_lifetime(theirs.expiry_age().unsigned_abs().max(SHORTEST_LIFETIME))
        }
    }
}

fn ended(by: &str) -> Error {
    Error::new(ErrorKind::Ended, format!("session was ended by {by}; nothing is stored"))
}

/// Returns the error with its causes, because tower-sessions stores only text.
fn store_error(error: &Error) -> session_store::Error {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    match error.kind() {
        ErrorKind::Value => session_store::Error::Encode(text),
        ErrorKind::Malformed => session_store::Error::Decode(text),
        _ => session_store::Error::Backend(text),
    }
}
