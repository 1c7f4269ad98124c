//! The rules of a [`SessionStore`](session_core::store::SessionStore).

mod bytes;
mod cloning;
mod creating;
mod ending;
mod entry;
mod expiry;
mod histories;
mod limits;
mod loading;
mod observing;
mod outages;
mod overlap;
mod owners;
mod promises;
mod removing;
mod reopening;
mod replacing;
mod suite;
mod sweeping;
mod swept;
mod touching;
mod under_test;

use crate::Rule;
use crate::rule::{has_rule, rule_lists};

pub use under_test::StoreUnderTest;

/// Returns every rule, in the order of `CONTRACT.md`. [`store_suite!`](crate::store_suite)
/// generates a test for each.
pub fn rules() -> impl Iterator<Item = &'static Rule<StoreUnderTest>> {
    LISTS.iter().copied().flatten()
}

#[doc(hidden)]
pub const fn is_rule(name: &str) -> bool {
    has_rule(LISTS, name)
}

rule_lists! {
    ($) for StoreUnderTest, macro __store_rules, each with __store_group;
    always: creating::CREATING, macro __store_creating;
    always: loading::LOADING, macro __store_loading;
    always: replacing::REPLACING, macro __store_replacing;
    always: touching::TOUCHING, macro __store_touching;
    always: removing::REMOVING, macro __store_removing;
    always: bytes::BYTES, macro __store_bytes;
    always: limits::LIMITS, macro __store_limits;
    always: expiry::EXPIRY, macro __store_expiry;
    always: observing::OBSERVING, macro __store_observing;
    always: histories::HISTORIES, macro __store_histories;
    always: promises::PROMISES, macro __store_promises;
    owner_index: owners::OWNERS, macro __store_owners;
    owner_index: ending::ENDING, macro __store_ending;
    sweep: sweeping::SWEEPING, macro __store_sweeping;
    sweep: swept::SWEPT, macro __store_swept;
    reopen: reopening::REOPENING, macro __store_reopening;
    outage: outages::OUTAGES, macro __store_outages;
    clones: cloning::CLONING, macro __store_cloning;
}

/// Calls the closure, which returns a function. Its argument has a type here.
#[doc(hidden)]
pub fn made_for<S, F>(make: impl FnOnce(&S) -> F, store: &S) -> F {
    make(store)
}

/// Calls the closure. Its argument has a type here.
#[doc(hidden)]
pub fn clock_of<S>(
    clock: impl FnOnce(&S) -> session_core::ManualClock,
    store: &S,
) -> session_core::ManualClock {
    clock(store)
}
