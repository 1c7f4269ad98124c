//! The sessions of a server-side store.

use super::id::SessionId;
use super::observed::Observed;
use super::queue::Queue;
use crate::SessionConfig;
use crate::store::StoreKey;

/// Sessions on a server-side store.
///
/// No change to a live session is lost, no ended session is revived, and an id that the client
/// chose is never used. These guarantees hold for overlapping requests in one or several processes.
/// If the store implements [`OwnerIndex`](crate::store::OwnerIndex), this type also implements
/// [`OwnerSessions`](crate::OwnerSessions).
///
/// The crate of a store has a type alias for this type. Authors of stores pass the store to
/// [`new`](Self::new).
///
/// A request that reads or starts a session makes one call of the store. A request that changes a
/// session makes two calls. A new id needs three calls. A renewal that is due needs one more call.
/// A save starts no call after five seconds. The save then fails with
/// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if other requests were faster, and with
/// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) otherwise.
///
/// # Examples
///
/// ```
/// use session_core::store::SessionStore;
/// use session_core::{ServerSideSessions, SessionConfig};
///
/// fn sessions<S: SessionStore>(store: S) -> ServerSideSessions<S> {
///     ServerSideSessions::new(store, SessionConfig::default())
/// }
/// ```
#[derive(Debug)]
pub struct ServerSideSessions<S> {
    pub(super) store: Observed<S>,
    pub(super) config: SessionConfig,
    pub(super) queue: Queue,
}

impl<S> ServerSideSessions<S> {
    /// Returns sessions on this store.
    pub fn new(store: S, config: SessionConfig) -> Self {
        let store = Observed { inner: store, events: config.events().clone() };
        Self { store, config, queue: Queue::default() }
    }

    /// Returns the key of the record of an id.
    pub(super) fn key_of(&self, id: SessionId) -> StoreKey {
        id.store_key(self.config.namespace())
    }

    /// Returns the store.
    pub fn store(&self) -> &S {
        &self.store.inner
    }
}
