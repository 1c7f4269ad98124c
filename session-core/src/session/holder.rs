//! The state that the clones of a session share, and the only check whether a write is allowed.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::login::Login;
use super::state::{Origin, State};
use crate::error::{Error, ErrorKind};
use crate::outcome::Outcome;

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// The request to which a session belongs, or a session made by hand.
pub(crate) trait Holder: Send + Sync {
    fn cell(&self) -> &Cell;

    /// Saves the changes made so far, together with the requested login or logout.
    fn save(self: Arc<Self>, demand: Demand) -> BoxFuture<Outcome>;

    /// Opens the session again, outside its request.
    fn reopen(self: Arc<Self>) -> BoxFuture<Arc<dyn Holder>>;
}

/// The login or logout that a save before the commit stores with the changes made so far.
pub(crate) enum Demand {
    Nothing,
    LogIn(LoginDemand),
    LogOut,
}

/// A login to save.
pub(crate) struct LoginDemand {
    pub(crate) owner: Box<str>,
    pub(crate) stamp: Option<Box<str>>,
    /// The time of the authentication, if the user authenticated before this login.
    pub(crate) authenticated_at: Option<SystemTime>,
    /// The time of the last other login of the owner, if it is known.
    pub(crate) after: Option<SystemTime>,
}

impl Demand {
    /// Returns the new owner of the session if this is a login.
    pub(crate) fn new_owner(&self) -> Option<&str> {
        match self {
            Self::LogIn(login) => Some(&login.owner),
            Self::Nothing | Self::LogOut => None,
        }
    }

    /// Changes the state. `kept` contains the keys of a visitor that a login keeps.
    pub(crate) fn apply(
        self,
        state: &mut State,
        now: SystemTime,
        kept: Option<&[String]>,
    ) -> Result<(), Error> {
        match self {
            Self::Nothing => Ok(()),
            Self::LogOut => state.end(),
            Self::LogIn(LoginDemand { owner, stamp, authenticated_at, after }) => {
                let next = after.and_then(|after| after.checked_add(Duration::from_millis(1)));
                let proved_at =
                    authenticated_at.unwrap_or_else(|| next.map_or(now, |next| next.max(now)));
                let login = Login::new(&owner, proved_at);
                state.log_in(login.with_stamp(stamp.as_deref()), kept)
            }
        }
    }
}

/// The state of a session, and the two flags that do not belong to the opened data.
#[derive(Default)]
pub(crate) struct Cell {
    /// [`ACCESSED`] and [`COMMITTED`], in one value, because a change must read both atomically.
    flags: AtomicU8,
    state: Mutex<State>,
}

const ACCESSED: u8 = 1;
const COMMITTED: u8 = 2;

impl Cell {
    pub(crate) fn new(state: State) -> Self {
        Self { state: Mutex::new(state), ..Self::default() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // No user-supplied code runs under the lock, so the state is consistent even if the lock is
        // poisoned.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn read<R>(&self, read: impl FnOnce(&State) -> R) -> R {
        read(&self.lock())
    }

    /// Runs a change if the session accepts changes.
    pub(crate) fn write<R>(
        &self,
        write: impl FnOnce(&mut State) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let mut state = self.lock();
        self.check_writable(&state)?;
        write(&mut state)
    }

    /// Fails if changes are not allowed, that is, on the null session and after the commit.
    fn check_writable(&self, state: &State) -> Result<(), Error> {
        if let Origin::Null(reason) = &state.origin {
            return Err(Error::new(ErrorKind::Unconfigured, reason.clone()));
        }
        if self.is_committed() {
            let message = "the response is committed: a change could not reach the client; \
                           open the session again with Session::reopen";
            return Err(Error::new(ErrorKind::Committed, message));
        }
        Ok(())
    }

    pub(crate) fn is_accessed(&self) -> bool {
        self.flags.load(Ordering::SeqCst) & ACCESSED != 0
    }

    /// Records that a handler obtained the session.
    ///
    /// Fails if the session was committed and no handler had obtained it before. In this case, the
    /// headers of the response do not show that the response depends on the cookie.
    pub(crate) fn access(&self) -> Result<(), Error> {
        let accessed = |flags| (flags != COMMITTED).then_some(flags | ACCESSED);
        let accessed = self.flags.fetch_update(Ordering::SeqCst, Ordering::SeqCst, accessed);
        if accessed.is_ok() {
            return Ok(());
        }
        let message = "the headers of the response have been sent without `Vary: Cookie`; \
                       obtain the session before the response";
        Err(Error::new(ErrorKind::Committed, message))
    }

    /// Refuses all further changes.
    ///
    /// Either the commit observes the opening of the session, or the opening observes the commit,
    /// because both operations are sequentially consistent. Therefore the commit observes every
    /// session that a handler obtains.
    pub(crate) fn commit(&self) {
        self.flags.fetch_or(COMMITTED, Ordering::SeqCst);
    }

    pub(crate) fn is_committed(&self) -> bool {
        self.flags.load(Ordering::SeqCst) & COMMITTED != 0
    }
}

impl fmt::Debug for Cell {
    /// Shows the flags and the number of keys, but no key and no value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read(|state| {
            f.debug_struct("Session")
                .field("keys", &state.data.values().len())
                .field("permanent", &state.data.is_permanent())
                .field("new", &state.data.is_new)
                .field("modified", &state.intent.is_modified())
                .field("accessed", &self.is_accessed())
                .field("committed", &self.is_committed())
                .field("origin", &state.origin)
                .finish_non_exhaustive()
        })
    }
}
