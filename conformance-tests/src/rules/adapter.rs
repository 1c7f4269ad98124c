//! The rules of an adapter.

mod caching;
mod cases;
mod cookies;
mod failures;
mod interrupted;
mod renewal;
mod requests;
mod responses;
mod sent_cookies;
mod streams;
mod tokens;
mod two_sessions;

use crate::harness::adapter::AdapterUnderTest;
use crate::macros::rule_lists;

rule_lists! {
    ($) pub(crate) for AdapterUnderTest, macro __adapter_rules, each with __adapter_group;
    always: requests::REQUESTS, macro __adapter_requests;
    always: cookies::COOKIES, macro __adapter_cookies;
    always: sent_cookies::SENT_COOKIES, macro __adapter_sent_cookies;
    always: caching::CACHING, macro __adapter_caching;
    always: responses::RESPONSES, macro __adapter_responses;
    streams: streams::STREAMS, macro __adapter_streams;
    always: cases::CASES, macro __adapter_cases;
    always: renewal::RENEWAL, macro __adapter_renewal;
    always: failures::FAILURES, macro __adapter_failures;
    always: interrupted::INTERRUPTED, macro __adapter_interrupted;
    always: tokens::TOKENS, macro __adapter_tokens;
    two_sessions: two_sessions::TWO_SESSIONS, macro __adapter_two_sessions;
}
