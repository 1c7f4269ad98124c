//! The ready session interface over the memory store.

use std::borrow::Cow;
use std::time::Duration;

use session_core::{
    CookieAction, CookieAttributes, Error, OpenContext, OwnedSession, OwnerSessions, RequestView, SaveContext,
    ServerSideSessions, Session, SessionConfig, SessionInterface, async_trait,
};

use crate::MemoryStore;

/// Sessions in memory.
///
/// ```
/// use session_core::SessionConfig;
/// use session_memory::MemorySessions;
///
/// let sessions = MemorySessions::new(SessionConfig::default());
/// ```
#[derive(Debug)]
pub struct MemorySessions {
    engine: ServerSideSessions<MemoryStore>,
}

impl MemorySessions {
    /// Sessions in a new store of the [default capacity](MemoryStore::DEFAULT_CAPACITY).
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// # use session_memory::MemorySessions;
    /// let sessions = MemorySessions::new(SessionConfig::default());
    /// ```
    pub fn new(config: SessionConfig) -> Self {
        Self::with_store(MemoryStore::new(), config)
    }

    /// Sessions in this store; clones of a store share what they hold.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// # use session_memory::{MemorySessions, MemoryStore};
    /// let sessions = MemorySessions::with_store(MemoryStore::with_capacity(1000), SessionConfig::default());
    /// ```
    pub fn with_store(store: MemoryStore, config: SessionConfig) -> Self {
        Self { engine: ServerSideSessions::new(store, config) }
    }

    /// The store.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// # use session_memory::MemorySessions;
    /// assert_eq!(MemorySessions::new(SessionConfig::default()).store().len(), 0);
    /// ```
    pub fn store(&self) -> &MemoryStore {
        self.engine.store()
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl SessionInterface for MemorySessions {
    fn config(&self) -> &SessionConfig {
        self.engine.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Session, Error> {
        self.engine.open(context).await
    }

    async fn save(&self, session: &Session, context: &SaveContext<'_>) -> Result<CookieAction, Error> {
        self.engine.save(session, context).await
    }

    fn cookie_name(&self, request: &RequestView) -> Cow<'_, str> {
        self.engine.cookie_name(request)
    }

    fn cookie_attributes(&self, request: &RequestView, session: &Session) -> Cow<'_, CookieAttributes> {
        self.engine.cookie_attributes(request, session)
    }

    fn lifetime(&self, session: &Session) -> Option<Duration> {
        self.engine.lifetime(session)
    }

    fn should_set_cookie(&self, session: &Session) -> bool {
        self.engine.should_set_cookie(session)
    }

    fn should_save(&self, session: &Session) -> bool {
        self.engine.should_save(session)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl OwnerSessions for MemorySessions {
    async fn sessions_of(&self, owner: &str) -> Result<Vec<OwnedSession>, Error> {
        self.engine.sessions_of(owner).await
    }

    fn handle_of(&self, session: &Session) -> Option<String> {
        self.engine.handle_of(session)
    }

    async fn end(&self, owner: &str, handle: &str) -> Result<bool, Error> {
        self.engine.end(owner, handle).await
    }

    async fn end_others(&self, session: &Session) -> Result<usize, Error> {
        self.engine.end_others(session).await
    }

    async fn end_all(&self, owner: &str) -> Result<usize, Error> {
        self.engine.end_all(owner).await
    }
}
