//! MySQL and MariaDB.

use session_core::store::Credentials;
use sqlx::error::DatabaseError;
use sqlx::mysql::{MySqlConnectOptions, MySqlDatabaseError};
use sqlx::{AssertSqlSafe, MySql, MySqlConnection};

use super::driver::Driver;
use super::failure::{self, Meaning};
use super::query::{self, OwnedValue, QueryResult, Value};
use crate::statements::{Batch, Identifier, KEYS_PER_STATEMENT, Scripts, Statement};

impl Driver for MySql {
    const LABEL: &'static str = "mysql";
    const SCRIPTS: Scripts = Scripts {
        schema: include_str!("../../sql/mysql/schema.sql"),
        version: include_str!("../../sql/mysql/version.sql"),
        create: include_str!("../../sql/mysql/create.sql"),
        load: include_str!("../../sql/mysql/load.sql"),
        load_many: include_str!("../../sql/mysql/load_many.sql"),
        replace: include_str!("../../sql/mysql/replace.sql"),
        touch: include_str!("../../sql/mysql/touch.sql"),
        remove: include_str!("../../sql/mysql/remove.sql"),
        keys_of: include_str!("../../sql/mysql/keys_of.sql"),
        sweep: include_str!("../../sql/mysql/sweep.sql"),
        scan: include_str!("../../sql/mysql/scan.sql"),
        count: include_str!("../../sql/mysql/count.sql"),
        load_batch: Some(include_str!("../../sql/mysql/load_many.sql")),
        // An `UPDATE` does not return the changed rows. Therefore a transaction runs the statement
        // of a single call once for each call.
        replace_batch: Some(include_str!("../../sql/mysql/replace.sql")),
        remove_batch: Some(include_str!("../../sql/mysql/remove.sql")),
        parameter: |_| "?".to_owned(),
        quote: '`',
    };
    const EMBEDDED: bool = false;
    // The default level also locks the gaps between keys. With the default level, more calls would
    // wait for each other, and more calls would deadlock.
    const GREETING: Option<&'static str> =
        Some("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");

    async fn run<'c>(
        connection: &'c mut MySqlConnection,
        statement: &'c Statement,
        values: &'c [Value<'c>],
        prepared: bool,
    ) -> sqlx::Result<QueryResult> {
        let query = sqlx::query(AssertSqlSafe(statement.sql.clone())).persistent(prepared);
        let query = query::bind(query, values);
        if statement.columns.is_empty() {
            let changed = query.execute(connection).await?.rows_affected();
            return Ok(QueryResult { changed, rows: Vec::new() });
        }
        let rows = query.fetch_all(connection).await?;
        Ok(QueryResult { changed: 0, rows: query::read(&rows, 0, statement.columns) })
    }

    async fn run_batch<'c>(
        connection: &'c mut MySqlConnection,
        statement: &'c Statement,
        batch: &'c Batch,
        calls: &'c [Vec<OwnedValue>],
    ) -> sqlx::Result<Vec<QueryResult>> {
        match batch.identifier {
            Identifier::Key => load_together(connection, statement, batch, calls).await,
            Identifier::Number => write_together(connection, statement, calls).await,
        }
    }

    async fn run_script(
        connection: &mut MySqlConnection,
        script: AssertSqlSafe<String>,
    ) -> sqlx::Result<()> {
        sqlx::raw_sql(script).execute(connection).await.map(drop)
    }

    async fn longest_message(connection: &mut MySqlConnection) -> sqlx::Result<Option<u64>> {
        sqlx::query_scalar("SELECT @@max_allowed_packet").fetch_one(connection).await.map(Some)
    }

    fn with_credentials(
        options: &MySqlConnectOptions,
        credentials: &Credentials,
    ) -> MySqlConnectOptions {
        let options = options.clone().password(credentials.password());
        match credentials.username() {
            Some(username) => options.username(username),
            None => options,
        }
    }

    fn is_refusal(error: &dyn DatabaseError) -> bool {
        let number =
            error.try_downcast_ref::<MySqlDatabaseError>().map_or(0, MySqlDatabaseError::number);
        matches!(number, 1045 | 1698 | 1862)
    }

    /// Interprets the error number. MySQL and MariaDB agree on these numbers.
    fn meaning(error: &dyn DatabaseError) -> Meaning {
        let number =
            error.try_downcast_ref::<MySqlDatabaseError>().map_or(0, MySqlDatabaseError::number);
        match number {
            // Too many connections, of one user or of all users.
            1040 | 1203 | 1226
            // Disk, memory or a table is full.
            | 1021 | 1037 | 1038 | 1041 | 1114
            // Shutting down, killed, interrupted, idle for too long; the network failed.
            | 1053 | 1077 | 1079 | 1158..=1161 | 1317 | 1927 | 4031
            // A node of a cluster that is not ready.
            | 1047
            // The server's own time limits.
            | 1205 | 1969 | 3024 => Meaning::Outage,
            // A table, the server, the transaction, the server's mode or InnoDB is read-only.
            1036 | 1290 | 1792 | 1836 | 1874 => Meaning::ReadOnly,
            // A deadlock.
            1213 => Meaning::RolledBack,
            1146 | 1054 => Meaning::Missing,
            // No permission for the database, a table, a column or a privileged operation.
            1044 | 1142 | 1143 | 1227 => Meaning::Denied,
            1153 => Meaning::TooLarge,
            1062 | 1292 | 1366 | 1406 => Meaning::Quoting,
            _ => Meaning::Other,
        }
    }
}

