//! The tests of the store on one server.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod compare;
mod connection;
mod contents;
mod credentials;
mod formats;
mod invalidation;
mod limits;
mod load_many;
mod lost_entries;
mod outages;
mod owners;
mod scan;
mod settings;
mod shared_loads;
mod tls;
mod trips;

#[path = "../support/mod.rs"]
mod support;
