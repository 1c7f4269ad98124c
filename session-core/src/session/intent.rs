//! The changes that one request makes to its session.

use super::changes::{Changes, Mark};
use super::login::Login;
use super::stored::StoredData;
use crate::error::Error;

/// The change of a session's id.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum IdChange {
    /// The session keeps its id.
    #[default]
    Keep,
    /// The session receives a new id. Requests that opened the session under the old id can still
    /// store their changes.
    Rotate,
    /// The session receives a new id. Requests that opened the session under the old id can no
    /// longer change it, because an attacker may have the old id.
    CutOff,
}

/// The changes that one request makes to its session, until they are saved.
///
/// An intent is moved as a whole. [`merged`](Self::merged) is the only function that combines two
/// intents.
#[derive(Clone, Debug, Default)]
pub(crate) struct Intent {
    pub(crate) changes: Changes,
    /// Whether the changes must be saved, or the session must be renewed without a change.
    pub(crate) write: bool,
    /// Whether the opened session must end, even if values are written afterwards.
    pub(crate) end: bool,
    pub(crate) id: IdChange,
    /// The position of the login in the changes, if the request logs in. The login itself is in the
    /// data of the session. The changes before this position were made to the values of the owner
    /// before the login.
    pub(crate) login: Option<Mark>,
}

impl Intent {
    /// Returns whether there are changes to save.
    pub(crate) fn is_modified(&self) -> bool {
        self.write || self.end || self.login.is_some() || self.id != IdChange::Keep
    }

    /// Combines an intent that was not saved with the later intent of the request.
    pub(crate) fn merged(earlier: Self, later: Self) -> Self {
        let Self { changes, write, end, id, login } = earlier;
        let later_login = later.login.map(|mark| changes.mark_of(&later.changes, mark));
        let changes = Changes::joined(changes, later.changes);
        // Ending a session reverts its earlier changes of id and login.
        let (id, login) = if later.end {
            (later.id, later_login)
        } else {
            (id.max(later.id), later_login.or(login))
        };
        Self { changes, write: write || later.write, end: end || later.end, id, login }
    }

    /// Applies the changes after a position to stored data, with the login if there is one. The
    /// owner of that data determines which values stay after the login.
    pub(crate) fn apply_since(
        &self,
        after: Mark,
        stored: &mut StoredData,
        login: Option<&Login>,
        kept: Option<&[String]>,
    ) -> Result<(), Error> {
        let Some((mark, login)) = self.login.zip(login) else {
            return self.changes.apply_between(after, self.changes.mark(), stored.values_mut());
        };
        self.changes.apply_between(after, mark, stored.values_mut())?;
        stored.log_in(login.clone(), kept);
        self.changes.apply_between(after.max(mark), self.changes.mark(), stored.values_mut())
    }
}
