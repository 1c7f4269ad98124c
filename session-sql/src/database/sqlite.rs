//! SQLite.

use sqlx::error::DatabaseError;
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection};

use super::driver::Driver;
use super::failure::Meaning;
use super::query::{self, QueryResult, Value};
use crate::statements::{Scripts, Statement};

impl Driver for Sqlite {
    const LABEL: &'static str = "sqlite";
    const SCRIPTS: Scripts = Scripts {
        schema: include_str!("../../sql/sqlite/schema.sql"),
        version: include_str!("../../sql/sqlite/version.sql"),
        create: include_str!("../../sql/sqlite/create.sql"),
        load: include_str!("../../sql/sqlite/load.sql"),
        load_many: include_str!("../../sql/sqlite/load_many.sql"),
        replace: include_str!("../../sql/sqlite/replace.sql"),
        touch: include_str!("../../sql/sqlite/touch.sql"),
        remove: include_str!("../../sql/sqlite/remove.sql"),
        keys_of: include_str!("../../sql/sqlite/keys_of.sql"),
        sweep: include_str!("../../sql/sqlite/sweep.sql"),
        scan: include_str!("../../sql/sqlite/scan.sql"),
        count: include_str!("../../sql/sqlite/count.sql"),
        load_batch: None,
        replace_batch: None,
        remove_batch: None,
        parameter: |_| "?".to_owned(),
        quote: '"',
    };
    const EMBEDDED: bool = true;

    async fn run<'c>(
        connection: &'c mut SqliteConnection,
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

    async fn run_script(
        connection: &mut SqliteConnection,
        script: AssertSqlSafe<String>,
    ) -> sqlx::Result<()> {
        sqlx::raw_sql(script).execute(connection).await.map(drop)
    }

    async fn empty_log(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
        let timeout: i64 =
            sqlx::query_scalar("PRAGMA busy_timeout").fetch_one(&mut *connection).await?;
        // While the log is emptied, no other connection can write.
        sqlx::raw_sql("PRAGMA busy_timeout = 500").execute(&mut *connection).await?;
        let emptied: sqlx::Result<(i64, i64, i64)> =
            sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await;
        let restore = format!("PRAGMA busy_timeout = {timeout}");
        sqlx::raw_sql(AssertSqlSafe(restore)).execute(connection).await?;
        emptied.map(|(is_busy, ..)| is_busy == 0)
    }

    /// Interprets the [result code](https://www.sqlite.org/rescode.html). The low byte of the
    /// result code is the primary code.
    fn meaning(error: &dyn DatabaseError) -> Meaning {
        let code = error.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or_default();
        match code & 0xff {
            // Busy, locked, out of memory, interrupted, I/O error, disk full, cannot open the file.
            5 | 6 | 7 | 9 | 10 | 13 | 14 => Meaning::Outage,
            8 => Meaning::ReadOnly,
            18 => Meaning::TooLarge,
            19 | 20 => Meaning::Quoting,
            _ if is_missing(error.message()) => Meaning::Missing,
            _ => Meaning::Other,
        }
    }
}

fn is_missing(message: &str) -> bool {
    ["no such table", "no such column"].iter().any(|start| message.starts_with(start))
        || message.contains(" has no column named ")
}
