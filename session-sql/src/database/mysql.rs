//! MySQL and MariaDB.

use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::{AssertSqlSafe, MySql, MySqlConnection};

use super::answer::{self, Answer, Value};
use super::failure::Meaning;
use super::pooled::Driver;
use crate::statements::{Scripts, Statement};

impl Driver for MySql {
    const LABEL: &'static str = "mysql";
    const SCRIPTS: Scripts = Scripts {
        schema: include_str!("../../sql/mysql/schema.sql"),
        create: include_str!("../../sql/mysql/create.sql"),
        load: include_str!("../../sql/mysql/load.sql"),
        replace: include_str!("../../sql/mysql/replace.sql"),
        touch: include_str!("../../sql/mysql/touch.sql"),
        remove: include_str!("../../sql/mysql/remove.sql"),
        keys_of: include_str!("../../sql/mysql/keys_of.sql"),
        sweep: include_str!("../../sql/mysql/sweep.sql"),
        load_several: None,
        replace_several: None,
    };
    const EMBEDDED: bool = false;
    // The default level locks the gaps between keys, too: more calls wait for each other, and more of them deadlock.
    const GREETING: Option<&'static str> = Some("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");

    async fn run<'c>(
        connection: &'c mut MySqlConnection,
        statement: &'c Statement,
        values: &'c [Value<'c>],
        prepared: bool,
    ) -> sqlx::Result<Answer> {
        let query = sqlx::query(AssertSqlSafe(statement.sql.clone())).persistent(prepared);
        let query = answer::bind(query, values);
        if statement.columns.is_empty() {
            let changed = query.execute(connection).await?.rows_affected();
            return Ok(Answer { changed, rows: Vec::new() });
        }
        let rows = query.fetch_all(connection).await?;
        Ok(Answer { changed: 0, rows: answer::read(&rows, 0, statement.columns) })
    }

    async fn run_script(connection: &mut MySqlConnection, script: AssertSqlSafe<String>) -> sqlx::Result<()> {
        sqlx::raw_sql(script).execute(connection).await.map(drop)
    }

    async fn longest_message(connection: &mut MySqlConnection) -> sqlx::Result<Option<u64>> {
        sqlx::query_scalar("SELECT @@max_allowed_packet").fetch_one(connection).await.map(Some)
    }

    /// By the numbers of MySQL and MariaDB, which agree on these.
    fn meaning(error: &dyn DatabaseError) -> Meaning {
        let number = error.try_downcast_ref::<MySqlDatabaseError>().map_or(0, MySqlDatabaseError::number);
        match number {
            // Too many connections, of one user or of all.
            1040 | 1203 | 1226
            // Disk, memory or a table is full.
            | 1021 | 1037 | 1038 | 1041 | 1114
            // Shutting down, killed, interrupted, idle for too long; the network failed.
            | 1053 | 1077 | 1079 | 1158..=1161 | 1317 | 1927 | 4031
            // A node of a cluster that is not ready.
            | 1047
            // The server's own time limits.
            | 1205 | 1969 | 3024 => Meaning::Outage,
            // A deadlock.
            1213 => Meaning::RolledBack,
            1146 => Meaning::NoTable,
            1153 => Meaning::TooLarge,
            1062 | 1292 | 1366 | 1406 => Meaning::Quoting,
            _ => Meaning::Other,
        }
    }
}
