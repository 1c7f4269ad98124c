//! The rules of a [`SessionStore`](session_core::store::SessionStore).

use crate::Rule;
use crate::macros::has_rule;
use crate::rules::store::LISTS;

pub use crate::harness::store::StoreUnderTest;

/// Returns every rule, in the order of `CONTRACT.md`. [`store_suite!`](crate::store_suite)
/// generates a test for each rule.
pub fn rules() -> impl Iterator<Item = &'static Rule<StoreUnderTest>> {
    LISTS.iter().copied().flatten()
}

#[doc(hidden)]
pub const fn is_rule(name: &str) -> bool {
    has_rule(LISTS, name)
}

/// Calls the closure, which returns a function. This signature determines the type of the closure's
/// argument.
#[doc(hidden)]
pub fn made_for<S, F>(make: impl FnOnce(&S) -> F, store: &S) -> F {
    make(store)
}

/// Calls the closure. This signature determines the type of the closure's argument.
#[doc(hidden)]
pub fn clock_of<S>(
    clock: impl FnOnce(&S) -> session_core::ManualClock,
    store: &S,
) -> session_core::ManualClock {
    clock(store)
}
