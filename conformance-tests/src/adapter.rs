//! The rules of an adapter for a web framework.
//!
//! An adapter is checked through a small application in its framework, a [`Server`]. What the handlers do is the suite's, so that
//! there is little to write: [`answer`] and [`answer_twice`]. The [macro](crate::adapter_suite) shows how it is put together.

mod answer;
mod application;
mod cookies;
mod ends;
mod message;
mod observed;
mod reply;
mod requests;
mod responses;
mod suite;
mod under_test;

use crate::Rule;
use crate::rule::{has_rule, rule_lists};

pub use answer::{Answer, answer, answer_twice};
pub use message::{Request, Response};
pub use under_test::{AdapterUnderTest, Server};

/// Every rule, in the order of `CONTRACT.md`. [`adapter_suite!`](crate::adapter_suite) makes a test of each.
///
/// ```
/// assert!(conformance_tests::adapter::rules().any(|rule| rule.name() == "every_cookie_header_is_read"));
/// ```
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
}
