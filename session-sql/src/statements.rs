//! The SQL of each database, read from files, with the name of the table inserted.

use std::sync::Arc;

use session_core::{Error, ErrorKind};

/// The longest name of a table or a schema. The names of indexes must fit into every database.
const LONGEST_NAME: usize = 48;

/// The number of keys in the statement `load_many`.
pub(crate) const KEYS_PER_STATEMENT: usize = 64;

/// The SQL of one database.
///
/// `{table}` stands for the quoted table with its schema, if any. `{name}` stands for the name of
/// the table without quotes. `{schema}` stands for the quoted schema and a dot, or for nothing.
/// `{keys}` stands for the parameters of several keys.
pub(crate) struct Scripts {
    pub(crate) schema: &'static str,
    pub(crate) version: &'static str,
    pub(crate) create: &'static str,
    pub(crate) load: &'static str,
    pub(crate) load_many: &'static str,
    pub(crate) replace: &'static str,
    pub(crate) touch: &'static str,
    pub(crate) remove: &'static str,
    pub(crate) keys_of: &'static str,
    pub(crate) sweep: &'static str,
    pub(crate) scan: &'static str,
    pub(crate) count: &'static str,
    /// The batch forms of `load`, `replace` and `remove`, if the database has such forms.
    pub(crate) load_batch: Option<&'static str>,
    pub(crate) replace_batch: Option<&'static str>,
    pub(crate) remove_batch: Option<&'static str>,
    /// The name of the parameter with a number, counted from 1.
    pub(crate) parameter: fn(usize) -> String,
    /// The character around the name of a table.
    pub(crate) quote: char,
}

/// The statements for one table.
#[derive(Debug)]
pub(crate) struct Statements {
    pub(crate) schema: Arc<str>,
    /// Reads the newest version of the table, and the oldest version that the table is compatible
    /// with.
    pub(crate) version: Statement,
    pub(crate) create: Statement,
    pub(crate) load: Statement,
    /// Loads the records of [`KEYS_PER_STATEMENT`] keys. Each row begins with the key.
    pub(crate) load_many: Statement,
    pub(crate) replace: Statement,
    pub(crate) touch: Statement,
    pub(crate) remove: Statement,
    pub(crate) keys_of: Statement,
    pub(crate) sweep: Statement,
    pub(crate) scan: Statement,
    pub(crate) count: Statement,
}

/// A statement, and the columns of the rows that it returns. A statement that writes returns no
/// columns.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) sql: Arc<str>,
    pub(crate) columns: &'static [Column],
    /// The form for several calls.
    pub(crate) batch: Option<Batch>,
}

/// The form of a statement for several calls.
///
/// On PostgreSQL, each parameter is an array with the values of all calls. On MySQL, a load has one
/// parameter for each key. A write on MySQL is the statement of one call, and a transaction runs
/// the statement for each call. Each row begins with the identifier of the call that it belongs to.
#[cfg_attr(
    not(any(feature = "mysql", feature = "postgres")),
    allow(dead_code, reason = "SQLite has no batches")
)]
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) sql: Arc<str>,
    pub(crate) identifier: Identifier,
}

/// The first column of a batch's rows.
#[cfg_attr(
    not(any(feature = "mysql", feature = "postgres")),
    allow(dead_code, reason = "SQLite has no batches")
)]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Identifier {
    /// The key, which is the first value of the call. Calls with the same key have the same result.
    Key,
    /// The number of the call in the batch, counted from 1. If several calls change the same row,
    /// only one call has a result.
    Number,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    Integer,
    Bytes,
}

/// The name of a table, which is inserted into SQL unchanged.
#[derive(Clone, Debug)]
pub(crate) struct TableName {
    full: String,
    /// The position of the name without the schema.
    start: usize,
}

impl TableName {
    /// Checks a name: `sessions`, or `auth.sessions` for a table in a schema.
    pub(crate) fn new(full: &str) -> Result<Self, Error> {
        let (schema, name) = full.split_once('.').unwrap_or(("_", full));
        if is_word(schema) && is_word(name) {
            return Ok(Self { full: full.to_owned(), start: full.len() - name.len() });
        }
        let message = format!(
            "table name of the SQL session store is invalid; use 1 to {LONGEST_NAME} ASCII letters, \
             digits and underscores, not starting with a digit, and the same before a dot for the \
             schema"
        );
        Err(Error::new(ErrorKind::Configuration, message))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.full
    }

