//! The table, and its version.
//!
//! A second table has the versions. A newer version that only adds columns or tables is compatible
//! with the statements of this build. Any other version must rename the table or a column that the
//! statements use. Then the statements of older builds fail. A store call reads the version only
//! after such a failure.

use session_core::Error;
use session_core::events::Event;

use super::SqlStore;
use crate::database::{self, Cell, QueryResult, Value};
use crate::statements::Statement;

/// The newest version that this build supports.
const VERSION: i64 = 1;

/// The newest version of the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Version {
    number: i64,
    /// The oldest version whose statements still work.
    compatible_with: i64,
}

impl SqlStore {
    /// Creates the table and its indexes if they do not exist, or adds the columns and tables of a
    /// newer version. Several processes may call this method at the same time, and while older
    /// instances run. This method does not create the schema that a [table
    /// name](crate::SqlStoreBuilder::table) contains.
    ///
    /// If the table is up to date, the user of the database needs no permission to create tables.
    /// The user must be able to read the table.
    ///
    /// To use a migration tool instead, use the SQL of [`schema`](Self::schema).
    ///
    /// # Errors
    ///
    /// - [`Error::newer_format`] if a newer build has changed the table so that this build cannot
    ///   use it.
    /// - Otherwise the error of the database, for example if there is no table and the user may not
    ///   create a table.
    pub async fn migrate(&self) -> Result<(), Error> {
        if let Some(version) = self.version().await? {
            version.check()?;
            if self.is_readable().await {
                return Ok(());
            }
        }
        let Err(error) = self.database.run_script(&self.statements.schema).await else {
            return Ok(());
        };
        // Some databases deny `CREATE TABLE IF NOT EXISTS` even if the table exists.
        if database::is_denied(&error) && self.is_readable().await {
            return Ok(());
        }
        Err(error)
    }

    /// Returns the SQL that [`migrate`](Self::migrate) runs.
    pub fn schema(&self) -> &str {
        &self.statements.schema
    }

    /// Runs a statement of a store call, and records the database and the table in the span of the
    /// call. If the statement fails because the table or a column is missing, a newer build may
    /// have changed the table.
    pub(super) async fn run(
        &self,
        statement: &Statement,
        values: &[Value<'_>],
    ) -> Result<QueryResult, Error> {
        tracing::Span::current()
            .record("db.system.name", self.database.system())
            .record("db.collection.name", self.table.as_str());
        let result = self.database.run(statement, values).await;
        if self.database.take_recovery() {
            self.events.report(Event::Reconnected);
        }
        match result {
            Err(error) if database::is_missing(&error) => Box::pin(self.explain(error)).await,
            result => result,
        }
    }

    /// Fails if there is no table, or if this build cannot use the table.
    pub(super) async fn check_table(&self) -> Result<(), Error> {
        if let Some(version) = self.version().await? {
            version.check()?;
        }
        let no_key = [Value::Bytes(&[0; 32])];
        self.run(&self.statements.load, &no_key).await.map(drop)
    }

    async fn explain(&self, error: Error) -> Result<QueryResult, Error> {
        if let Ok(Some(version)) = self.version().await {
            version.check()?;
        }
        Err(error)
    }

    async fn is_readable(&self) -> bool {
        let no_key = [Value::Bytes(&[0; 32])];
        self.database.run(&self.statements.load, &no_key).await.is_ok()
    }

    /// Returns the version. Returns `None` if the version is missing or cannot be read.
    async fn version(&self) -> Result<Option<Version>, Error> {
        match self.database.run(&self.statements.version, &[]).await {
            Ok(result) => Ok(Version::read(&result)),
            Err(error) if database::is_missing(&error) || database::is_denied(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Version {
    fn read(result: &QueryResult) -> Option<Self> {
        let [Some(row)] = &*result.rows else { return None };
        let [Cell::Integer(number), Cell::Integer(compatible_with)] = **row else { return None };
        Some(Self { number, compatible_with })
    }

    fn check(self) -> Result<(), Error> {
        let Self { number, compatible_with } = self;
        if compatible_with <= VERSION {
            return Ok(());
        }
        Err(Error::newer_format(format!(
            "table of the SQL session store has version {number}, which needs a build that \
             supports version {compatible_with}, and this build supports version {VERSION}; deploy \
             the newer build again"
        )))
    }
}
