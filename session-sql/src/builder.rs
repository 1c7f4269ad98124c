//! The settings of a store.

use std::sync::Arc;
use std::time::Duration;

use session_core::Error;

use crate::SqlStore;
use crate::database::{self, Database, Settings};
use crate::statements::TableName;

/// The settings of a [`SqlStore`], and the ways to make one.
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
#[derive(Clone, Debug)]
#[must_use = "`connect` or a pool makes a store of it"]
pub struct SqlStoreBuilder {
    table: String,
    max_payload: usize,
    settings: Settings,
}

/// How sure SQLite is that what it acknowledged is on the disk.
///
/// ```
/// use session_sql::{SqlStore, Synchronous};
///
/// let builder = SqlStore::builder().synchronous(Synchronous::Normal);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Synchronous {
    /// Each write is on the disk before it is acknowledged: none is lost, even when the power fails.
    #[default]
    Full,
    /// Writes reach the disk some time later. A crash of the process loses none; when the power or the operating system
    /// fails, the last ones may be lost. The file stays consistent. Much faster.
    Normal,
}

impl SqlStoreBuilder {
    /// The name of the table, `sessions` unless you say otherwise: ASCII letters, digits and underscores, at most 48. Making
    /// the store says whether it is one.
    ///
    /// ```
    /// # use session_sql::SqlStore;
    /// let builder = SqlStore::builder().table("shop_sessions");
    /// ```
    pub fn table(mut self, name: impl Into<String>) -> Self {
        self.table = name.into();
        self
    }

    /// How long a call may take, from waiting for a connection to the answer; then it is an error of kind
    /// [`Unavailable`](session_core::ErrorKind::Unavailable). 3 seconds unless you say otherwise.
    ///
    /// ```
    /// # use session_sql::SqlStore;
    /// let builder = SqlStore::builder().deadline(std::time::Duration::from_secs(1));
    /// ```
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// How many connections there are at most, 10 unless you say otherwise; a store in memory has one. Of no effect on a pool
    /// of your own.
    ///
    /// ```
    /// # use session_sql::SqlStore;
    /// let builder = SqlStore::builder().max_connections(50);
    /// ```
    pub fn max_connections(mut self, connections: u32) -> Self {
        self.settings.max_connections = connections.max(1);
        self
    }

    /// The longest payload that is sent, 1 MiB unless you say otherwise; a longer one is an error of kind
    /// [`TooLarge`](session_core::ErrorKind::TooLarge). MySQL and MariaDB take what their `max_allowed_packet` allows, 16 MiB
    /// or more by default; what is longer than that is `TooLarge`, too.
    ///
    /// ```
    /// # use session_sql::SqlStore;
    /// let builder = SqlStore::builder().max_payload(64 * 1024);
    /// ```
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.max_payload = bytes;
        self
    }

    /// How sure SQLite is that what it acknowledged is on the disk. Of no effect on other databases and on a pool of your own.
    ///
    /// ```
    /// # use session_sql::{SqlStore, Synchronous};
    /// let builder = SqlStore::builder().synchronous(Synchronous::Normal);
    /// ```
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.settings.synchronous = synchronous;
        self
    }

    /// The store at an address, as in [`SqlStore::connect`].
    ///
    /// # Errors
    ///
    /// [`Configuration`](session_core::ErrorKind::Configuration) if the address or a setting is not understood, or the database
    /// was not built in; what the first connection met.
    ///
    /// ```
    /// # use session_sql::SqlStore;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let store = SqlStore::builder().connect("sqlite::memory:").await?;
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn connect(self, url: &str) -> Result<SqlStore, Error> {
        let table = TableName::new(&self.table)?;
        let database = database::connect(url, self.settings).await?;
        Ok(SqlStore::new(database, table, self.max_payload))
    }

    /// A store on a pool of your own, with the journal, the time-outs and the statement log that the pool has. For two processes on
    /// one file, give it [`SqliteJournalMode::Wal`](sqlx::sqlite::SqliteJournalMode::Wal) and a busy timeout below the deadline.
    ///
    /// # Errors
    ///
    /// [`Configuration`](session_core::ErrorKind::Configuration) if a setting is not understood.
    ///
    /// ```
    /// # use session_sql::SqlStore;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let pool = sqlx::SqlitePool::connect_lazy("sqlite:shop.db").unwrap();
    /// let store = SqlStore::builder().sqlite_pool(pool)?;
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    #[cfg(feature = "sqlite")]
    pub fn sqlite_pool(self, pool: sqlx::SqlitePool) -> Result<SqlStore, Error> {
        self.with(|settings| database::existing(pool, settings))
    }

    /// A store on a pool of your own, with the time-outs and the statement log that the pool has. For one round trip per call,
    /// build it with `test_before_acquire(false)`. Statements are prepared unless the pool's `statement_cache_capacity` is 0; then
    /// the values stand in the text of each statement, so switch statement logging off.
    ///
    /// # Errors
    ///
    /// [`Configuration`](session_core::ErrorKind::Configuration) if a setting is not understood.
    ///
    /// ```
    /// # use session_sql::SqlStore;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let pool = sqlx::PgPool::connect_lazy("postgres://shop@localhost/shop").unwrap();
    /// let store = SqlStore::builder().postgres_pool(pool)?;
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    #[cfg(feature = "postgres")]
    pub fn postgres_pool(self, pool: sqlx::PgPool) -> Result<SqlStore, Error> {
        self.with(|settings| database::existing(pool, settings))
    }

    /// A store on a pool of your own, with the time-outs and the statement log that the pool has. For one round trip per call,
    /// build it with `test_before_acquire(false)`, and lest calls wait for each other more than they must, with the
    /// isolation level `READ COMMITTED`.
    ///
    /// # Errors
    ///
    /// [`Configuration`](session_core::ErrorKind::Configuration) if a setting is not understood.
    ///
    /// ```
    /// # use session_sql::SqlStore;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let pool = sqlx::MySqlPool::connect_lazy("mysql://shop@localhost/shop").unwrap();
    /// let store = SqlStore::builder().mysql_pool(pool)?;
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    #[cfg(feature = "mysql")]
    pub fn mysql_pool(self, pool: sqlx::MySqlPool) -> Result<SqlStore, Error> {
        self.with(|settings| database::existing(pool, settings))
    }

    fn with(self, open: impl FnOnce(Settings) -> Arc<dyn Database>) -> Result<SqlStore, Error> {
        let table = TableName::new(&self.table)?;
        Ok(SqlStore::new(open(self.settings), table, self.max_payload))
    }
}

impl Default for SqlStoreBuilder {
    fn default() -> Self {
        let settings =
            Settings { deadline: Duration::from_secs(3), max_connections: 10, synchronous: Synchronous::default() };
        Self { table: "sessions".to_owned(), max_payload: 1024 * 1024, settings }
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
