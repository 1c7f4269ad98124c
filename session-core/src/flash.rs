//! Flash messages: said by one request, shown by the next, stored as Flask stores them.

use serde_json::Value;

use crate::changes::Change;
use crate::session::state::State;
use crate::tagged::{self, Markup, Tuple};
use crate::{Error, ErrorKind, Session};

/// The key that Flask keeps its messages under.
pub(crate) const KEY: &str = "_flashes";
/// The category of a message that was given none.
const DEFAULT_CATEGORY: &str = "message";

/// A message for the next page that the user sees.
///
/// ```
/// use session_core::Session;
///
/// let session = Session::new();
/// session.flash_with("error", "No such product")?;
/// let flashes = session.take_flashes()?;
/// assert_eq!((flashes[0].category(), &*flashes[0].text()), ("error", "No such product"));
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Flash {
    category: String,
    message: Value,
}

impl Flash {
    /// The category: `message` unless the flash gave another.
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::new();
    /// session.flash("Saved")?;
    /// assert_eq!(session.take_flashes()?[0].category(), "message");
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn category(&self) -> &str {
        &self.category
    }

    /// The message as text; one that is neither text nor [`Markup`] comes as its JSON. Escape it for HTML unless it
    /// [`is_markup`](Self::is_markup).
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::new();
    /// session.flash("Saved")?;
    /// assert_eq!(session.take_flashes()?[0].text(), "Saved");
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn text(&self) -> String {
        match (&self.message, self.markup()) {
            (_, Some(markup)) => markup.into_string(),
            (Value::String(text), None) => text.clone(),
            (other, None) => other.to_string(),
        }
    }

    /// Whether the message is HTML that needs no more escaping, as whoever flashed it declared.
    ///
    /// ```
    /// # use session_core::{Session, tagged::Markup};
    /// let session = Session::new();
    /// session.flash(Markup::from("<b>Saved</b>"))?;
    /// assert!(session.take_flashes()?[0].is_markup());
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn is_markup(&self) -> bool {
        self.markup().is_some()
    }

    fn markup(&self) -> Option<Markup> {
        if self.message.is_object() { serde_json::from_value(self.message.clone()).ok() } else { None }
    }
}

/// Flash messages.
impl Session {
    /// Leaves a message of category `message` for the next page.
    ///
    /// # Errors
    ///
    /// As [`insert`](Session::insert).
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::new();
    /// session.flash("Your cart is saved")?;
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn flash(&self, message: impl serde::Serialize) -> Result<(), Error> {
        self.flash_with(DEFAULT_CATEGORY, message)
    }

    /// Leaves a message of some category: a text, or [`Markup`], or any other value.
    ///
    /// # Errors
    ///
    /// As [`insert`](Session::insert).
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::new();
    /// session.flash_with("error", "Wrong password")?;
    /// assert_eq!(session.take_flashes_of(&["error"])?.len(), 1);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn flash_with(&self, category: &str, message: impl serde::Serialize) -> Result<(), Error> {
        let entry = tagged::encode(&Tuple::new((category, message))).map_err(not_a_flash)?;
        self.write(|state| state.record(Change::Flash { entry: entry.into() }))
    }

    /// The messages, oldest first, which leave the session with this call. Asked again within the same request, it
    /// gives the same list.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Value`] if what is stored is not a list; otherwise as [`insert`](Session::insert), if there is a
    /// message to take.
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::new();
    /// session.flash("Saved")?;
    /// assert_eq!(session.take_flashes()?.len(), 1);
    /// assert_eq!(session.take_flashes()?.len(), 1);
    /// assert!(session.is_empty());
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn take_flashes(&self) -> Result<Vec<Flash>, Error> {
        if let Some(taken) = self.read(|state| state.taken_flashes.clone()) {
            return Ok(taken);
        }
        if !self.contains_key(KEY) {
            return Ok(Vec::new());
        }
        self.write(State::take_flashes)
    }

    /// As [`take_flashes`](Self::take_flashes), but only those of some categories are returned. All of them leave the
    /// session, as in Flask; ask again for the others within the same request.
    ///
    /// # Errors
    ///
    /// As [`take_flashes`](Self::take_flashes).
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::new();
    /// session.flash_with("error", "Wrong password")?;
    /// session.flash_with("info", "Caps lock is on")?;
    /// assert_eq!(session.take_flashes_of(&["error"])?[0].text(), "Wrong password");
    /// assert_eq!(session.take_flashes_of(&["info"])?[0].text(), "Caps lock is on");
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn take_flashes_of(&self, categories: &[&str]) -> Result<Vec<Flash>, Error> {
        let mut flashes = self.take_flashes()?;
        flashes.retain(|flash| categories.contains(&&*flash.category));
        Ok(flashes)
    }
}

