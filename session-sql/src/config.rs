//! The ready session interface over the SQL store.

use std::borrow::Cow;
use std::time::Duration;

use session_core::{
    CookieAction, CookieAttributes, Error, OpenContext, OwnedSession, OwnerSessions, RequestView, SaveContext,
    ServerSideSessions, Session, SessionConfig, SessionInterface, async_trait,
};

use crate::SqlStore;

/// Sessions in an SQL database.
///
/// ```
/// use session_core::SessionConfig;
/// use session_sql::SqlSessions;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let sessions = SqlSessions::connect("sqlite::memory:", SessionConfig::default()).await?;
/// sessions.store().migrate().await?;
/// # Ok::<(), session_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct SqlSessions {
    engine: ServerSideSessions<SqlStore>,
}

impl SqlSessions {
    /// Sessions in the table `sessions` of the database at an address, as in [`SqlStore::connect`].
    ///
    /// # Errors
    ///
    /// As of [`SqlStore::connect`].
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// # use session_sql::SqlSessions;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sessions = SqlSessions::connect("sqlite::memory:", SessionConfig::default()).await?;
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn connect(url: &str, config: SessionConfig) -> Result<Self, Error> {
        Ok(Self::with_store(SqlStore::connect(url).await?, config))
    }

    /// Sessions in this store; clones of a store share what they hold.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// # use session_sql::{SqlSessions, SqlStore};
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let store = SqlStore::builder().table("shop_sessions").connect("sqlite::memory:").await?;
    /// let sessions = SqlSessions::with_store(store, SessionConfig::default());
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn with_store(store: SqlStore, config: SessionConfig) -> Self {
        Self { engine: ServerSideSessions::new(store, config) }
    }

    /// The store.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// # use session_sql::SqlSessions;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sessions = SqlSessions::connect("sqlite::memory:", SessionConfig::default()).await?;
    /// sessions.store().migrate().await?;
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn store(&self) -> &SqlStore {
        self.engine.store()
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl SessionInterface for SqlSessions {
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
impl OwnerSessions for SqlSessions {
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
