//! The rules of an adapter for a web framework.
//!
//! An adapter is checked through a small application in its framework, a [`Server`]. The suite
//! provides the code of the handlers, such as [`respond`] and [`respond_twice`]. The
//! [macro](crate::adapter_suite) shows a complete example.

use crate::Rule;
use crate::macros::has_rule;
use crate::rules::adapter::LISTS;

pub use crate::harness::adapter::{
    AdapterUnderTest, Chunks, Request, Response, Server, TestResponse, respond, respond_both,
    respond_twice, respond_untouched,
};

/// Returns every rule, in the order of `CONTRACT.md`. [`adapter_suite!`](crate::adapter_suite)
/// generates a test for each rule.
pub fn rules() -> impl Iterator<Item = &'static Rule<AdapterUnderTest>> {
    LISTS.iter().copied().flatten()
}

#[doc(hidden)]
pub const fn is_rule(name: &str) -> bool {
    has_rule(LISTS, name)
}
