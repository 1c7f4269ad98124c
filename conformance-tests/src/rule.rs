//! A rule: a name, a promise, advice and a check.

use std::fmt;
use std::pin::Pin;

use crate::report::{Checked, Failure};

pub(crate) type Checking<'a> = Pin<Box<dyn Future<Output = Checked> + Send + 'a>>;

/// A rule for a backend or an adapter `S`.
///
/// # Examples
///
/// ```
/// use session_conformance::store::{StoreUnderTest, rules};
/// use session_memory::MemoryStore;
///
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
/// let rule = rules().find(|rule| rule.name() == "replace_never_creates").unwrap();
/// println!("{}", rule.promise());
/// rule.check(&StoreUnderTest::new(MemoryStore::new())).await?;
/// # Ok::<(), session_conformance::RuleViolation>(())
/// # }).unwrap();
/// ```
pub struct Rule<S: 'static> {
    name: &'static str,
    text: &'static str,
    check: for<'a> fn(&'a S) -> Checking<'a>,
}

impl<S: 'static> Rule<S> {
    pub(crate) const fn new(
        name: &'static str,
        text: &'static str,
        check: for<'a> fn(&'a S) -> Checking<'a>,
    ) -> Self {
        Self { name, text, check }
    }

    /// Returns the name. The test of the rule has the same name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the requirement, in one or two sentences.
    pub fn promise(&self) -> String {
        self.paragraphs().next().unwrap_or_default()
    }

    /// Returns the advice on how to fulfil the rule.
    pub fn advice(&self) -> String {
        self.paragraphs().skip(1).collect::<Vec<_>>().join(" ")
    }

    /// Checks the rule.
    ///
    /// # Errors
    ///
    /// Returns the calls, the expected result and the actual result if the rule is violated.
    pub async fn check(&self, under_test: &S) -> Result<(), RuleViolation> {
        (self.check)(under_test).await.map_err(|failure| self.violation(failure))
    }

    pub(crate) fn violation(&self, failure: Failure) -> RuleViolation {
        RuleViolation { name: self.name, promise: self.promise(), advice: self.advice(), failure }
    }

    fn paragraphs(&self) -> impl Iterator<Item = String> {
        self.text.split("\n\n").map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

impl<S> fmt::Debug for Rule<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rule").field(&self.name).finish()
    }
}

/// A rule that was violated. The text contains the rule, its promise and its advice, the calls, the
/// expected result and the actual result.
pub struct RuleViolation {
    name: &'static str,
    promise: String,
    advice: String,
    failure: Failure,
}

impl RuleViolation {
    /// Returns the calls, the expected result and the actual result.
    pub fn failure(&self) -> &Failure {
        &self.failure
    }
}

impl fmt::Display for RuleViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "rule `{}` is violated\n", self.name)?;
        writeln!(f, "  promise   {}", self.promise)?;
        writeln!(f, "  advice    {}", self.advice)?;
        self.failure.fmt(f)
    }
}

impl fmt::Debug for RuleViolation {
    /// Writes the text of `Display`, so that `unwrap` in a test prints this text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::error::Error for RuleViolation {}
