//! The store. Each call is one statement, or shares a statement with other calls.

#[cfg(test)]
mod fuzz;
mod scan;
mod schema;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use session_core::events::{Event, Events};
use session_core::store::{
    MAX_CLOCK_SKEW, NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey, Sweep, Version,
};
use session_core::{Error, ErrorKind, async_trait};

use crate::database::{Cell, Database, Value};
use crate::statements::{KEYS_PER_STATEMENT, Statements, TableName};
use crate::{SqlStoreBuilder, Sweeper, milliseconds};

/// A store of records in a table of a SQL database. Clones share the connections.
///
/// # Examples
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
    events: Events,
}

impl SqlStore {
    /// Connects to the database at an address, with the default settings.
    ///
    /// The address is `sqlite:shop.db`, `sqlite::memory:`, `postgres://user:password@host/database`
    /// or `mysql://user:password@host/database`. The parameters of sqlx (such as the parameters of
    /// `PgConnectOptions`) may follow after a `?`. Parts of the address that sqlx would ignore are
    /// refused, such as unknown and repeated parameters.
    ///
    /// A server on another machine must offer TLS with a trusted certificate for its host, unless
    /// the parameter `sslmode` or `ssl-mode` sets another mode.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Configuration`] if the address is invalid or the feature of its database is
    ///   not enabled.
    /// - Otherwise, the error of the first attempt to connect.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::builder().connect(url).await
    }

    /// Returns the builder of a store with other settings.
    pub fn builder() -> SqlStoreBuilder {
        SqlStoreBuilder::default()
    }

    /// Starts a task that removes expired records once in each period. The task ends when the
    /// returned handle is stopped or dropped.
    ///
    /// The task removes records that expired more than five minutes ago, because the clocks of
    /// processes may differ by this time.
    ///
    /// Each statement removes at most `limit` records, and is repeated while there are more. After
    /// an error, the task logs the error and tries again after the period. The task uses the system
    /// clock.
    ///
    /// # Examples
    ///
    /// ```
    /// use session_sql::SqlStore;
    /// use std::time::Duration;
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let store = SqlStore::connect("sqlite::memory:").await?;
    /// store.migrate().await?;
    /// let sweeper = store.sweep_every(Duration::from_secs(60), 1000);
    /// // At shutdown:
    /// sweeper.stop().await;
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use = "the task ends when its handle is dropped"]
    pub fn sweep_every(&self, period: Duration, limit: usize) -> Sweeper {
        Sweeper::start(self.clone(), period, limit)
    }

    pub(crate) fn new(
        database: Arc<dyn Database>,
        table: TableName,
        max_payload: usize,
        events: Events,
    ) -> Self {
        let statements = Arc::new(Statements::new(database.scripts(), &table));
        Self { database, statements, table, max_payload, events }
    }

    fn check_size(&self, record: &NewRecord<'_>) -> Result<(), Error> {
        let (size, limit) = (record.payload().len(), self.max_payload);
        if size <= limit {
            return Ok(());
        }
        let message = format!(
            "session payload of {size} bytes exceeds this {} store's limit of {limit} bytes",
            self.database.name()
        );
        let source = "the limit is SqlStoreBuilder::max_payload";
        Err(Error::new(ErrorKind::TooLarge, message).with_source(source))
    }

    /// Loads the records of one statement, in the order of the keys.
    async fn load_together(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        let [.., last] = keys else { return Ok(Vec::new()) };
        // The statement has a fixed number of keys, so that the database prepares it once.
        let padded = keys.iter().chain(std::iter::repeat(last)).take(KEYS_PER_STATEMENT);
        let values: Vec<_> = padded.map(|key| Value::Bytes(key.as_bytes())).collect();
        let result = self.run(&self.statements.load_many, &values).await?;
        let mut records = vec![None; keys.len()];
        for row in result.rows {
            let Some((found, record)) = row.as_deref().and_then(keyed_record) else {
                // Loading each record alone shows which record another program wrote.
                return self.load_separately(keys).await;
            };
            for (slot, _) in records.iter_mut().zip(keys).filter(|(_, key)| **key == found) {
                *slot = Some(record.clone());
            }
        }
        Ok(records)
    }

    async fn load_separately(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        let mut records = Vec::with_capacity(keys.len());
        for key in keys {
            records.push(self.load(key).await?);
        }
        Ok(records)
    }
}

