//! Reading the parts of a session that handlers cannot read.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::opened::path_in;
use crate::session::state::{Data, Origin, State};
use crate::session::{Changes, Session, by_hand};

/// A snapshot of a session, for backends and tests.
pub struct SessionState {
    data: Data,
    changes: Changes,
    accessed: bool,
}

/// Returns a snapshot of a session. Backends use the snapshot to implement
/// [`OwnerSessions`](crate::OwnerSessions), and tests use it to check the changes of a handler.
pub fn state_of(session: &Session) -> SessionState {
    let cell = session.cell();
    let (data, changes) = cell.read(|state| (state.data.clone(), state.intent.changes.clone()));
    SessionState { data, changes, accessed: cell.is_accessed() }
}

impl SessionState {
    /// Returns the payload: a JSON object that
    /// [`Opened::from_payload`](super::Opened::from_payload) reads.
    pub fn payload(&self) -> String {
        self.data.values().to_payload()
    }

    /// Returns the owner.
    pub fn owner(&self) -> Option<&str> {
        self.data.stored.owner()
    }

    /// Returns the changes that are not saved yet.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Returns whether the handler obtained the session.
    pub fn is_accessed(&self) -> bool {
        self.accessed
    }

    /// Returns the data that the interface attached to the session, if the data has this type.
    ///
    /// This method does not return the state of a [nested](super::Opened::nested) part; see
    /// [`nested`](Self::nested).
    pub fn backend_state<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.data.backend.get(0)
    }

    /// Returns the same snapshot for a part of a combined interface, with the backend state of that
    /// part; see [`Opened::nested`](super::Opened::nested).
    #[must_use]
    pub fn nested(&self, part: u8) -> Self {
        let backend = self.data.backend.clone().in_part(|path| path_in(part, path));
        let data = Data { backend, ..self.data.clone() };
        Self { data, changes: self.changes.clone(), accessed: self.accessed }
    }

    /// Returns a session with this snapshot and without a request. A combined interface passes this
    /// session to the methods of [`OwnerSessions`](crate::OwnerSessions) of a part.
    pub fn into_session(self) -> Session {
        by_hand::session(State { data: self.data, origin: Origin::ByHand, ..State::default() })
    }
}

impl fmt::Debug for SessionState {
    /// Shows the number of keys, but no key and no value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionState")
            .field("keys", &self.data.values().len())
            .field("changes", &self.changes)
            .finish_non_exhaustive()
    }
}