/// Loads the records of all calls. The statement has a fixed number of keys, so the last key is
/// repeated.
async fn load_together(
    connection: &mut MySqlConnection,
    statement: &Statement,
    batch: &Batch,
    calls: &[Vec<OwnedValue>],
) -> sqlx::Result<Vec<QueryResult>> {
    let mut query = sqlx::query(AssertSqlSafe(batch.sql.clone()));
    let padded = calls.iter().chain(calls.last().into_iter().cycle());
    for call in padded.take(KEYS_PER_STATEMENT) {
        query = query.bind(call.first().and_then(OwnedValue::bytes));
    }
    let rows = query.fetch_all(connection).await?;
    query::separate(&rows, statement, batch, calls)
}

/// Runs the statement for each call in one transaction, which waits for the disk once.
///
/// If a statement fails, none of the writes is applied. The connection of a cancelled call is
/// closed, so the server rolls back the transaction.
async fn write_together(
    connection: &mut MySqlConnection,
    statement: &Statement,
    calls: &[Vec<OwnedValue>],
) -> sqlx::Result<Vec<QueryResult>> {
    let run = async |connection: &mut MySqlConnection, sql: &str| {
        MySql::run_script(connection, AssertSqlSafe(sql.to_owned())).await
    };
    if let [_] = calls {
        return write_each(connection, statement, calls).await;
    }
    run(connection, "START TRANSACTION").await?;
    match write_each(connection, statement, calls).await {
        Ok(results) => match run(connection, "COMMIT").await {
            // The writes may be applied, so they must not be repeated.
            Err(error) if is_unclear(&error) => Err(failure::copy(&error)),
            committed => committed.map(|()| results),
        },
        // If the rollback fails, the connection is closed, and the server rolls back the
        // transaction.
        Err(error) => run(connection, "ROLLBACK").await.and(Err(error)),
    }
}

/// Runs the writes in the order of their keys, so that two transactions rarely wait for each
/// other's rows.
async fn write_each(
    connection: &mut MySqlConnection,
    statement: &Statement,
    calls: &[Vec<OwnedValue>],
) -> sqlx::Result<Vec<QueryResult>> {
    // The last values are those of `WHERE key_hash = ? AND version = ?`.
    let key = |index: usize| calls[index].iter().rev().nth(1).and_then(OwnedValue::bytes);
    let mut order: Vec<usize> = (0..calls.len()).collect();
    order.sort_by(|one, other| key(*one).cmp(&key(*other)));
    let mut changed = vec![0; calls.len()];
    for index in order {
        let values: Vec<_> = calls[index].iter().map(OwnedValue::borrowed).collect();
        changed[index] = MySql::run(connection, statement, &values, true).await?.changed;
    }
    Ok(changed.into_iter().map(|changed| QueryResult { changed, rows: Vec::new() }).collect())
}

/// Returns whether a failed `COMMIT` looks like a rejected statement, although the writes may have
/// been applied.
fn is_unclear(error: &sqlx::Error) -> bool {
    failure::is_rejection(error, MySql::meaning) && !failure::is_rolled_back(error, MySql::meaning)
}
