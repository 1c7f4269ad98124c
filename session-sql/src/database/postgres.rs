//! PostgreSQL.

use std::fmt::Write as _;

use session_core::store::Credentials;
use sqlx::error::DatabaseError;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, Postgres};

use super::driver::Driver;
use super::failure::Meaning;
use super::query::{self, OwnedValue, QueryResult, Value};
use crate::statements::{Batch, Scripts, Statement};

impl Driver for Postgres {
    const LABEL: &'static str = "postgres";
    const SYSTEM: &'static str = "postgresql";
    const SCRIPTS: Scripts = Scripts {
        schema: include_str!("../../sql/postgres/schema.sql"),
        version: include_str!("../../sql/postgres/version.sql"),
        create: include_str!("../../sql/postgres/create.sql"),
        load: include_str!("../../sql/postgres/load.sql"),
        load_many: include_str!("../../sql/postgres/load_many.sql"),
        replace: include_str!("../../sql/postgres/replace.sql"),
        touch: include_str!("../../sql/postgres/touch.sql"),
        remove: include_str!("../../sql/postgres/remove.sql"),
        keys_of: include_str!("../../sql/postgres/keys_of.sql"),
        sweep: include_str!("../../sql/postgres/sweep.sql"),
        scan: include_str!("../../sql/postgres/scan.sql"),
        count: include_str!("../../sql/postgres/count.sql"),
        load_batch: Some(include_str!("../../sql/postgres/load_batch.sql")),
        replace_batch: Some(include_str!("../../sql/postgres/replace_batch.sql")),
        remove_batch: Some(include_str!("../../sql/postgres/remove_batch.sql")),
        parameter: |number| format!("${number}"),
        quote: '"',
    };
    const EMBEDDED: bool = false;

    /// Runs a statement. Without `prepared`, sqlx sends one text that contains the values. With
    /// `prepared`, sqlx prepares and runs the statement in two steps, and a pooler may change the
    /// server connection between the steps.
    async fn run<'c>(
        connection: &'c mut PgConnection,
        statement: &'c Statement,
        values: &'c [Value<'c>],
        prepared: bool,
    ) -> sqlx::Result<QueryResult> {
        if !prepared {
            return run_as_text(connection, statement, values).await;
        }
        let query = sqlx::query(AssertSqlSafe(statement.sql.clone()));
        let query = query::bind(query, values);
        if statement.columns.is_empty() {
            let changed = query.execute(connection).await?.rows_affected();
            return Ok(QueryResult { changed, rows: Vec::new() });
        }
        let rows = query.fetch_all(connection).await?;
        Ok(QueryResult { changed: 0, rows: query::read(&rows, 0, statement.columns) })
    }

    /// Sends the values at each position of the calls as one array.
    async fn run_batch<'c>(
        connection: &'c mut PgConnection,
        statement: &'c Statement,
        batch: &'c Batch,
        calls: &'c [Vec<OwnedValue>],
    ) -> sqlx::Result<Vec<QueryResult>> {
        let mut query = sqlx::query(AssertSqlSafe(batch.sql.clone()));
        for position in 0..calls.first().map_or(0, Vec::len) {
            let values = || calls.iter().map(|call| &call[position]);
            query = match values().map(OwnedValue::integer).collect::<Option<Vec<_>>>() {
                Some(integers) => query.bind(integers),
                None => query.bind(values().map(OwnedValue::bytes).collect::<Vec<_>>()),
            };
        }
        let rows = query.fetch_all(connection).await?;
        query::separate(&rows, statement, batch, calls)
    }

    /// Sends one message, which is one transaction.
    async fn run_script(
        connection: &mut PgConnection,
        script: AssertSqlSafe<String>,
    ) -> sqlx::Result<()> {
        sqlx::raw_sql(script).execute(connection).await.map(drop)
    }

    /// Returns `false` if the address has `statement-cache-capacity=0`.
    fn keeps_statements(options: &PgConnectOptions) -> bool {
        let url = options.to_url_lossy();
        !url.query_pairs().any(|(name, value)| name == "statement-cache-capacity" && value == "0")
    }

    fn with_credentials(options: &PgConnectOptions, credentials: &Credentials) -> PgConnectOptions {
        let options = options.clone().password(credentials.password());
        match credentials.username() {
            Some(username) => options.username(username),
            None => options,
        }
    }

    fn is_refusal(error: &dyn DatabaseError) -> bool {
        // A wrong password, or a role that does not exist or may not log in.
        error.code().is_some_and(|code| code.starts_with("28"))
            || error.message().contains("authentication failed")
    }

    /// Interprets the [SQLSTATE](https://www.postgresql.org/docs/current/errcodes-appendix.html).
    fn meaning(error: &dyn DatabaseError) -> Meaning {
        let code = error.code().unwrap_or_default();
        match (&*code, code.get(..2)) {
            ("25006", _) => Meaning::ReadOnly,
            ("42P01" | "42703", _) => Meaning::Missing,
            ("42501", _) => Meaning::Denied,
            ("54000", _) => Meaning::TooLarge,
            // PgBouncer uses one code for all its errors.
            ("08P01", _) if error.message().contains("authentication failed") => Meaning::Other,
            // A deadlock, or a serialization failure.
            ("40P01" | "40001", _) => Meaning::RolledBack,
            // A lock that is not available, a lost connection, missing resources or a shutdown by
            // an operator.
            ("55P03", _) | (_, Some("08" | "40" | "53" | "57")) => Meaning::Outage,
            (_, Some("22" | "23")) => Meaning::Quoting,
            _ => Meaning::Other,
        }
    }
}