impl State {
    fn take_flashes(&mut self) -> Result<Vec<Flash>, Error> {
        let taken = match self.values.get(KEY) {
            Some(list) => parse(list)?.into_iter().filter_map(Result::ok).collect(),
            None => Vec::new(),
        };
        self.record(Change::TakeFlashes { taken: taken.clone() })?;
        self.taken_flashes = Some(taken.clone());
        Ok(taken)
    }
}

/// The stored list with one more message.
pub(crate) fn append(list: Option<&str>, entry: &str) -> Result<String, Error> {
    let Some(list) = list else { return Ok(format!("[{entry}]")) };
    let inside = list.strip_prefix('[').and_then(|list| list.strip_suffix(']')).ok_or_else(not_a_list)?;
    Ok(if inside.trim().is_empty() { format!("[{entry}]") } else { format!("[{inside},{entry}]") })
}

/// The stored list without the messages that were taken, or `None` if none is left. What is no message goes with them.
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
    if left.is_empty() { Ok(None) } else { tagged::encode(&left).map(Some).map_err(not_a_flash) }
}

/// The messages of a stored list; what is none of Flask's pairs is an `Err`.
fn parse(list: &str) -> Result<Vec<Result<Flash, Value>>, Error> {
    let entries: Vec<Value> = tagged::decode(list).map_err(|error| not_a_list().with_source(error))?;
    let flash = |entry: Value| match serde_json::from_value::<(String, Value)>(entry.clone()) {
        Ok((category, message)) => Ok(Flash { category, message }),
        Err(_) => Err(entry),
    };
    Ok(entries.into_iter().map(flash).collect())
}

fn not_a_list() -> Error {
    Error::new(ErrorKind::Value, "what is stored as flash messages is not a list of them")
}

fn not_a_flash(error: tagged::ValueError) -> Error {
    Error::new(ErrorKind::Value, "the flash message cannot be written as JSON").with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_stored_as_flask_stores_them() {
        let session = Session::new();
        session.flash("Hello").unwrap();
        session.flash_with("warning", Markup::from("<em>x</em>")).unwrap();
        assert_eq!(
            session.payload(),
            r#"{"_flashes":[{" t":["message","Hello"]},{" t":["warning",{" m":"<em>x</em>"}]}]}"#
        );
    }

    #[test]
    fn taking_empties_the_session_once() {
        let session = Session::from_payload(r#"{"_flashes":[["info","a"],{" t":["message",3]},7]}"#).unwrap();
        let texts = |flashes: Vec<Flash>| flashes.iter().map(Flash::text).collect::<Vec<_>>();
        assert_eq!(texts(session.take_flashes().unwrap()), ["a", "3"]);
        session.flash("later").unwrap();
        assert_eq!(texts(session.take_flashes().unwrap()), ["a", "3"]);
        assert_eq!(session.payload(), r#"{"_flashes":[{" t":["message","later"]}]}"#);
    }

    #[test]
    fn taking_nothing_changes_nothing() {
        let session = Session::from_payload(r#"{"a":1}"#).unwrap();
        assert!(session.take_flashes().unwrap().is_empty());
        assert!(!session.is_modified());
    }

    #[test]
    fn what_is_no_list_is_an_error_for_that_key() {
        let session = Session::from_payload(r#"{"_flashes":{"a":1},"b":2}"#).unwrap();
        assert_eq!(session.take_flashes().unwrap_err().kind(), ErrorKind::Value);
        assert_eq!(session.flash("x").unwrap_err().kind(), ErrorKind::Value);
        assert_eq!(session.get::<u8>("b").unwrap(), Some(2));
    }
}
