//! The tests of the middleware that need no global subscriber.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod actix_errors;
mod behaviours;
mod headers;
mod logout;
mod middleware;
mod same_as_axum;
mod streaming;
mod test_client;
mod tokens;

#[path = "../support/mod.rs"]
mod support;
