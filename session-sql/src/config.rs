//! The ready session interface over the SQL store.

use session_core::{Error, ServerSideSessions, SessionConfig, delegate_sessions};

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

delegate_sessions!(SqlSessions, engine);
