//! What the clones of a session share.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::changes::Change;
use crate::flash::Flash;
use crate::values::Values;
use crate::{Changes, Error, ErrorKind};

/// The key that Flask keeps the flag `permanent` under.
pub(crate) const PERMANENT: &str = "_permanent";

#[expect(clippy::struct_excessive_bools, reason = "Flask's flags, each independent of the others")]
pub(crate) struct State {
    pub(crate) values: Values,
    pub(crate) changes: Changes,
    /// Counts changes, so that an update notices one that came between its reading and its writing.
    pub(crate) revision: u64,
    pub(crate) status: Status,
    pub(crate) new: bool,
    pub(crate) modified: bool,
    pub(crate) accessed: bool,
    pub(crate) sealed: bool,
    /// What was taken in this request, to be handed out again.
    pub(crate) taken_flashes: Option<Vec<Flash>>,
    pub(crate) slot: Option<Arc<dyn Any + Send + Sync>>,
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
    pub(crate) fn new(values: Values, new: bool, status: Status) -> Self {
        Self {
            values,
            changes: Changes::default(),
            revision: 0,
            status,
            new,
            modified: false,
            accessed: false,
            sealed: false,
            taken_flashes: None,
            slot: None,
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

    pub(crate) fn check_writable(&self) -> Result<(), Error> {
        if let Status::Null(reason) = &self.status {
            return Err(Error::new(ErrorKind::Unconfigured, reason.clone()));
        }
        if self.sealed {
            let message = "the response is committed: its headers are sent, and a change could not reach the client";
            return Err(Error::new(ErrorKind::Sealed, message));
        }
        Ok(())
    }
}

/// Python's truth of a JSON value: nothing, zero and the empty are false.
fn is_truthy(raw: &str) -> bool {
    match raw {
        "false" | "null" | "\"\"" => false,
        _ if raw.starts_with(['[', '{']) => raw[1..raw.len() - 1].trim() != "",
        _ => raw.parse::<f64>() != Ok(0.0),
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("keys", &self.values.len())
            .field("permanent", &self.permanent())
            .field("new", &self.new)
            .field("modified", &self.modified)
            .field("accessed", &self.accessed)
            .field("sealed", &self.sealed)
            .field("status", &self.status)
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