#[async_trait]
impl SessionStore for SqlStore {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let result = self.run(&self.statements.load, &[Value::Bytes(key.as_bytes())]).await?;
        let Some(row) = result.rows.into_iter().next() else { return Ok(None) };
        let record = row.as_deref().and_then(record);
        if record.is_none() {
            tracing::warn!(
                session = %key.log_name(),
                store = self.database.name(),
                "session record was written by another program; treating it as absent"
            );
        }
        Ok(record)
    }

    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        let mut records = Vec::with_capacity(keys.len());
        for keys in keys.chunks(KEYS_PER_STATEMENT) {
            records.extend(match keys {
                [key] => vec![self.load(key).await?],
                keys => self.load_together(keys).await?,
            });
        }
        Ok(records)
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.check_size(record)?;
        let version = new_version()?;
        let [number, payload, created_at, expires_at, owner] = values(&version, record);
        let values = [Value::Bytes(key.as_bytes()), number, payload, created_at, expires_at, owner];
        self.run(&self.statements.create, &values).await?;
        Ok(version)
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        self.check_size(record)?;
        let version = new_version()?;
        let [number, payload, created_at, expires_at, owner] = values(&version, record);
        let (key, expected) = (Value::Bytes(key.as_bytes()), integer(&expected));
        let values = [number, payload, created_at, expires_at, owner, key, expected];
        let result = self.run(&self.statements.replace, &values).await?;
        Ok(if result.changed > 0 { Replaced::Done(version) } else { Replaced::Stale })
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        let expires_at = Value::Integer(milliseconds::ceiling(expires_at));
        let values = [expires_at, Value::Bytes(key.as_bytes()), integer(&expected)];
        let result = self.run(&self.statements.touch, &values).await?;
        Ok(result.changed > 0)
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let values = [Value::Bytes(key.as_bytes()), integer(&expected)];
        let result = self.run(&self.statements.remove, &values).await?;
        Ok(result.changed > 0)
    }

    /// Checks that the table exists and that this build can use its version.
    async fn check(&self) -> Result<(), Error> {
        self.check_table().await
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }
}

#[async_trait]
impl OwnerIndex for SqlStore {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let result = self.run(&self.statements.keys_of, &[Value::Bytes(owner.as_bytes())]).await?;
        Ok(result.rows.iter().filter_map(|row| key(row.as_deref()?)).collect())
    }
}

/// Keeps a record until [`MAX_CLOCK_SKEW`] after its expiry.
#[async_trait]
impl Sweep for SqlStore {
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let Some(earliest_kept) = now.checked_sub(MAX_CLOCK_SKEW) else { return Ok(0) };
        let earliest_kept = Value::Integer(milliseconds::floor(earliest_kept));
        let limit = Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX));
        let values = [earliest_kept, limit, earliest_kept];
        let result = self.run(&self.statements.sweep, &values).await?;
        if result.changed > 0 {
            self.events.report(Event::Swept { count: result.changed });
        }
        Ok(usize::try_from(result.changed).unwrap_or(usize::MAX))
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

/// Returns 64 random bits, so that no version is used twice.
fn new_version() -> Result<Version, Error> {
    getrandom::u64().map(Version::new).map_err(|error| {
        Error::new(ErrorKind::Unavailable, "cannot read random bytes from the operating system")
            .with_source(error)
    })
}

fn values<'a>(version: &Version, record: &NewRecord<'a>) -> [Value<'a>; 5] {
    [
        integer(version),
        Value::Bytes(record.payload()),
        Value::Integer(milliseconds::ceiling(record.created_at())),
        Value::Integer(milliseconds::ceiling(record.expires_at())),
        Value::OptionalBytes(record.owner().map(str::as_bytes)),
    ]
}

fn integer(version: &Version) -> Value<'static> {
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
    let (created_at, expires_at) =
        (milliseconds::time(*created_at)?, milliseconds::time(*expires_at)?);
    let record = NewRecord::new(payload, created_at, expires_at).owned_by(owner);
    Some(Record::new(Version::new(version.cast_unsigned()), &record))
}

fn keyed_record(row: &[Cell]) -> Option<(StoreKey, Record)> {
    let (first, rest) = row.split_at_checked(1)?;
    Some((key(first)?, record(rest)?))
}

fn key(row: &[Cell]) -> Option<StoreKey> {
    let [Cell::Bytes(Some(bytes))] = row else { return None };
    Some(StoreKey::from_bytes(bytes.as_slice().try_into().ok()?))
}
