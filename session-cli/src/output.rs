//! Printing rows as text or JSON.

use std::io::Write as _;
use std::time::SystemTime;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::failure::Failure;

/// The fields of one item, in the order of printing.
#[derive(Debug, Default)]
pub(crate) struct Row(Vec<(&'static str, Value)>);

impl Row {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn value(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    pub(crate) fn text(self, name: &'static str, text: impl Into<String>) -> Self {
        self.value(name, text.into())
    }

    /// Adds a time in UTC, if there is one.
    pub(crate) fn time(self, name: &'static str, time: Option<SystemTime>) -> Self {
        let time = time.and_then(|time| Timestamp::try_from(time).ok());
        let time = time.and_then(|time| time.round(jiff::Unit::Second).ok());
        match time {
            Some(time) => self.text(name, time.to_string()),
            None => self,
        }
    }

    fn into_object(self) -> Value {
        let fields = self.0.into_iter().map(|(name, value)| (name.to_owned(), value));
        Value::Object(fields.collect::<Map<_, _>>())
    }
}

/// Prints one line of text.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{text}").map_err(Failure::output)
}

fn text(text: &str) -> Result<(), Failure> {
    write!(std::io::stdout(), "{text}").map_err(Failure::output)
}

/// Prints an item as JSON.
pub(crate) fn object(row: Row) -> Result<(), Failure> {
    line(&row.into_object().to_string())
}

/// Prints an item with one line per field, or as JSON.
pub(crate) fn item(row: Row, json: bool) -> Result<(), Failure> {
    if json {
        return object(row);
    }
    let width = row.0.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in row.0 {
        line(&format!("{:width$}  {}", name.replace('_', " "), shown(&value)))?;
    }
    Ok(())
}

/// A table that is printed row by row, or an array in JSON.
pub(crate) struct Table {
    columns: Vec<(&'static str, usize)>,
    json: bool,
    has_rows: bool,
}

impl Table {
    /// Starts a table with these columns and their minimum widths.
    pub(crate) fn start(columns: &[(&'static str, usize)], json: bool) -> Result<Self, Failure> {
        let table = Self { columns: columns.to_vec(), json, has_rows: false };
        if !json {
            table.print(|column| column.replace('_', " "))?;
        }
        Ok(table)
    }

    pub(crate) fn add(&mut self, row: Row) -> Result<(), Failure> {
        if self.json {
            let start = if self.has_rows { ",\n" } else { "[" };
            text(&format!("{start}{}", row.into_object()))?;
        } else {
            self.print(|column| {
                let field = row.0.iter().find(|(name, _)| *name == column);
                field.map_or_else(|| "-".to_owned(), |(_, value)| shown(value))
            })?;
        }
        self.has_rows = true;
        Ok(())
    }

    /// Ends the table, and returns whether the table has rows.
    pub(crate) fn end(self) -> Result<bool, Failure> {
        match (self.json, self.has_rows) {
            (true, true) => line("]")?,
            (true, false) => line("[]")?,
            (false, _) => {}
        }
        Ok(self.has_rows)
    }

    fn print(&self, cell: impl Fn(&str) -> String) -> Result<(), Failure> {
        let cells = self.columns.iter().map(|(name, width)| format!("{:width$}", cell(name)));
        line(cells.collect::<Vec<_>>().join("  ").trim_end())
    }
}

/// Returns a value as text without control characters, which could change the terminal.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if !text.chars().any(char::is_control) => text.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        value => value.to_string(),
    }
}
