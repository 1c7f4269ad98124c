//! The ready session interface over the store.

use std::borrow::Cow;
use std::time::Duration;

use session_core::{
    CookieAction, CookieAttributes, Error, OpenContext, OwnedSession, OwnerSessions, RequestView, SaveContext,
    ServerSideSessions, Session, SessionConfig, SessionInterface, async_trait,
};

use crate::RedisStore;

/// Sessions in Redis.
///
/// ```no_run
/// use session_core::SessionConfig;
/// use session_redis::RedisSessions;
///
/// # async fn show() -> Result<(), session_core::Error> {
/// let sessions = RedisSessions::connect("redis://127.0.0.1/", SessionConfig::default()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RedisSessions {
    engine: ServerSideSessions<RedisStore>,
}

impl RedisSessions {
    /// Sessions on the server at this address; for all else, build a [store](RedisStore::builder).
    ///
    /// # Errors
    ///
    /// As [`RedisStoreBuilder::connect`](crate::RedisStoreBuilder::connect).
    ///
    /// ```no_run
    /// # use session_core::SessionConfig;
    /// # use session_redis::RedisSessions;
    /// # async fn show() -> Result<(), session_core::Error> {
    /// let sessions = RedisSessions::connect("redis://:secret@127.0.0.1/1", SessionConfig::default()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect(url: impl Into<String>, config: SessionConfig) -> Result<Self, Error> {
        Ok(Self::with_store(RedisStore::builder(url).connect().await?, config))
    }

    /// Sessions in this store.
    ///
    /// ```no_run
    /// # use session_core::SessionConfig;
    /// # use session_redis::{RedisSessions, RedisStore};
    /// # async fn show() -> Result<(), session_core::Error> {
    /// let store = RedisStore::builder("redis://127.0.0.1/").key_prefix("shop:session:").connect().await?;
    /// let sessions = RedisSessions::with_store(store, SessionConfig::default());
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_store(store: RedisStore, config: SessionConfig) -> Self {
        Self { engine: ServerSideSessions::new(store, config) }
    }

    /// The store.
    ///
    /// ```
    /// # use session_redis::{RedisSessions, RedisStore};
    /// fn store(sessions: &RedisSessions) -> RedisStore {
    ///     sessions.store().clone()
    /// }
    /// ```
    pub fn store(&self) -> &RedisStore {
        self.engine.store()
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl SessionInterface for RedisSessions {
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
impl OwnerSessions for RedisSessions {
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
