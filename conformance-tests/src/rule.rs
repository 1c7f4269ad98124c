//! A rule: a name, a promise, advice and a check.

use std::fmt;
use std::pin::Pin;

use crate::Failure;
use crate::failure::Checked;

pub(crate) type Checking<'a> = Pin<Box<dyn Future<Output = Checked> + Send + 'a>>;

/// A rule for a backend or an adapter `S`.
///
/// # Examples
///
/// ```
/// use conformance_tests::store::{StoreUnderTest, rules};
/// use session_memory::MemoryStore;
///
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
/// let rule = rules().find(|rule| rule.name() == "replace_never_creates").unwrap();
/// println!("{}", rule.promise());
/// rule.check(&StoreUnderTest::new(MemoryStore::new())).await?;
/// # Ok::<(), conformance_tests::RuleViolation>(())
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
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the requirement, in one or two sentences.
    pub fn promise(&self) -> String {
        self.paragraphs().next().unwrap_or_default()
    }

    /// Returns how to fulfil the rule.
    pub fn advice(&self) -> String {
        self.paragraphs().skip(1).collect::<Vec<_>>().join(" ")
    }

    /// Checks the rule.
    ///
    /// # Errors
    ///
    /// The calls, the expected result and the actual one, if the rule is violated.
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

/// A rule that was violated. The text has the rule, its promise and its advice, the calls, the
/// expected result and the actual one.
pub struct RuleViolation {
    name: &'static str,
    promise: String,
    advice: String,
    failure: Failure,
}

impl RuleViolation {
    /// Returns the calls, the expected result and the actual one.
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
    /// Shows the same text, so that `unwrap` in a test prints it readably.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::error::Error for RuleViolation {}

/// Turns functions into rules. The first paragraph of a function's documentation is the promise,
/// and the rest is the advice.
///
/// Makes `$list`, the rules, and the macro `$each`, which passes each of their names to another
/// macro of this crate. `$d` is a dollar sign, which a macro cannot write into a macro that it
/// makes.
macro_rules! rules {
    (($d:tt) pub(crate) const $list:ident, macro $each:ident, for $under_test:ty;
    $($(#[doc = $text:literal])+ async fn $name:ident($stage:ident) $body:block)+) => {
        pub(crate) const $list: &[$crate::Rule<$under_test>] = &[$(
            $crate::Rule::new(stringify!($name), concat!($($text, "\n"),+), |stage| Box::pin($name(stage)))
        ),+];

        $(
            async fn $name($stage: &$under_test) -> $crate::failure::Checked $body
        )+

        #[doc(hidden)]
        #[macro_export]
        macro_rules! $each {
            ($d callback:ident $d arguments:tt) => {
                $($crate::$d callback! { $name $d arguments })+
            };
        }
    };
}

/// Joins the lists of a suite. Makes `LISTS` and the macro `$all`, which passes the macro of each
/// list to `$group`, with the capability that the rules of the list need.
macro_rules! rule_lists {
    (($d:tt) $visibility:vis for $under_test:ty, macro $all:ident, each with $group:ident;
    $($needs:ident: $module:ident::$list:ident, macro $each:ident;)+) => {
        $visibility const LISTS: &[&[$crate::Rule<$under_test>]] = &[$($module::$list),+];

        #[doc(hidden)]
        #[macro_export]
        macro_rules! $all {
            ($d arguments:tt) => {
                $($crate::$group! { $needs $each $d arguments })+
            };
        }
    };
}

/// Returns whether one of these lists has a rule of this name. The compiler calls it for the names
/// in `except`.
pub(crate) const fn has_rule<S: 'static>(lists: &[&[Rule<S>]], name: &str) -> bool {
    let mut list = 0;
    while list < lists.len() {
        let mut rule = 0;
        while rule < lists[list].len() {
            if same(lists[list][rule].name.as_bytes(), name.as_bytes()) {
                return true;
            }
            rule += 1;
        }
        list += 1;
    }
    false
}

const fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

pub(crate) use {rule_lists, rules};
