//! The store: each call is one statement, or shares one.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use session_core::{
    Error, ErrorKind, NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey, Sweep, Version, async_trait,
};

use crate::database::{Cell, Database, Value};
use crate::statements::{Statements, TableName};
use crate::{SqlStoreBuilder, Sweeper, milliseconds};

/// Records in a table of an SQL database. Clones share the connections.
///
/// ```
/// use session_sql::SqlStore;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let store = SqlStore::connect("sqlite::memory:").await?;
/// store.migrate().await?;
/// # Ok::<(), session_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct SqlStore {
    database: Arc<dyn Database>,
    statements: Arc<Statements>,
    table: TableName,
    max_payload: usize,
}

impl SqlStore {
    /// The store at an address, with the settings of [`SqlStoreBuilder::default`]: `sqlite:shop.db`, `sqlite::memory:`,
    /// `postgres://user:password@host/database` or `mysql://user:password@host/database`, with
    /// sqlx's parameters (those of its `PgConnectOptions`) behind a `?`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the address is not understood or its database was not built in; what the first
    /// connection met.
    ///
    /// ```
    /// # use session_sql::SqlStore;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let store = SqlStore::connect("sqlite::memory:").await?;
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::builder().connect(url).await
    }

    /// A store with settings of your own.
    ///
    /// ```
    /// # use session_sql::SqlStore;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let store = SqlStore::builder().table("shop_sessions").connect("sqlite::memory:").await?;
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn builder() -> SqlStoreBuilder {
        SqlStoreBuilder::default()
    }

    /// Creates the table and its indexes where they are missing. Processes that do so at once do not disturb each other.
    ///
    /// Whoever runs migrations of their own takes the SQL from [`schema`](Self::schema) instead.
    ///
    /// # Errors
    ///
    /// What the database gave, such as a user who may create no table.
    ///
    /// ```
    /// # use session_sql::SqlStore;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let store = SqlStore::connect("sqlite::memory:").await?;
    /// store.migrate().await?;
    /// store.migrate().await?;
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn migrate(&self) -> Result<(), Error> {
        self.database.run_script(&self.statements.schema).await
    }

    /// The SQL that [`migrate`](Self::migrate) runs.
    ///
    /// ```
    /// # use session_sql::SqlStore;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let store = SqlStore::builder().table("shop_sessions").connect("sqlite::memory:").await?;
    /// assert!(store.schema().contains("CREATE TABLE IF NOT EXISTS \"shop_sessions\""));
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn schema(&self) -> &str {
        &self.statements.schema
    }

    /// Starts a task that removes expired records once in each period, until its handle is stopped or dropped.
    ///
    /// It removes up to `limit` records per statement, and goes on while there are more. What fails is traced and tried again a
    /// period later. It goes by the system's clock.
    ///
    /// ```
    /// # use session_sql::SqlStore;
    /// # use std::time::Duration;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let store = SqlStore::connect("sqlite::memory:").await?;
    /// store.migrate().await?;
    /// let sweeper = store.sweep_every(Duration::from_secs(60), 1000);
    /// sweeper.stop().await;
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use = "the task ends when its handle is dropped"]
    pub fn sweep_every(&self, period: Duration, limit: usize) -> Sweeper {
        Sweeper::start(self.clone(), period, limit)
    }

    pub(crate) fn new(database: Arc<dyn Database>, table: TableName, max_payload: usize) -> Self {
        let statements = Arc::new(Statements::new(database.scripts(), &table));
        Self { database, statements, table, max_payload }
    }

    fn check_size(&self, record: &NewRecord<'_>) -> Result<(), Error> {
        let bytes = record.payload().len();
        if bytes <= self.max_payload {
            return Ok(());
        }
        let message =
            format!("a session of {bytes} bytes is more than the {} session store takes", self.database.name());
        let limit = format!("the limit is {} bytes", self.max_payload);
        Err(Error::new(ErrorKind::TooLarge, message).with_source(limit))
    }
}