    /// Inserts the name into SQL.
    fn insert_into(&self, script: &str, quote: char) -> String {
        let (schema, name) = self.full.split_at(self.start);
        let schema = match schema.strip_suffix('.') {
            Some(schema) => format!("{quote}{schema}{quote}."),
            None => String::new(),
        };
        script
            .replace("{table}", &format!("{schema}{quote}{name}{quote}"))
            .replace("{schema}", &schema)
            .replace("{name}", name)
    }
}

fn is_word(name: &str) -> bool {
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    starts_well && is_word && name.len() <= LONGEST_NAME
}

impl Statements {
    pub(crate) fn new(scripts: &Scripts, table: &TableName) -> Self {
        const KEYED_RECORD: &[Column] = &[
            Column::Bytes,
            Column::Integer,
            Column::Bytes,
            Column::Integer,
            Column::Integer,
            Column::Bytes,
        ];
        const RECORD: &[Column] = KEYED_RECORD.split_at(1).1;
        let text = |script: &str| Arc::from(table.insert_into(script, scripts.quote));
        let statement = |script: &str, columns| Statement {
            sql: text(script.trim_end()),
            columns,
            batch: None,
        };
        let keys: Vec<_> = (1..=KEYS_PER_STATEMENT).map(scripts.parameter).collect();
        let with_keys = |script: &str| script.trim_end().replace("{keys}", &keys.join(", "));
        let batch = |script: Option<&str>, identifier| {
            script.map(|script| Batch { sql: text(&with_keys(script)), identifier })
        };
        Self {
            schema: text(scripts.schema),
            version: statement(scripts.version, &[Column::Integer, Column::Integer]),
            create: statement(scripts.create, &[]),
            load: Statement {
                batch: batch(scripts.load_batch, Identifier::Key),
                ..statement(scripts.load, RECORD)
            },
            load_many: statement(&with_keys(scripts.load_many), KEYED_RECORD),
            replace: Statement {
                batch: batch(scripts.replace_batch, Identifier::Number),
                ..statement(scripts.replace, &[])
            },
            touch: statement(scripts.touch, &[]),
            remove: Statement {
                batch: batch(scripts.remove_batch, Identifier::Number),
                ..statement(scripts.remove, &[])
            },
            keys_of: statement(scripts.keys_of, &[Column::Bytes]),
            sweep: statement(scripts.sweep, &[]),
            scan: statement(scripts.scan, &[Column::Bytes]),
            count: statement(scripts.count, &[Column::Integer]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_name_must_be_word() {
        let longest = "a".repeat(LONGEST_NAME);
        let with_schema = format!("{longest}.{longest}");
        for good in ["sessions", "_s", "Shop_2_sessions", "auth.sessions", &longest, &with_schema] {
            assert_eq!(TableName::new(good).unwrap().as_str(), good);
        }
        let long = "a".repeat(LONGEST_NAME + 1);
        for bad in [
            "",
            "2s",
            "a b",
            ".b",
            "a.",
            "a.b.c",
            "a.2b",
            "2a.b",
            "a.b c",
            "a-b",
            "a\"",
            "a`; DROP TABLE b",
            "sitzüngen",
            "a\0",
            "{table}",
            &long,
        ] {
            assert_eq!(TableName::new(bad).unwrap_err().kind(), ErrorKind::Configuration, "{bad}");
        }
    }

    #[test]
    fn schema_is_quoted_before_table_and_not_in_index_names() {
        let sql = r#"INDEX {schema}"{name}_owner" ON {table}"#;
        let insert = |name| TableName::new(name).unwrap().insert_into(sql, '"');
        assert_eq!(insert("sessions"), r#"INDEX "sessions_owner" ON "sessions""#);
        assert_eq!(
            insert("auth.sessions"),
            r#"INDEX "auth"."sessions_owner" ON "auth"."sessions""#
        );
    }
}
