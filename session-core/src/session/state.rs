//! What the clones of a session share.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use crate::changes::Change;
use crate::flash::Flash;
use crate::values::Values;
use crate::{Changes, CookieAction, Error, ErrorKind, SessionHeaders};

/// The key that Flask keeps the flag `permanent` under.
pub(crate) const PERMANENT: &str = "_permanent";

#[expect(clippy::struct_excessive_bools, reason = "Flask's flags, each independent of the others")]
pub(crate) struct State {
    pub(crate) values: Values,
    pub(crate) changes: Changes,
    /// Counts changes, so that an update notices one that came between its reading and its writing.
    pub(crate) revision: u64,
    pub(crate) new: bool,
    pub(crate) modified: bool,
    pub(crate) sealed: bool,
    /// Whether a save before the commit was begun.
    pub(crate) saved_by_hand: bool,
    /// Whether `destroy` was called: what the session was ends, whatever is written afterwards.
    pub(crate) destroyed: bool,
    /// Whether the id is to be replaced.
    pub(crate) rotate: bool,
    pub(crate) owner: Option<String>,
    pub(crate) owner_changed: bool,
    pub(crate) outcome: Option<Outcome>,
    /// What was taken in this request, to be handed out again.
    pub(crate) taken_flashes: Option<Vec<Flash>>,
    pub(crate) slot: Option<Arc<dyn Any + Send + Sync>>,
    /// What saves before the commit left for the response.
    pub(crate) pending: SessionHeaders,
    /// What was done to the client's cookie since it sent it.
    pub(crate) cookie: CookieAction,
    /// Whether the session was opened outside a request, so that no new cookie reaches the client.
    pub(crate) detached: bool,
}

/// What became of a session when its request was committed.
///
/// ```
/// use session_core::{Outcome, Session};
///
/// let session = Session::new();
/// assert_eq!(session.outcome(), None); // not committed yet
/// assert_ne!(Outcome::Stored, Outcome::Dropped);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// Every recorded change is stored, or the session has ended as it was told.
    Stored,
    /// There was nothing to store.
    Unchanged,
    /// The session was ended by another request meanwhile. The changes were dropped, and the client's cookie was left
    /// alone, for it may be a newer one.
    Dropped,
}

/// What the clones of a session share.
pub(crate) struct Shared {
    pub(crate) status: Status,
    /// Set by whoever obtains the session, without the lock.
    pub(crate) accessed: AtomicBool,
    pub(crate) state: Mutex<State>,
}

/// Whether what is written will be kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Status {
    /// A commit saves it.
    Open,
    /// It is never saved, and the handler may use it all the same.
    Anonymous,
    /// It cannot be written, for this reason.
    Null(Cow<'static, str>),
}

impl State {
    pub(crate) fn new(values: Values, new: bool) -> Self {
        Self {
            values,
            changes: Changes::default(),
            revision: 0,
            new,
            modified: false,
            sealed: false,
            saved_by_hand: false,
            destroyed: false,
            rotate: false,
            owner: None,
            owner_changed: false,
            outcome: None,
            taken_flashes: None,
            slot: None,
            pending: SessionHeaders::default(),
            cookie: CookieAction::Keep,
            detached: false,
        }
    }

    /// Applies a change and writes it into the journal.
    pub(crate) fn record(&mut self, change: Change) -> Result<(), Error> {
        change.apply(&mut self.values)?;
        self.note(change);
        Ok(())
    }

    /// Writes a change, which was applied already, into the journal.
    pub(crate) fn note(&mut self, change: Change) {
        self.changes.push(change);
        self.revision += 1;
        self.modified = true;
    }

    pub(crate) fn permanent(&self) -> bool {
        self.values.get(PERMANENT).is_some_and(is_truthy)
    }

    /// What the interface keeps here, if it is of this type.
    pub(crate) fn slot<T: Any>(&self) -> Option<&T> {
        self.slot.as_deref()?.downcast_ref()
    }

    /// Whether what is stored is to end.
    pub(crate) fn ends(&self) -> bool {
        self.destroyed || (self.changes.clears() && self.values.is_empty())
    }

    /// Whether the session is to get a new id.
    pub(crate) fn rotates(&self) -> bool {
        self.rotate || self.owner_changed
    }

    pub(crate) fn check_writable(&self) -> Result<(), Error> {
        if self.sealed {
            let message = "the response is committed: its headers are sent, and a change could not reach the client";
            return Err(Error::new(ErrorKind::Sealed, message));
        }
        Ok(())
    }

    /// A new id must reach the client, and no response is left to carry it.
    pub(crate) fn check_attached(&self) -> Result<(), Error> {
        if self.detached {
            let message = "the response has been sent, so that a new session id could not reach the client";
            return Err(Error::new(ErrorKind::Sealed, message));
        }
        Ok(())
    }
}

/// Python's truth of a JSON value: nothing, zero and the empty are false.
fn is_truthy(raw: &str) -> bool {
    match raw {
        "true" => true,
        "false" | "null" | "\"\"" => false,
        _ if raw.starts_with(['[', '{']) => raw[1..raw.len() - 1].trim() != "",
        _ => raw.parse::<f64>() != Ok(0.0),
    }
}

impl State {
    /// Shows the flags and how many keys there are; no key and no value.
    pub(crate) fn show(&self, f: &mut fmt::Formatter<'_>, status: &Status, accessed: bool) -> fmt::Result {
        f.debug_struct("Session")
            .field("keys", &self.values.len())
            .field("permanent", &self.permanent())
            .field("new", &self.new)
            .field("modified", &self.modified)
            .field("accessed", &accessed)
            .field("sealed", &self.sealed)
            .field("status", status)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::is_truthy;

    #[test]
    fn truth_is_pythons() {
        for no in ["false", "null", "0", "-0", "0.0", "0e5", "\"\"", "[]", "{ }"] {
            assert!(!is_truthy(no), "{no}");
        }
        for yes in ["true", "1", "-1", "0.1", "NaN", "\"no\"", "[0]", "{\"a\":0}"] {
            assert!(is_truthy(yes), "{yes}");
        }
    }
}
