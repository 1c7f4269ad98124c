//! The macros that generate lists of rules.

use crate::Rule;

/// Creates a rule from each function. The first paragraph of a function's documentation is the
/// promise, and the rest is the advice.
///
/// Defines the constant `$list` with the rules, and the macro `$each`, which passes the name of
/// each rule to another macro of this crate. `$d` is a dollar sign, which a macro cannot write into
/// a macro that it defines.
macro_rules! rules {
    (($d:tt) pub(crate) const $list:ident, macro $each:ident, for $under_test:ty;
    $($(#[doc = $text:literal])+ async fn $name:ident($stage:ident) $body:block)+) => {
        pub(crate) const $list: &[$crate::Rule<$under_test>] = &[$(
            $crate::Rule::new(stringify!($name), concat!($($text, "\n"),+), |stage| Box::pin($name(stage)))
        ),+];

        $(
            async fn $name($stage: &$under_test) -> $crate::report::Checked $body
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

/// Joins the lists of a suite. Defines `LISTS` and the macro `$all`. `$all` passes the macro of
/// each list to `$group`, with the capability that the rules of the list need.
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

/// Returns whether one of these lists has a rule of this name. The compiler evaluates this function
/// for the names in `except`.
pub(crate) const fn has_rule<S: 'static>(lists: &[&[Rule<S>]], name: &str) -> bool {
    let mut list = 0;
    while list < lists.len() {
        let mut rule = 0;
        while rule < lists[list].len() {
            if same(lists[list][rule].name().as_bytes(), name.as_bytes()) {
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
