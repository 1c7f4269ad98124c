//! The engine: the one bridge from a store of opaque bytes to sessions.
//!
//! It alone mints ids, hashes them, merges, rotates, expires and ends sessions, so no store can get these wrong.

mod content;
mod delegate;
mod expiry;
mod find;
mod lineage;
mod owners;
mod queue;
mod rotate;
mod save;

use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;

use crate::id::SessionId;
use crate::{
    CookieAction, Error, OpenContext, SaveContext, Session, SessionConfig, SessionInterface, SessionStore, StoreKey,
    Version,
};
use find::Found;
use lineage::Lineage;
use queue::Queue;

/// Sessions on a server-side store.
///
/// A store crate wraps this with a constructor of its own; an application does not meet it. Whoever writes a store gets
/// sessions from it with this alone.
///
/// What it promises, whatever requests overlap, in one process or in many: no recorded change to a live session is lost,
/// no ended session comes back, no id that a client made up is ever adopted. Over a store with an
/// [`OwnerIndex`](crate::OwnerIndex) it is an [`OwnerSessions`](crate::OwnerSessions), too.
///
/// ```
/// use session_core::{ServerSideSessions, SessionConfig, SessionStore};
///
/// fn sessions<S: SessionStore>(store: S) -> ServerSideSessions<S> {
///     ServerSideSessions::new(store, SessionConfig::default())
/// }
/// ```
#[derive(Debug)]
pub struct ServerSideSessions<S> {
    store: S,
    config: SessionConfig,
    queue: Queue,
}

/// What the engine remembers between `open` and `save`, in the session's slot.
#[derive(Debug)]
enum Origin {
    /// A record that was read.
    Live(Handle),
    /// The id has been rotated away: whatever is written is dropped. Only a logout may follow, if changes may.
    Moved { successor: StoreKey, follow: bool },
}

impl Origin {
    /// The record that stands for the session in events.
    fn key(&self) -> &StoreKey {
        match self {
            Self::Live(handle) => &handle.key,
            Self::Moved { successor, .. } => successor,
        }
    }
}

/// A record at the version that was read.
#[derive(Clone, Debug)]
struct Handle {
    /// The id that the client sent; `None` if the record was reached through a tombstone.
    id: Option<SessionId>,
    key: StoreKey,
    version: Version,
    created_at: SystemTime,
    expires_at: SystemTime,
    owner: Option<String>,
    lineage: Lineage,
}

impl<S: SessionStore> ServerSideSessions<S> {
    /// Sessions on this store.
    ///
    /// ```
    /// # use session_core::{ServerSideSessions, SessionConfig, SessionStore};
    /// # fn sessions<S: SessionStore>(store: S) -> ServerSideSessions<S> {
    /// ServerSideSessions::new(store, SessionConfig::default())
    /// # }
    /// ```
    pub fn new(store: S, config: SessionConfig) -> Self {
        Self { store, config, queue: Queue::default() }
    }

    /// The store.
    ///
    /// ```
    /// # use session_core::{ServerSideSessions, SessionStore};
    /// # fn store<S: SessionStore>(sessions: &ServerSideSessions<S>) -> &S {
    /// sessions.store()
    /// # }
    /// ```
    pub fn store(&self) -> &S {
        &self.store
    }
}

#[async_trait]
impl<S: SessionStore> SessionInterface for ServerSideSessions<S> {
    fn config(&self) -> &SessionConfig {
        &self.config
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Session, Error> {
        let Some(id) = context.cookie().and_then(SessionId::parse) else { return Ok(Session::new()) };
        let key = id.store_key();
        match self.find(&key, context.config(), context.now()).await? {
            Found::Live(found) => {
                let owner = found.handle.owner.clone();
                let origin = Origin::Live(Handle { id: Some(id), ..found.handle });
                Ok(Session::stored(found.payload, owner, Arc::new(origin)).unwrap_or_else(|_| {
                    tracing::warn!(session = %key.log_name(), "session record holds no session; starting a fresh session");
                    Session::new()
                }))
            }
            Found::Moved(moved) => {
                let session = Session::new();
                let origin = Origin::Moved { successor: moved.successor, follow: moved.follow };
                session.set_slot(Arc::new(origin));
                Ok(session)
            }
            Found::Gone => Ok(Session::new()),
        }
    }

    async fn save(&self, session: &Session, context: &SaveContext<'_>) -> Result<CookieAction, Error> {
        self.save_session(session, context).await
    }

    /// Every session that was read may be due for renewal; `save` says whether it is.
    fn should_save(&self, session: &Session) -> bool {
        session.read(|state| state.modified || state.slot::<Origin>().is_some())
    }
}
