//! The settings of a store, and its connection to the database.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use session_core::events::Events;
use session_core::store::CredentialsProvider;
use session_core::{Error, ErrorKind};

use crate::database::{self, Database, Settings};
use crate::statements::TableName;
use crate::{SqlStore, SqlxPool};

/// The settings of a [`SqlStore`].
///
/// # Examples
///
/// ```
/// use session_sql::SqlStore;
/// use std::time::Duration;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let store = SqlStore::builder()
///     .table("shop_sessions")
///     .deadline(Duration::from_secs(2))
///     .max_connections(20)
///     .connect("sqlite::memory:")
///     .await?;
/// # Ok::<(), session_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
#[must_use = "`connect` or one of the pool methods returns the store"]
pub struct SqlStoreBuilder {
    table: String,
    max_payload: usize,
    settings: Settings,
    provider: Option<Arc<dyn CredentialsProvider>>,
    events: Events,
}

/// The time at which SQLite acknowledges a write.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Synchronous {
    /// After the write is on the disk. No acknowledged write is lost, even if the power fails.
    #[default]
    Full,
    /// Before the write is on the disk, which is faster. A crash of the process loses no write. If
    /// the power or the operating system fails, the last writes may be lost. The file stays
    /// consistent.
    Normal,
}

impl SqlStoreBuilder {
    /// Sets the name of the table. The default is `sessions`. The name `auth.sessions` selects a
    /// table in the schema `auth`, which must exist.
    ///
    /// A name has at most 48 ASCII letters, digits and underscores, and does not start with a
    /// digit. The same rules apply to the name of the schema. Both names are quoted, so that
    /// PostgreSQL distinguishes upper and lower case. The names are checked when the store is
    /// created.
    pub fn table(mut self, name: impl Into<String>) -> Self {
        self.table = name.into();
        self
    }

    /// Sets the time limit of a call, including waiting for a connection. After this time, the call
    /// fails with [`ErrorKind::Unavailable`](session_core::ErrorKind::Unavailable). The default is
    /// 3 seconds.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// Sets a provider of the user and the password, which is called before each new connection.
    /// Use a provider for passwords that change and for tokens that expire. With SQLite or an
    /// existing pool, a provider is an error of kind
    /// [`ErrorKind::Configuration`](session_core::ErrorKind::Configuration).
    ///
    /// An open connection stays open, because servers check credentials only when a client
    /// connects. If the server refuses the credentials, the provider is called once more.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use session_core::store::Credentials;
    /// use session_sql::SqlStore;
    ///
    /// # async fn token() -> Result<String, session_core::Error> { Ok(String::new()) }
    /// let builder = SqlStore::builder()
    ///     .credentials(|| async { Ok(Credentials::new("shop", token().await?)) });
    /// ```
    pub fn credentials(mut self, provider: impl CredentialsProvider) -> Self {
        self.provider = Some(Arc::new(provider));
        self
    }

    /// Sets the handler of the events of sweeps and reconnections. By default, events are reported
    /// only to `tracing`.
    pub fn events(mut self, events: Events) -> Self {
        self.events = events;
        self
    }

    /// Sets the maximum number of connections. The default is 10. A store in memory always has one
    /// connection. An existing pool ignores this setting.
    pub fn max_connections(mut self, connections: u32) -> Self {
        self.settings.max_connections = connections.max(1);
        self
    }

    /// Sets the idle time after which a connection is tested before its next use. The default is 5
    /// seconds. With [`Duration::ZERO`], each idle connection is tested. With [`Duration::MAX`], no
    /// connection is tested.
    ///
    /// Servers and proxies close connections that are idle for too long. Without the test, the
    /// first call after a pause would fail. Set a time below the shortest timeout of these servers
    /// and proxies. The test takes one round trip and no statement. A connection that does not
    /// reply within a quarter of the deadline is replaced, and the call runs once.
    ///
    /// The pool measures the idle time with [`Instant`](std::time::Instant). Time in which the
    /// machine was suspended may not count. SQLite and an existing pool ignore this setting.
    pub fn test_after_idle(mut self, idle: Duration) -> Self {
        self.settings.test_after_idle = idle;
        self
    }

