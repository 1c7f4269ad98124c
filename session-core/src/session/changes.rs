//! The changes of one request, and their application to a newer version of the session.

use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

use super::values::Values;
use crate::error::{Error, ErrorKind};
use crate::flask::flash::{self, Flash};

/// The changes of one request to its session, in order.
///
/// An interface may find a newer version of the session than the version that it opened. In this
/// case, the interface applies the changes to the newer version with
/// [`Save::merge`](crate::interface::Save::merge) or [`replay`](Self::replay). Therefore no request
/// loses the changes of another request.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    changes: SmallVec<[Change; 1]>,
    /// The number of changes dropped from the front because a later change made them irrelevant.
    dropped: usize,
}

/// A position in the [`Changes`] of a session, which separates an attempt to save from later
/// changes. The default is the start.
///
/// A mark is valid until [`SessionInterface::save`](crate::SessionInterface::save) returns `Ok`.
/// After an error or a dropped future, the changes keep their positions and later changes follow.
/// After `Ok`, the next save has only later changes, and their positions start again at the
/// default.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Mark(usize);

/// The part of an update that can run again. It maps a raw value to a raw value.
pub(crate) type Apply = dyn Fn(Option<&str>) -> Result<Option<String>, Error> + Send + Sync;

#[derive(Clone)]
pub(crate) enum Change {
    /// Sets a key. The request that saves last wins.
    Insert(Insertion),
    /// Removes a key.
    Remove { key: Box<str> },
    /// Computes the value of a key from the current value. A replay computes the value again.
    Update { key: Box<str>, apply: Arc<Apply> },
    /// Removes every key, including keys from other requests.
    Clear,
    /// Appends a flash message.
    Flash { entry: Box<str> },
    /// Removes these flash messages and no others.
    TakeFlashes { taken: Vec<Flash> },
}

/// A key and its value, in one text.
#[derive(Clone)]
pub(crate) struct Insertion {
    /// The value, then the key.
    text: String,
    value_end: usize,
}

impl Changes {
    /// Returns whether there are no changes.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Returns the number of changes.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Returns the position after the last change.
    pub fn mark(&self) -> Mark {
        Mark(self.dropped + self.changes.len())
    }

    /// Returns the changes after a position.
    #[must_use]
    pub fn since(&self, mark: Mark) -> Self {
        let skipped = self.skipped(mark);
        Self { changes: self.changes[skipped..].into(), dropped: self.dropped + skipped }
    }

    /// Applies the changes to another payload of the same session, and returns the result.
    ///
    /// `insert` and `remove` affect only their key, and `clear` removes every key. `update` runs
    /// its function again. Taking flash messages removes only the messages that were taken.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Malformed`] if `payload` is not a JSON object.
    /// - [`ErrorKind::Value`] if an `update` finds a value of another type.
    pub fn replay(&self, payload: &str) -> Result<String, Error> {
        let mut values = Values::parse(payload.to_owned()).map_err(|_| malformed())?;
        self.apply(&mut values)?;
        Ok(values.to_payload())
    }

    fn apply(&self, values: &mut Values) -> Result<(), Error> {
        self.apply_between(Mark::default(), self.mark(), values)
    }

    /// Applies the changes from one position to another.
    pub(crate) fn apply_between(
        &self,
        after: Mark,
        until: Mark,
        values: &mut Values,
    ) -> Result<(), Error> {
        let (first, end) = (self.skipped(after), self.skipped(until));
        self.changes[first.min(end)..end].iter().try_for_each(|change| change.apply(values))
    }

    /// Returns the position in the [`joined`](Self::joined) changes that corresponds to a position
    /// in the later changes.
    pub(crate) fn mark_of(&self, later: &Self, mark: Mark) -> Mark {
        Mark(self.mark().0 + later.skipped(mark))
    }

    /// Returns the number of remaining changes before a position.
    fn skipped(&self, mark: Mark) -> usize {
        mark.0.saturating_sub(self.dropped).min(self.changes.len())
    }

    /// Appends later changes to earlier changes.
    pub(crate) fn joined(mut earlier: Self, later: Self) -> Self {
        later.changes.into_iter().for_each(|change| earlier.push(change));
        earlier
    }

    /// Returns whether there is at least one change, and every change is of flash messages.
    pub(crate) fn are_of_flashes(&self) -> bool {
        let is_of_flashes =
            |change: &Change| matches!(change, Change::Flash { .. } | Change::TakeFlashes { .. });
        !self.is_empty() && self.changes.iter().all(is_of_flashes)
    }

    /// Returns whether every key was removed at some point.
    pub(crate) fn clears(&self) -> bool {
        matches!(self.changes.first(), Some(Change::Clear))
    }

