//! The ready session interface over the store.

use session_core::{Error, ServerSideSessions, SessionConfig, delegate_sessions};

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

delegate_sessions!(RedisSessions, engine);