    /// Sets the maximum size of a payload, in bytes. A larger payload fails with
    /// [`ErrorKind::TooLarge`](session_core::ErrorKind::TooLarge). The default is 1 MiB.
    ///
    /// The `max_allowed_packet` of MySQL and MariaDB (16 MiB or more by default) is another limit.
    /// A larger payload fails with the same error.
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.max_payload = bytes;
        self
    }

    /// Sets the time at which SQLite acknowledges a write. Other databases and an existing pool
    /// ignore this setting.
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.settings.synchronous = synchronous;
        self
    }

    /// Connects to the database at an address, as in [`SqlStore::connect`].
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Configuration`](session_core::ErrorKind::Configuration) if the address or a
    ///   setting is invalid or the feature of the database is not enabled.
    /// - Otherwise the error of the first connection.
    pub async fn connect(self, url: &str) -> Result<SqlStore, Error> {
        let table = TableName::new(&self.table)?;
        let database = database::connect(url, self.settings, self.provider).await?;
        Ok(SqlStore::new(database, table, self.max_payload, self.events))
    }

    /// Returns a store on an existing pool of sqlx 0.9, with the journal, the timeouts and the
    /// statement log of the pool.
    ///
    /// If two processes use one file, the pool needs
    /// [`SqliteJournalMode::Wal`](sqlx::sqlite::SqliteJournalMode::Wal) and a busy timeout below
    /// the deadline.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](session_core::ErrorKind::Configuration) if a setting is
    /// invalid.
    ///
    /// # Examples
    ///
    /// ```
    /// use session_sql::SqlStore;
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let pool = sqlx::SqlitePool::connect_lazy("sqlite:shop.db").unwrap();
    /// let store = SqlStore::builder().sqlite_pool(pool)?;
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    #[cfg(feature = "sqlite")]
    pub fn sqlite_pool(self, pool: impl SqlxPool<sqlx::Sqlite>) -> Result<SqlStore, Error> {
        self.with(|settings| database::existing(pool.into_pool(), settings))
    }

    /// Returns a store on an existing pool of sqlx 0.9, with the timeouts and the statement log of
    /// the pool.
    ///
    /// Build the pool with `test_before_acquire(false)`. Otherwise each call takes a second round
    /// trip. Instead, let the pool test connections that were idle for long, as in the example.
    /// Without this test, the first call after a pause fails if the server closed the connection.
    ///
    /// Statements are prepared unless the pool's `statement_cache_capacity` is 0. With the capacity
    /// 0, the text of each statement contains its values, so disable the log of statements.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](session_core::ErrorKind::Configuration) if a setting is
    /// invalid.
    ///
    /// # Examples
    ///
    /// ```
    /// use session_sql::SqlStore;
    /// use sqlx::{Connection as _, postgres::PgPoolOptions};
    /// use std::time::Duration;
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let pool = PgPoolOptions::new()
    ///     .test_before_acquire(false)
    ///     .before_acquire(|connection, metadata| {
    ///         Box::pin(async move {
    ///             let was_idle = metadata.idle_for >= Duration::from_secs(5);
    ///             Ok(!was_idle || connection.ping().await.is_ok())
    ///         })
    ///     })
    ///     .connect_lazy("postgres://localhost/shop")
    ///     .unwrap();
    /// let store = SqlStore::builder().postgres_pool(pool)?;
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    #[cfg(feature = "postgres")]
    pub fn postgres_pool(self, pool: impl SqlxPool<sqlx::Postgres>) -> Result<SqlStore, Error> {
        self.with(|settings| database::existing(pool.into_pool(), settings))
    }

    /// Returns a store on an existing pool of sqlx 0.9, with the timeouts and the statement log of
    /// the pool.
    ///
    /// Build the pool with `test_before_acquire(false)`. Otherwise each call takes a second round
    /// trip. Instead, let the pool test connections that were idle for long, as in the example of
    /// `postgres_pool`. Set the isolation level `READ COMMITTED` on the connections of the pool.
    /// Otherwise calls wait for each other more often.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](session_core::ErrorKind::Configuration) if a setting is
    /// invalid.
    #[cfg(feature = "mysql")]
    pub fn mysql_pool(self, pool: impl SqlxPool<sqlx::MySql>) -> Result<SqlStore, Error> {
        self.with(|settings| database::existing(pool.into_pool(), settings))
    }

    fn with(self, open: impl FnOnce(Settings) -> Arc<dyn Database>) -> Result<SqlStore, Error> {
        if self.provider.is_some() {
            let message = "credentials of an existing pool cannot be set; set them on the pool";
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        let table = TableName::new(&self.table)?;
        Ok(SqlStore::new(open(self.settings), table, self.max_payload, self.events))
    }
}

impl Default for SqlStoreBuilder {
    fn default() -> Self {
        let settings = Settings {
            deadline: Duration::from_secs(3),
            max_connections: 10,
            test_after_idle: Duration::from_secs(5),
            synchronous: Synchronous::default(),
        };
        Self {
            table: "sessions".to_owned(),
            max_payload: 1024 * 1024,
            settings,
            provider: None,
            events: Events::default(),
        }
    }
}

impl fmt::Debug for SqlStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStoreBuilder")
            .field("table", &self.table)
            .field("max_payload", &self.max_payload)
            .field("settings", &self.settings)
            .field("has_provider", &self.provider.is_some())
            .field("events", &self.events)
            .finish()
    }
}

#[cfg(feature = "sqlite")]
impl From<Synchronous> for sqlx::sqlite::SqliteSynchronous {
    fn from(synchronous: Synchronous) -> Self {
        match synchronous {
            Synchronous::Full => Self::Full,
            Synchronous::Normal => Self::Normal,
        }
    }
}
