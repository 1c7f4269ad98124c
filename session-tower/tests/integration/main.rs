//! The tests of the layer that need no global subscriber.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod behaviours;
mod cookie_table;
mod headers;
mod logout;
mod middleware;
mod nesting;
mod null_session;
mod outage;
mod plain_tower;
mod streaming;
mod test_client;
mod tokens;

#[path = "../support/mod.rs"]
mod support;
