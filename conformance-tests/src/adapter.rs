//! The rules of an adapter for a web framework.
//!
//! An adapter is checked through a small application in its framework, a [`Server`]. The suite
//! provides the code of the handlers: [`respond`] and [`respond_twice`]. The
//! [macro](crate::adapter_suite) shows a complete example.

mod application;
mod cookies;
mod ends;
mod handlers;
mod message;
mod observed;
mod reply;
mod requests;
mod responses;
mod server;
mod suite;
mod tokens;
mod under_test;

use crate::Rule;
use crate::rule::{has_rule, rule_lists};

pub use handlers::{TestResponse, respond, respond_twice};
pub use message::{Request, Response};
pub use server::Server;
pub use under_test::AdapterUnderTest;

/// Returns every rule, in the order of `CONTRACT.md`. [`adapter_suite!`](crate::adapter_suite)
/// generates a test for each.
pub fn rules() -> impl Iterator<Item = &'static Rule<AdapterUnderTest>> {
    LISTS.iter().copied().flatten()
}

#[doc(hidden)]
pub const fn is_rule(name: &str) -> bool {
    has_rule(LISTS, name)
}

rule_lists! {
    ($) for AdapterUnderTest, macro __adapter_rules, each with __adapter_group;
    always: requests::REQUESTS, macro __adapter_requests;
    always: cookies::COOKIES, macro __adapter_cookies;
    always: responses::RESPONSES, macro __adapter_responses;
    always: ends::ENDS, macro __adapter_ends;
    always: tokens::TOKENS, macro __adapter_tokens;
}
