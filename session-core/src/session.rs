//! The session that a handler holds: a dictionary with Flask's flags, over state that its clones share.

mod dictionary;
mod flags;
mod lifecycle;
mod saving;
pub(crate) mod state;

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use crate::values::Values;
use crate::{Changes, Error, ErrorKind, RequestSession, changes};
pub use state::Outcome;
use state::{Shared, State, Status};

/// The session of one request: a dictionary whose changes the response carries back.
///
/// A clone is another handle to the same session. Operations are synchronous and do no I/O: the session was opened
/// before the handler got it, and is saved after the handler returned.
///
/// ```
/// use session_core::Session;
///
/// let session = Session::new();
/// session.insert("user", "ada")?;
/// assert_eq!(session.get::<String>("user")?.as_deref(), Some("ada"));
/// assert!(session.is_modified());
/// # Ok::<(), session_core::Error>(())
/// ```
///
/// # Two requests at once
///
/// `get` followed by `insert` of something computed from it is not protected against another request that does the same:
/// use [`update`](Self::update), which a backend can run again on a newer value.
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
    /// What opened it, to save and reopen it by; `None` for a session made by hand.
    request: Option<RequestSession>,
}

/// Making a session and reading it back: for whoever writes a session interface.
impl Session {
    /// An empty session for a request that brought none.
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::new();
    /// assert!(session.is_new() && session.is_empty());
    /// ```
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a session comes from an interface, not by default")]
    pub fn new() -> Self {
        Self::from_state(State::new(Values::default(), true), Status::Open)
    }

    /// The session that a backend stored: the JSON object that [`payload`](Self::payload) gave, or that Flask wrote.
    ///
    /// Values are not parsed here, and what nobody touches is written back byte for byte.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if the text is not one JSON object.
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::from_payload(r#"{"user":"ada"}"#)?;
    /// assert!(!session.is_new() && !session.is_modified());
    /// assert!(Session::from_payload("[]").is_err());
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn from_payload(payload: impl Into<String>) -> Result<Self, Error> {
        let values = Values::parse(payload.into()).map_err(|_| changes::malformed())?;
        Ok(Self::from_state(State::new(values, false), Status::Open))
    }

    /// The same session, which belongs to this owner: for an interface that stored one. Nothing is recorded by it, and nothing
    /// rotates.
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::from_payload("{}")?.with_owner("user-42".to_owned());
    /// assert_eq!(session.owner().as_deref(), Some("user-42"));
    /// assert!(!session.is_modified() && !session.changes_owner());
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn with_owner(self, owner: impl Into<Option<String>>) -> Self {
        self.lock().owner = owner.into();
        self
    }

    /// The null session, for when nothing is configured that could keep one: it reads as empty, and every write is an
    /// error whose message is `reason`. Say there what to configure.
    ///
    /// ```
    /// # use session_core::{ErrorKind, Session};
    /// let session = Session::null("set SECRET_KEY to keep sessions");
    /// assert_eq!(session.get::<u64>("user")?, None);
    /// let error = session.insert("user", 1).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Unconfigured);
    /// assert_eq!(error.to_string(), "set SECRET_KEY to keep sessions");
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn null(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::from_state(State::new(Values::default(), true), Status::Null(reason.into()))
    }

    /// An empty session that is never saved, for while the backend is down: a handler can use it, and nothing of it
    /// reaches the client or overwrites what is stored.
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::anonymous();
    /// session.insert("visits", 1)?;
    /// assert!(session.is_anonymous());
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn anonymous() -> Self {
        Self::from_state(State::new(Values::default(), true), Status::Anonymous)
    }

    /// The session as one JSON object, for a backend to store.
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::new();
    /// session.insert("user", "ada")?;
    /// assert_eq!(session.payload(), r#"{"user":"ada"}"#);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn payload(&self) -> String {
        self.read(|state| state.values.to_payload())
    }

    /// What was changed since the session was opened, for a backend that replays it on a newer version.
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::from_payload(r#"{"a":1}"#)?;
    /// session.insert("b", 2)?;
    /// assert_eq!(session.changes().replay(r#"{"a":3}"#)?, r#"{"a":3,"b":2}"#);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn changes(&self) -> Changes {
        self.read(|state| state.changes.clone())
    }

    /// What the interface left here with [`set_slot`](Self::set_slot), if it is of this type.
    ///
    /// ```
    /// # use session_core::Session;
    /// # use std::sync::Arc;
    /// let session = Session::new();
    /// session.set_slot(Arc::new(7_u64));
    /// assert_eq!(session.slot::<u64>().as_deref(), Some(&7));
    /// assert_eq!(session.slot::<String>(), None);
    /// ```
    pub fn slot<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.read(|state| state.slot.clone())?.downcast().ok()
    }

    /// Keeps something of the interface's own between `open` and `save`: a version, a key. There is one slot.
    ///
    /// ```
    /// # use session_core::Session;
    /// # use std::sync::Arc;
    /// Session::new().set_slot(Arc::new("version 3"));
    /// ```
    pub fn set_slot<T: Any + Send + Sync>(&self, value: Arc<T>) {
        self.lock().slot = Some(value);
    }

    /// The session that a store kept, with what its interface knows of it.
    pub(crate) fn stored(
        payload: String,
        owner: Option<String>,
        slot: Arc<dyn Any + Send + Sync>,
    ) -> Result<Self, Error> {
        let values = Values::parse(payload).map_err(|_| changes::malformed())?;
        let state = State { owner, slot: Some(slot), ..State::new(values, false) };
        Ok(Self::from_state(state, Status::Open))
    }

    fn from_state(state: State, status: Status) -> Self {
        let shared = Shared { status, accessed: AtomicBool::new(false), state: Mutex::new(state) };
        Self { shared: Arc::new(shared), request: None }
    }

    /// Another handle to the session, which knows its request.
    pub(crate) fn of_request(&self, request: RequestSession) -> Self {
        Self { shared: Arc::clone(&self.shared), request: Some(request) }
    }

    pub(crate) fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing of the caller's runs under the lock, so a poisoned state is still whole.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the session show what is stored by now, merged with its own changes.
    pub(crate) fn show(&self, payload: &str) {
        if let Ok(values) = Values::parse(payload.to_owned()) {
            self.lock().values = values;
        }
    }

    pub(crate) fn read<R>(&self, read: impl FnOnce(&State) -> R) -> R {
        read(&self.lock())
    }

    /// Runs a change, unless the session takes none any more.
    pub(crate) fn write<R>(&self, write: impl FnOnce(&mut State) -> Result<R, Error>) -> Result<R, Error> {
        if let Status::Null(reason) = &self.shared.status {
            return Err(Error::new(ErrorKind::Unconfigured, reason.clone()));
        }
        let mut state = self.lock();
        state.check_writable()?;
        write(&mut state)
    }
}

impl fmt::Debug for Session {
    /// Shows the flags and how many keys there are; no key and no value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read(|state| state.show(f, &self.shared.status, self.is_accessed()))
    }
}
