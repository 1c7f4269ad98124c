//! What a check tells when a rule is broken: the calls, what was expected, what was seen.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The result of a check.
pub(crate) type Checked = Result<(), Failure>;

/// More calls than this are not shown; the last ones matter.
const CALLS_SHOWN: usize = 14;

/// What was done, what was expected and what was seen.
///
/// ```
/// fn explain(failure: &conformance_tests::Failure) -> String {
///     format!("expected {}, seen {}", failure.expected(), failure.seen())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Failure {
    calls: Vec<String>,
    expected: String,
    seen: String,
}

impl Failure {
    /// What should have come of the last call.
    ///
    /// ```
    /// # fn show(failure: &conformance_tests::Failure) -> &str {
    /// failure.expected()
    /// # }
    /// ```
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What came of it.
    ///
    /// ```
    /// # fn show(failure: &conformance_tests::Failure) -> &str {
    /// failure.seen()
    /// # }
    /// ```
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

/// The calls that a check has made, in order. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    made: Arc<Mutex<Vec<String>>>,
}

impl Calls {
    pub(crate) fn note(&self, call: impl Into<String>) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(call.into());
    }

    /// A failure after these calls.
    pub(crate) fn failure(&self, expected: impl Into<String>, seen: impl Into<String>) -> Failure {
        let calls = self.made.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Failure { calls, expected: expected.into(), seen: seen.into() }
    }

    /// A failure unless the last call brought what it should.
    pub(crate) fn equal<T: fmt::Debug + PartialEq>(&self, expected: T, seen: T) -> Checked {
        if expected == seen { Ok(()) } else { Err(self.failure(format!("{expected:?}"), format!("{seen:?}"))) }
    }
}

/// An error with all its sources, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
