//! Reading the parts of a session that handlers do not see.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::session::state::Data;
use crate::session::{Changes, Session};

/// A snapshot of a session, for backends and tests.
pub struct SessionState {
    data: Data,
    changes: Changes,
    accessed: bool,
}

/// Returns a snapshot of a session. Backends use it to implement
/// [`OwnerSessions`](crate::OwnerSessions), and tests to check the changes of a handler.
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

    /// Returns the data that the interface attached to the session, if it is of this type.
    ///
    /// It does not return the state of a [nested](super::Opened::nested) part. Therefore a combined
    /// interface must implement `OwnerSessions::handle_of` and `end_others` itself. Those of a part
    /// do not recognize the session of the request.
    pub fn backend_state<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.data.backend.get(0)
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
