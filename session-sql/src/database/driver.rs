//! The differences between the databases.

use session_core::store::Credentials;
use sqlx::{AssertSqlSafe, Connection};

use super::failure::Meaning;
use super::query::{OwnedValue, QueryResult, Value};
use crate::statements::{Batch, Scripts, Statement};

/// The properties in which a database differs from the others.
pub(crate) trait Driver: sqlx::Database {
    const LABEL: &'static str;
    /// The name in OpenTelemetry's conventions for databases.
    const SYSTEM: &'static str = Self::LABEL;
    const SCRIPTS: Scripts;
    /// Whether the database runs in this process.
    ///
    /// In an embedded database, writes wait in a queue of the process and are committed in groups.
    /// A connection stays in use after its call was cancelled. The call finishes without the
    /// caller, and closing the connection could drop the data.
    const EMBEDDED: bool;
    /// The statement that each new connection runs first.
    const GREETING: Option<&'static str> = None;

    /// Runs one statement. The statement is prepared if `prepared` is set.
    fn run<'c>(
        connection: &'c mut Self::Connection,
        statement: &'c Statement,
        values: &'c [Value<'c>],
        prepared: bool,
    ) -> impl Future<Output = sqlx::Result<QueryResult>> + Send + 'c;

    /// Runs the batch form of a statement and returns a result for each call. After an error that
    /// the database reports, no call is applied. Only databases with batch forms implement this
    /// function.
    fn run_batch<'c>(
        _connection: &'c mut Self::Connection,
        _statement: &'c Statement,
        _batch: &'c Batch,
        _calls: &'c [Vec<OwnedValue>],
    ) -> impl Future<Output = sqlx::Result<Vec<QueryResult>>> + Send + 'c {
        std::future::ready(Err(sqlx::Error::Protocol(
            "this database has no batch statements".to_owned(),
        )))
    }

    /// Runs a script of several statements.
    fn run_script(
        connection: &mut Self::Connection,
        script: AssertSqlSafe<String>,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Returns options with other credentials. An embedded database has no credentials.
    fn with_credentials(
        options: &<Self::Connection as Connection>::Options,
        _credentials: &Credentials,
    ) -> <Self::Connection as Connection>::Options {
        options.clone()
    }

    /// Returns whether the server refused the credentials.
    fn is_refusal(_error: &dyn sqlx::error::DatabaseError) -> bool {
        false
    }

    /// Returns whether sqlx keeps prepared statements on connections with these options.
    fn keeps_statements(_options: &<Self::Connection as Connection>::Options) -> bool {
        true
    }

    /// Writes the log of an embedded database to its file, and empties the log. Returns `false` if
    /// other connections prevented this.
    fn empty_log(
        _connection: &mut Self::Connection,
    ) -> impl Future<Output = sqlx::Result<bool>> + Send {
        std::future::ready(Ok(true))
    }

    fn meaning(error: &dyn sqlx::error::DatabaseError) -> Meaning;

    /// Returns the maximum size in bytes of a message to the server. `None` means that the client
    /// can read the error of a longer message before the server closes the connection.
    fn longest_message(
        _connection: &mut Self::Connection,
    ) -> impl Future<Output = sqlx::Result<Option<u64>>> + Send {
        std::future::ready(Ok(None))
    }
}
