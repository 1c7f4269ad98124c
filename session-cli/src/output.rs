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

    /// Adds a time in UTC, or nothing.
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

/// Prints items as a table with these columns, or as an array in JSON.
pub(crate) fn table(columns: &[&'static str], rows: Vec<Row>, json: bool) -> Result<(), Failure> {
    if json {
        return line(&Value::Array(rows.into_iter().map(Row::into_object).collect()).to_string());
    }
    let mut lines = vec![columns.iter().map(|name| name.replace('_', " ")).collect::<Vec<_>>()];
    for Row(fields) in &rows {
        let cell = |column: &&str| {
            let field = fields.iter().find(|(name, _)| name == column);
            field.map_or_else(|| "-".to_owned(), |(_, value)| shown(value))
        };
        lines.push(columns.iter().map(cell).collect());
    }
    let widths: Vec<_> = (0..columns.len())
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    for cells in lines {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        line(cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// Returns a value as text without control characters, which could change the terminal.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if !text.chars().any(char::is_control) => text.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        value => value.to_string(),
    }
}
