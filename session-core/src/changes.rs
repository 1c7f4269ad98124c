//! The journal: what one request changed, and how that is replayed on a newer version of the same session.
//!
//! A backend that finds a newer record than the one it opened need not choose between losing its own changes and losing
//! the other's: it replays its own on the newer one.

use std::fmt;
use std::sync::Arc;

use crate::flash::{self, Flash};
use crate::values::Values;
use crate::{Error, ErrorKind};

/// What one request changed in its session, in order.
///
/// ```
/// use session_core::Session;
///
/// let session = Session::from_payload(r#"{"visits":1}"#)?;
/// session.update("visits", |visits: Option<u64>| visits.map(|visits| visits + 1))?;
/// session.insert("user", "ada")?;
///
/// // Meanwhile another request has stored a newer version; nothing of either is lost.
/// let newer = r#"{"visits":7,"cart":[3]}"#;
/// assert_eq!(session.changes().replay(newer)?, r#"{"visits":8,"cart":[3],"user":"ada"}"#);
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Changes {
    changes: Vec<Change>,
}

/// The part of an update that can run again: raw value in, raw value out.
pub(crate) type Apply = dyn Fn(Option<&str>) -> Result<Option<String>, Error> + Send + Sync;

#[derive(Clone)]
pub(crate) enum Change {
    /// Sets a key; the last to save wins that key.
    Insert { key: Box<str>, value: String },
    /// Removes a key.
    Remove { key: Box<str> },
    /// Runs again on whatever value is there.
    Update { key: Box<str>, apply: Arc<Apply> },
    /// Drops every key, whoever wrote it.
    Clear,
    /// Appends a flash message.
    Flash { entry: Box<str> },
    /// Removes these flash messages and no others.
    TakeFlashes { taken: Vec<Flash> },
}

impl Changes {
    /// Whether nothing was changed.
    ///
    /// ```
    /// # use session_core::Session;
    /// assert!(Session::new().changes().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many changes there are.
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::new();
    /// session.insert("a", 1)?;
    /// assert_eq!(session.changes().len(), 1);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// The changes applied to another payload of the same session.
    ///
    /// `insert` and `remove` act on their key only, `update` runs its function again, `clear` drops every key, a flash
    /// message is appended, and taking messages removes those that were taken.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`] if `payload` is not a JSON object; [`ErrorKind::Value`] if an `update` meets a value of
    /// another type.
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::new();
    /// session.clear()?;
    /// session.insert("a", 1)?;
    /// assert_eq!(session.changes().replay(r#"{"b":2}"#)?, r#"{"a":1}"#);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn replay(&self, payload: &str) -> Result<String, Error> {
        let mut values = Values::parse(payload.to_owned()).map_err(|_| malformed())?;
        for change in &self.changes {
            change.apply(&mut values)?;
        }
        Ok(values.to_payload())
    }

    /// The changes of both, in order.
    pub(crate) fn joined(mut earlier: Self, later: Self) -> Self {
        later.changes.into_iter().for_each(|change| earlier.push(change));
        earlier
    }

    /// Whether every key was dropped at some point.
    pub(crate) fn clears(&self) -> bool {
        matches!(self.changes.first(), Some(Change::Clear))
    }

    pub(crate) fn push(&mut self, change: Change) {
        if matches!(change, Change::Clear) {
            self.changes.clear();
        }
        self.changes.push(change);
    }
}

impl Change {
    /// The one place where a change meets values: used when it is recorded, and again when it is replayed.
    pub(crate) fn apply(&self, values: &mut Values) -> Result<(), Error> {
        match self {
            Self::Insert { key, value } => insert(values, key, value),
            Self::Remove { key } => {
                values.remove(key);
                Ok(())
            }
            Self::Update { key, apply } => {
                if let Some(value) = apply(values.get(key))? {
                    insert(values, key, &value)
                } else {
                    values.remove(key);
                    Ok(())
                }
            }
            Self::Clear => {
                values.clear();
                Ok(())
            }
            Self::Flash { entry } => {
                let list = flash::append(values.get(flash::KEY), entry)?;
                insert(values, flash::KEY, &list)
            }
            Self::TakeFlashes { taken } => {
                if let Some(list) = flash::without(values.get(flash::KEY), taken)? {
                    insert(values, flash::KEY, &list)
                } else {
                    values.remove(flash::KEY);
                    Ok(())
                }
            }
        }
    }
}

impl fmt::Debug for Change {
    /// Names the change, never a value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Insert { key, .. } => write!(f, "Insert({key:?}, ..)"),
            Self::Remove { key } => write!(f, "Remove({key:?})"),
            Self::Update { key, .. } => write!(f, "Update({key:?}, ..)"),
            Self::Clear => f.write_str("Clear"),
            Self::Flash { .. } => f.write_str("Flash(..)"),
            Self::TakeFlashes { taken } => write!(f, "TakeFlashes({})", taken.len()),
        }
    }
}

pub(crate) fn malformed() -> Error {
    Error::new(ErrorKind::Malformed, "the session payload is not a JSON object")
}

fn insert(values: &mut Values, key: &str, value: &str) -> Result<(), Error> {
    if values.insert(key, value) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::TooLarge, "the session would pass two gigabytes"))
}

#[cfg(test)]
mod tests {
    use crate::Session;

    #[test]
    fn other_keys_are_untouched() {
        let session = Session::from_payload(r#"{"a":1,"b":2,"c":3}"#).unwrap();
        session.insert("a", 9).unwrap();
        session.discard("b").unwrap();
        let replayed = session.changes().replay(r#"{"c":4,"b":5,"d":6}"#).unwrap();
        assert_eq!(replayed, r#"{"c":4,"d":6,"a":9}"#);
    }

    #[test]
    fn only_the_flashes_that_were_taken_go() {
        let session = Session::from_payload(r#"{"_flashes":[{" t":["message","a"]},{" t":["message","a"]}]}"#).unwrap();
        assert_eq!(session.take_flashes().unwrap().len(), 2);
        session.flash("mine").unwrap();
        let newer = r#"{"_flashes":[{" t":["message","a"]},{" t":["message","a"]},{" t":["message","a"]},{" t":["error","late"]}]}"#;
        let replayed = session.changes().replay(newer).unwrap();
        assert_eq!(
            replayed,
            r#"{"_flashes":[{" t":["message","a"]},{" t":["error","late"]},{" t":["message","mine"]}]}"#
        );
    }

    #[test]
    fn what_the_key_held_decides_for_get_or_insert() {
        let session = Session::new();
        assert_eq!(session.get_or_insert("theme", "dark".to_owned()).unwrap(), "dark");
        assert_eq!(session.changes().replay(r#"{"theme":"light"}"#).unwrap(), r#"{"theme":"light"}"#);
        assert_eq!(session.changes().replay("{}").unwrap(), r#"{"theme":"dark"}"#);
    }

    #[test]
    fn debug_shows_no_value() {
        let session = Session::new();
        session.insert("password", "hunter2").unwrap();
        session.flash("hunter2").unwrap();
        let shown = format!("{:?} {session:?}", session.changes());
        assert!(shown.contains("Insert(\"password\", ..)") && !shown.contains("hunter2"), "{shown}");
    }
}
