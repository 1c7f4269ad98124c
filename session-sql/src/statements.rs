//! The SQL of each database, read from its files, with the table's name put in.

use std::sync::Arc;

use session_core::{Error, ErrorKind};

/// The longest name of a table, so that those of its indexes fit into every database.
const LONGEST_NAME: usize = 48;

/// The texts of one database, each with `{table}` for the table's name.
pub(crate) struct Scripts {
    pub(crate) schema: &'static str,
    pub(crate) create: &'static str,
    pub(crate) load: &'static str,
    pub(crate) replace: &'static str,
    pub(crate) touch: &'static str,
    pub(crate) remove: &'static str,
    pub(crate) keys_of: &'static str,
    pub(crate) sweep: &'static str,
    /// `load` and `replace` for several calls at once, where the database has such a form.
    pub(crate) load_several: Option<&'static str>,
    pub(crate) replace_several: Option<&'static str>,
}

/// The statements for one table.
#[derive(Debug)]
pub(crate) struct Statements {
    pub(crate) schema: Arc<str>,
    pub(crate) create: Statement,
    pub(crate) load: Statement,
    pub(crate) replace: Statement,
    pub(crate) touch: Statement,
    pub(crate) remove: Statement,
    pub(crate) keys_of: Statement,
    pub(crate) sweep: Statement,
}

/// A statement, and the columns of the rows that it gives: none if it writes.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) sql: Arc<str>,
    pub(crate) columns: &'static [Column],
    /// The same for several calls at once.
    pub(crate) several: Option<Several>,
}

/// The form of a statement for several calls. In the place of each value it takes an array with the values of all calls; each row
/// begins with the first value of the call that it answers.
#[derive(Clone, Debug)]
pub(crate) struct Several {
    pub(crate) sql: Arc<str>,
    /// What the column is that rows begin with.
    pub(crate) answers: Column,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    Integer,
    Bytes,
}

/// The name of a table, which goes into SQL as it is.
#[derive(Clone, Debug)]
pub(crate) struct TableName(String);

impl TableName {
    pub(crate) fn new(name: &str) -> Result<Self, Error> {
        let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if starts_well && is_word && name.len() <= LONGEST_NAME {
            return Ok(Self(name.to_owned()));
        }
        let message = format!(
            "the name of the table for sessions must be 1 to {LONGEST_NAME} ASCII letters, digits and underscores, with no \
             digit in front"
        );
        Err(Error::new(ErrorKind::Configuration, message))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Statements {
    pub(crate) fn new(scripts: &Scripts, table: &TableName) -> Self {
        const RECORD: &[Column] = &[Column::Integer, Column::Bytes, Column::Integer, Column::Integer, Column::Bytes];
        let text = |script: &str| Arc::from(script.replace("{table}", table.as_str()));
        let statement = |script: &str, columns| Statement { sql: text(script.trim_end()), columns, several: None };
        let several =
            |script: Option<&str>, answers| script.map(|script| Several { sql: text(script.trim_end()), answers });
        Self {
            schema: text(scripts.schema),
            create: statement(scripts.create, &[]),
            load: Statement {
                several: several(scripts.load_several, Column::Bytes),
                ..statement(scripts.load, RECORD)
            },
            replace: Statement {
                several: several(scripts.replace_several, Column::Integer),
                ..statement(scripts.replace, &[])
            },
            touch: statement(scripts.touch, &[]),
            remove: statement(scripts.remove, &[]),
            keys_of: statement(scripts.keys_of, &[Column::Bytes]),
            sweep: statement(scripts.sweep, &[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_words_are_names_of_tables() {
        for good in ["sessions", "_s", "Shop_2_sessions", &"a".repeat(LONGEST_NAME)] {
            assert_eq!(TableName::new(good).unwrap().as_str(), good);
        }
        let long = "a".repeat(LONGEST_NAME + 1);
        for bad in ["", "2s", "a b", "a.b", "a-b", "a\"", "a`; DROP TABLE b", "sitzüngen", "a\0", "{table}", &long] {
            assert_eq!(TableName::new(bad).unwrap_err().kind(), ErrorKind::Configuration, "{bad}");
        }
    }
}