    pub(crate) fn push(&mut self, change: Change) {
        if matches!(change, Change::Clear) {
            self.dropped += self.changes.len();
            self.changes.clear();
        }
        self.changes.push(change);
    }
}

impl Change {
    pub(crate) fn insert(key: &str, value: impl Into<String>) -> Self {
        let mut text = value.into();
        let value_end = text.len();
        text.push_str(key);
        Self::Insert(Insertion { text, value_end })
    }

    /// Applies the change to these values, when the change is recorded or replayed.
    pub(crate) fn apply(&self, values: &mut Values) -> Result<(), Error> {
        match self {
            Self::Insert(insertion) => insert(values, insertion.key(), insertion.value()),
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

impl Insertion {
    pub(crate) fn key(&self) -> &str {
        &self.text[self.value_end..]
    }

    fn value(&self) -> &str {
        &self.text[..self.value_end]
    }
}

impl fmt::Debug for Change {
    /// Shows the kind and the key of a change, but no value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Insert(insertion) => write!(f, "Insert({:?}, ..)", insertion.key()),
            Self::Remove { key } => write!(f, "Remove({key:?})"),
            Self::Update { key, .. } => write!(f, "Update({key:?}, ..)"),
            Self::Clear => f.write_str("Clear"),
            Self::Flash { .. } => f.write_str("Flash(..)"),
            Self::TakeFlashes { taken } => write!(f, "TakeFlashes({})", taken.len()),
        }
    }
}

pub(crate) fn malformed() -> Error {
    Error::new(ErrorKind::Malformed, "session payload is not a JSON object")
}

fn insert(values: &mut Values, key: &str, value: &str) -> Result<(), Error> {
    if values.insert(key, value) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::TooLarge, "session payload would exceed two gigabytes"))
}

#[cfg(test)]
mod tests {
    use super::{Change, Changes, Mark};
    use crate::interface::{Opened, state_of};
    use crate::session::Session;

    fn session(payload: &str) -> Session {
        Opened::from_payload(payload).unwrap().into_session()
    }

    fn changes(session: &Session) -> Changes {
        state_of(session).changes().clone()
    }

    #[test]
    fn other_keys_are_untouched() {
        let session = session(r#"{"a":1,"b":2,"c":3}"#);
        session.insert("a", 9).unwrap();
        session.discard("b").unwrap();
        let replayed = changes(&session).replay(r#"{"c":4,"b":5,"d":6}"#).unwrap();
        assert_eq!(replayed, r#"{"c":4,"d":6,"a":9}"#);
    }

    #[test]
    fn replay_removes_only_taken_flashes() {
        let session = session(r#"{"_flashes":[{" t":["message","a"]},{" t":["message","a"]}]}"#);
        assert_eq!(session.take_flashes().unwrap().len(), 2);
        session.flash("mine").unwrap();
        let newer = r#"{"_flashes":[{" t":["message","a"]},{" t":["message","a"]},{" t":["message","a"]},{" t":["error","late"]}]}"#;
        let replayed = changes(&session).replay(newer).unwrap();
        assert_eq!(
            replayed,
            r#"{"_flashes":[{" t":["message","a"]},{" t":["error","late"]},{" t":["message","mine"]}]}"#
        );
    }

    #[test]
    fn get_or_insert_keeps_newer_value() {
        let session = session("{}");
        assert_eq!(session.get_or_insert("theme", "dark".to_owned()).unwrap(), "dark");
        assert_eq!(
            changes(&session).replay(r#"{"theme":"light"}"#).unwrap(),
            r#"{"theme":"light"}"#
        );
        assert_eq!(changes(&session).replay("{}").unwrap(), r#"{"theme":"dark"}"#);
    }

    #[test]
    fn debug_shows_no_value() {
        let session = session("{}");
        session.insert("password", "hunter2").unwrap();
        session.flash("hunter2").unwrap();
        let shown = format!("{:?} {session:?}", changes(&session));
        assert!(
            shown.contains("Insert(\"password\", ..)") && !shown.contains("hunter2"),
            "{shown}"
        );
    }

    #[test]
    fn mark_separates_later_changes_even_after_clear() {
        let remove = |key: &str| Change::Remove { key: key.into() };
        let mut changes = Changes::default();
        changes.push(remove("a"));
        let mark = changes.mark();
        assert!(changes.since(mark).is_empty());
        changes.push(remove("b"));
        assert_eq!((changes.since(mark).len(), changes.since(Mark::default()).len()), (1, 2));
        changes.push(Change::Clear);
        changes.push(remove("c"));
        assert_eq!(changes.since(mark).len(), 2);
        let later = changes.mark();
        changes.push(remove("d"));
        assert_eq!((changes.since(later).len(), changes.since(mark).len()), (1, 3));
    }
}