#[async_trait]
impl SessionStore for SqlStore {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let answer = self.database.run(&self.statements.load, &[Value::Bytes(key.as_bytes())]).await?;
        let Some(row) = answer.rows.into_iter().next() else { return Ok(None) };
        let record = row.as_deref().and_then(record);
        if record.is_none() {
            tracing::warn!(
                session = %key.log_name(),
                store = self.database.name(),
                "session record was written by something else; treating it as absent"
            );
        }
        Ok(record)
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.check_size(record)?;
        let version = self.new_version()?;
        let [number, payload, created_at, expires_at, owner] = values(version, record);
        let values = [Value::Bytes(key.as_bytes()), number, payload, created_at, expires_at, owner];
        self.database.run(&self.statements.create, &values).await?;
        Ok(version)
    }

    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        self.check_size(record)?;
        let version = self.new_version()?;
        let [number, payload, created_at, expires_at, owner] = values(version, record);
        let (key, expected) = (Value::Bytes(key.as_bytes()), integer(expected));
        let values = [number, payload, created_at, expires_at, owner, key, expected];
        let answer = self.database.run(&self.statements.replace, &values).await?;
        Ok(if answer.changed > 0 { Replaced::Done(version) } else { Replaced::Stale })
    }

    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let expires_at = Value::Integer(milliseconds::ceiling(expires_at));
        let values = [expires_at, Value::Bytes(key.as_bytes()), integer(expected)];
        let answer = self.database.run(&self.statements.touch, &values).await?;
        Ok(answer.changed > 0)
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let values = [Value::Bytes(key.as_bytes()), integer(expected)];
        let answer = self.database.run(&self.statements.remove, &values).await?;
        Ok(answer.changed > 0)
    }
}

#[async_trait]
impl OwnerIndex for SqlStore {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let answer = self.database.run(&self.statements.keys_of, &[Value::Bytes(owner.as_bytes())]).await?;
        Ok(answer.rows.iter().filter_map(|row| key(row.as_deref()?)).collect())
    }
}

#[async_trait]
impl Sweep for SqlStore {
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let now = Value::Integer(milliseconds::floor(now));
        let limit = Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX));
        let answer = self.database.run(&self.statements.sweep, &[now, limit, now]).await?;
        Ok(usize::try_from(answer.changed).unwrap_or(usize::MAX))
    }
}

impl SqlStore {
    /// 64 random bits: no version comes twice, whichever process draws it.
    fn new_version(&self) -> Result<Version, Error> {
        getrandom::u64().map(Version::new).map_err(|error| {
            let message = format!("the {} session store got no random number for a version", self.database.name());
            Error::new(ErrorKind::Backend, message).with_source(error)
        })
    }
}

impl fmt::Debug for SqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore")
            .field("database", &self.database.name())
            .field("table", &self.table.as_str())
            .field("pool", &self.database)
            .field("max_payload", &self.max_payload)
            .finish_non_exhaustive()
    }
}

fn values<'a>(version: Version, record: &NewRecord<'a>) -> [Value<'a>; 5] {
    [
        integer(version),
        Value::Bytes(record.payload()),
        Value::Integer(milliseconds::ceiling(record.created_at())),
        Value::Integer(milliseconds::ceiling(record.expires_at())),
        Value::OptionalBytes(record.owner().map(str::as_bytes)),
    ]
}

fn integer(version: Version) -> Value<'static> {
    Value::Integer(version.get().cast_signed())
}

fn record(row: &[Cell]) -> Option<Record> {
    let [
        Cell::Integer(version),
        Cell::Bytes(Some(payload)),
        Cell::Integer(created_at),
        Cell::Integer(expires_at),
        Cell::Bytes(owner),
    ] = row
    else {
        return None;
    };
    let owner = owner.as_deref().map(str::from_utf8).transpose().ok()?;
    let (created_at, expires_at) = (milliseconds::time(*created_at)?, milliseconds::time(*expires_at)?);
    let record = NewRecord::new(payload, created_at, expires_at).owned_by(owner);
    Some(Record::new(Version::new(version.cast_unsigned()), &record))
}

fn key(row: &[Cell]) -> Option<StoreKey> {
    let [Cell::Bytes(Some(bytes))] = row else { return None };
    Some(StoreKey::from_bytes(bytes.as_slice().try_into().ok()?))
}
