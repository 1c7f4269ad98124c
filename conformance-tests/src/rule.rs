//! A rule: a name, a promise, advice, and the check that tells whether something keeps it.

use std::fmt;
use std::pin::Pin;

use crate::Failure;
use crate::failure::Checked;

pub(crate) type Checking<'a> = Pin<Box<dyn Future<Output = Checked> + Send + 'a>>;

/// One thing that whatever is under test, an `S`, must do.
///
/// ```
/// let rule = conformance_tests::store::rules().next().unwrap();
/// assert_eq!(rule.name(), "a_created_record_is_loaded");
/// assert!(rule.promise().ends_with('.'));
/// ```
pub struct Rule<S: 'static> {
    name: &'static str,
    text: &'static str,
    check: for<'a> fn(&'a S) -> Checking<'a>,
}

impl<S: 'static> Rule<S> {
    pub(crate) const fn new(name: &'static str, text: &'static str, check: for<'a> fn(&'a S) -> Checking<'a>) -> Self {
        Self { name, text, check }
    }

    /// The name, which is that of its test.
    ///
    /// ```
    /// assert!(conformance_tests::store::rules().any(|rule| rule.name() == "replace_never_creates"));
    /// ```
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it promises, in a sentence or two.
    ///
    /// ```
    /// # let rule = conformance_tests::store::rules().next().unwrap();
    /// assert!(!rule.promise().is_empty());
    /// ```
    pub fn promise(&self) -> String {
        self.paragraphs().next().unwrap_or_default()
    }

    /// How to keep it.
    ///
    /// ```
    /// # let rule = conformance_tests::store::rules().next().unwrap();
    /// assert!(!rule.advice().is_empty());
    /// ```
    pub fn advice(&self) -> String {
        self.paragraphs().skip(1).collect::<Vec<_>>().join(" ")
    }

    /// Whether this keeps the rule.
    ///
    /// # Errors
    ///
    /// What was done, expected and seen, if it does not.
    ///
    /// ```
    /// use conformance_tests::store::{StoreUnderTest, rules};
    /// use session_memory::MemoryStore;
    ///
    /// # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
    /// for rule in rules().take(3) {
    ///     rule.check(&StoreUnderTest::new(MemoryStore::new())).await?;
    /// }
    /// # Ok::<(), conformance_tests::Broken>(())
    /// # }).unwrap();
    /// ```
    pub async fn check(&self, under_test: &S) -> Result<(), Broken> {
        (self.check)(under_test).await.map_err(|failure| self.broken(failure))
    }

    pub(crate) fn broken(&self, failure: Failure) -> Broken {
        Broken { name: self.name, promise: self.promise(), advice: self.advice(), failure }
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

/// A rule that is not kept: displays the rule, what it promises, the calls, what was expected and what was seen.
///
/// ```
/// fn show(broken: &conformance_tests::Broken) -> String {
///     broken.to_string()
/// }
/// ```
pub struct Broken {
    name: &'static str,
    promise: String,
    advice: String,
    failure: Failure,
}

impl Broken {
    /// What was done, expected and seen.
    ///
    /// ```
    /// fn seen(broken: &conformance_tests::Broken) -> &str {
    ///     broken.failure().seen()
    /// }
    /// ```
    pub fn failure(&self) -> &Failure {
        &self.failure
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the rule `{}` is broken\n", self.name)?;
        writeln!(f, "  promise   {}", self.promise)?;
        writeln!(f, "  advice    {}", self.advice)?;
        self.failure.fmt(f)
    }
}

impl fmt::Debug for Broken {
    /// As it displays, so that `unwrap` in a test prints it readably.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::error::Error for Broken {}

/// Turns functions into rules: the first paragraph of a function's documentation is the promise, the rest the advice.
///
/// Makes `$list`, the rules, and the macro `$each`, which hands each of their names to another macro of this crate.
/// `$d` is a dollar sign, which a macro cannot write into a macro that it makes.
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

/// Joins the lists of a suite: makes `LISTS`, and the macro `$all`, which hands each list's macro to `$group`, with what the
/// rules of the list need.
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

/// Whether one of these lists has a rule of this name: asked by the compiler of a name that a caller wrote.
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
