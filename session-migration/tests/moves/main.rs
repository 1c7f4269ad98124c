//! The contents of a move: what stays, what changes, and what happens at the end date.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod carried;
mod cookies;
mod dates;
mod owners;
mod support;