async fn run_as_text(
    connection: &mut PgConnection,
    statement: &Statement,
    values: &[Value<'_>],
) -> sqlx::Result<QueryResult> {
    let text = sqlx::raw_sql(AssertSqlSafe(written_out(&statement.sql, values)));
    if statement.columns.is_empty() {
        let changed = text.execute(connection).await?.rows_affected();
        return Ok(QueryResult { changed, rows: Vec::new() });
    }
    let rows = text.fetch_all(connection).await?;
    Ok(QueryResult { changed: 0, rows: query::read(&rows, 0, statement.columns) })
}

/// Replaces `$1`, `$2` and so on with the values. The values are numbers and hexadecimal digits, so
/// they cannot be interpreted as SQL.
fn written_out(sql: &str, values: &[Value<'_>]) -> String {
    let mut pieces = sql.split('$');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find(|next: char| !next.is_ascii_digit()).unwrap_or(piece.len());
        let number = piece[..end].parse::<usize>().ok();
        if let Some(value) = number.and_then(|number| values.get(number.wrapping_sub(1))) {
            write_value(&mut text, *value);
        }
        text.push_str(&piece[end..]);
    }
    text
}

fn write_value(text: &mut String, value: Value<'_>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    match value {
        Value::Integer(integer) => {
            // Writing to a string cannot fail.
            let _ = write!(text, "'{integer}'::bigint");
        }
        Value::Bytes(bytes) | Value::OptionalBytes(Some(bytes)) => {
            text.reserve(bytes.len() * 2 + 18);
            text.push_str("decode('");
            for byte in bytes {
                text.push(char::from(DIGITS[usize::from(byte >> 4)]));
                text.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
            text.push_str("', 'hex')");
        }
        Value::OptionalBytes(None) => text.push_str("NULL::bytea"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_numbers_and_hexadecimal_digits() {
        let values = [
            Value::Integer(i64::MIN),
            Value::Bytes(b"';--\0"),
            Value::OptionalBytes(None),
            Value::Bytes(b""),
        ];
        assert_eq!(
            written_out("UPDATE t SET a = $1, b = $2 WHERE c = $3 AND d = $4", &values),
            "UPDATE t SET a = '-9223372036854775808'::bigint, b = decode('273b2d2d00', 'hex') WHERE c = NULL::bytea AND d = \
             decode('', 'hex')"
        );
    }
}
