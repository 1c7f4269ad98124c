//! Flash messages in Flask's format: a list of pairs of category and message.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::{Markup, ValueError};
use crate::error::{Error, ErrorKind};
use crate::scan::{Malformed, Scanner};

/// The key under which Flask stores its messages.
pub(crate) const KEY: &str = "_flashes";
/// The category of a message that was flashed without a category.
pub(crate) const DEFAULT_CATEGORY: &str = "message";

/// A message for the next page that the user sees.
#[derive(Clone, Debug, PartialEq)]
pub struct Flash {
    category: String,
    /// The stored category, if it is not text.
    other_category: Option<Value>,
    message: Value,
    is_markup: bool,
}

impl Flash {
    /// Returns the category, which is `message` by default. Flask allows categories of any type. A
    /// category that is not text is returned as JSON, such as `3` or `null`.
    pub fn category(&self) -> &str {
        &self.category
    }

    /// Returns the message as text. A message that is neither text nor [`Markup`] is returned as
    /// JSON. Escape the text for HTML unless the message [`is_markup`](Self::is_markup).
    pub fn text(&self) -> String {
        match &self.message {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// Returns whether the message was flashed as [`Markup`], that is, as HTML that needs no
    /// escaping.
    pub fn is_markup(&self) -> bool {
        self.is_markup
    }
}

/// Appends a message to the stored list, and returns the new list.
pub(crate) fn append(list: Option<&str>, entry: &str) -> Result<String, Error> {
    let Some(list) = list else { return Ok(format!("[{entry}]")) };
    let inside =
        list.strip_prefix('[').and_then(|list| list.strip_suffix(']')).ok_or_else(not_a_list)?;
    Ok(if inside.trim().is_empty() { format!("[{entry}]") } else { format!("[{inside},{entry}]") })
}

/// Removes taken messages from the stored list. Returns `None` if no message remains. The other
/// messages keep their text. Entries that are not messages are also removed.
pub(crate) fn without(list: Option<&str>, taken: &[Flash]) -> Result<Option<String>, Error> {
    let Some(list) = list else { return Ok(None) };
    let mut taken: Vec<_> = taken.iter().collect();
    let mut left = Vec::new();
    for (entry, flash) in parse(list)? {
        match taken.iter().position(|other| **other == flash) {
            Some(index) => drop(taken.swap_remove(index)),
            None => left.push(entry),
        }
    }
    Ok((!left.is_empty()).then(|| format!("[{}]", left.join(","))))
}

/// Returns the messages of a stored list with their text. Entries that are not pairs of a category
/// and a message are omitted.
pub(crate) fn parse(list: &str) -> Result<Vec<(&str, Flash)>, Error> {
    let mut messages = Vec::new();
    for entry in entries(list).map_err(|Malformed| not_a_list())? {
        let Ok((category, message)) = super::decode::<(Value, Value)>(entry) else { continue };
        let (category, other_category) = match category {
            Value::String(text) => (text, None),
            other => (other.to_string(), Some(other)),
        };
        let is_markup = super::decode::<(IgnoredAny, Markup)>(entry).is_ok();
        messages.push((entry, Flash { category, other_category, message, is_markup }));
    }
    Ok(messages)
}

/// Splits the text of a list.
fn entries(list: &str) -> Result<Vec<&str>, Malformed> {
    let mut scanner = Scanner::new(list);
    let mut entries = Vec::new();
    scanner.expect(b'[')?;
    scanner.skip_whitespace();
    while scanner.expect(b']').is_err() {
        if !entries.is_empty() {
            scanner.expect(b',')?;
            scanner.skip_whitespace();
        }
        let start = scanner.position();
        scanner.skip_value()?;
        entries.push(&list[start..scanner.position()]);
        scanner.skip_whitespace();
    }
    Ok(entries)
}

fn not_a_list() -> Error {
    Error::new(ErrorKind::Value, "stored flash messages are not a list")
}

pub(crate) fn not_a_flash(error: ValueError) -> Error {
    Error::new(ErrorKind::Value, "flash message cannot be written as JSON").with_source(error)
}
