//! The tests of the cookies that need no global subscriber or allocator.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod clock_skew;
mod events;
mod garbage;
mod lifetime;
mod limit;
mod namespaces;
mod permanent;
mod properties;
mod renewal;
mod sealed;
mod sealed_lives;
mod sealed_versions;
mod set_cookie_vectors;
mod several_cookies;
mod signed_vectors;
mod starlette;
mod value_errors;

#[path = "../support/itsdangerous.rs"]
mod itsdangerous;
#[path = "../support/mod.rs"]
mod support;
