//! The report of a failed check, with the calls, the expected result and the actual result.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The result of a check.
pub(crate) type Checked = Result<(), Failure>;

/// The maximum number of calls in a message. A message shows only the last calls.
const CALLS_SHOWN: usize = 14;

/// The calls of a check that failed, the expected result and the actual result.
#[derive(Clone, Debug)]
pub struct Failure {
    calls: Vec<String>,
    expected: String,
    seen: String,
}

impl Failure {
    /// Returns the expected result of the last call.
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// Returns the actual result.
    pub fn seen(&self) -> &str {
        &self.seen
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = self.calls.len().saturating_sub(CALLS_SHOWN);
        if hidden > 0 {
            writeln!(f, "  calls     ({hidden} before these)")?;
        }
        for (number, call) in self.calls[hidden..].iter().enumerate() {
            let label = if number == 0 && hidden == 0 { "calls" } else { "" };
            writeln!(f, "  {label:9} {call}")?;
        }
        writeln!(f, "  expected  {}", self.expected)?;
        write!(f, "  seen      {}", self.seen)
    }
}

/// The calls of a check, in order. Clones share the calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    made: Arc<Mutex<Vec<String>>>,
}

impl Calls {
    pub(crate) fn note(&self, call: impl Into<String>) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(call.into());
    }

    /// Returns a failure after these calls.
    pub(crate) fn failure(&self, expected: impl Into<String>, seen: impl Into<String>) -> Failure {
        let calls = self.made.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Failure { calls, expected: expected.into(), seen: seen.into() }
    }

    /// Fails unless the last call returned the expected result.
    pub(crate) fn equal<T: fmt::Debug + PartialEq>(&self, expected: T, seen: T) -> Checked {
        if expected == seen {
            Ok(())
        } else {
            Err(self.failure(format!("{expected:?}"), format!("{seen:?}")))
        }
    }
}

/// Returns an error with all its sources, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
