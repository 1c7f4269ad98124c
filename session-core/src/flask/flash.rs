//! Flash messages in Flask's format: a list of pairs of category and message.

use serde_json::Value;

use super::{Markup, Tuple, ValueError};
use crate::error::{Error, ErrorKind};

/// The key under which Flask stores its messages.
pub(crate) const KEY: &str = "_flashes";
/// The category of a message flashed without one.
pub(crate) const DEFAULT_CATEGORY: &str = "message";

/// A message for the next page that the user sees.
#[derive(Clone, Debug, PartialEq)]
pub struct Flash {
    category: String,
    message: Value,
}

impl Flash {
    /// Returns the category, which is `message` by default.
    pub fn category(&self) -> &str {
        &self.category
    }

    /// Returns the message as text. A message that is neither text nor [`Markup`] is returned as
    /// JSON. Escape the text for HTML unless the message [`is_markup`](Self::is_markup).
    pub fn text(&self) -> String {
        match (&self.message, self.markup()) {
            (_, Some(markup)) => markup.into_string(),
            (Value::String(text), None) => text.clone(),
            // `Value::to_string` would show the marker of this process, which clients must not
            // know.
            (other, None) => super::encode(other).unwrap_or_default(),
        }
    }

    /// Returns whether the message was flashed as [`Markup`], that is, as HTML that needs no
    /// escaping.
    pub fn is_markup(&self) -> bool {
        self.markup().is_some()
    }

    fn markup(&self) -> Option<Markup> {
        if self.message.is_object() {
            serde_json::from_value(self.message.clone()).ok()
        } else {
            None
        }
    }
}

/// Appends a message to the stored list, and returns the new list.
pub(crate) fn append(list: Option<&str>, entry: &str) -> Result<String, Error> {
    let Some(list) = list else { return Ok(format!("[{entry}]")) };
    let inside =
        list.strip_prefix('[').and_then(|list| list.strip_suffix(']')).ok_or_else(not_a_list)?;
    Ok(if inside.trim().is_empty() { format!("[{entry}]") } else { format!("[{inside},{entry}]") })
}

/// Removes messages that were taken from the stored list. Returns `None` if the list is then empty.
/// Entries that are not messages are also removed.
pub(crate) fn without(list: Option<&str>, taken: &[Flash]) -> Result<Option<String>, Error> {
    let Some(list) = list else { return Ok(None) };
    let mut taken: Vec<_> = taken.iter().collect();
    let mut left = Vec::new();
    for flash in parse(list)?.into_iter().filter_map(Result::ok) {
        match taken.iter().position(|other| **other == flash) {
            Some(index) => drop(taken.swap_remove(index)),
            None => left.push(Tuple::new((flash.category, flash.message))),
        }
    }
    if left.is_empty() { Ok(None) } else { super::encode(&left).map(Some).map_err(not_a_flash) }
}

/// Parses a stored list. An entry that is not one of Flask's pairs becomes an `Err`.
pub(crate) fn parse(list: &str) -> Result<Vec<Result<Flash, Value>>, Error> {
    let entries: Vec<Value> =
        super::decode(list).map_err(|error| not_a_list().with_source(error))?;
    let flash = |entry: Value| match serde_json::from_value::<(String, Value)>(entry.clone()) {
        Ok((category, message)) => Ok(Flash { category, message }),
        Err(_) => Err(entry),
    };
    Ok(entries.into_iter().map(flash).collect())
}

fn not_a_list() -> Error {
    Error::new(ErrorKind::Value, "stored flash messages are not a list")
}

pub(crate) fn not_a_flash(error: ValueError) -> Error {
    Error::new(ErrorKind::Value, "flash message cannot be written as JSON").with_source(error)
}
