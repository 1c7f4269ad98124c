//! The rules that every session backend and every framework adapter keeps, as tests that any of them can run.
//!
//! Add the crate as a dev-dependency and write one line into a file under `tests/`:
//!
//! ```
//! # use session_memory::MemoryStore;
//! conformance_tests::store_suite!(async { MemoryStore::new() });
//! ```
//!
//! Every rule becomes a `#[test]` of its own. `CONTRACT.md`, beside this crate's `Cargo.toml`, lists them all.
//!
//! | you have written | run |
//! |---|---|
//! | a [`SessionStore`](session_core::SessionStore) | [`store_suite!`], and [`interface_suite!`] for `ServerSideSessions` over it |
//! | a [`SessionInterface`](session_core::SessionInterface) | [`interface_suite!`] |
//! | an adapter for a web framework | [`adapter_suite!`] |

pub mod adapter;
mod contract;
mod failure;
pub mod interface;
mod macros;
mod rule;
#[doc(hidden)]
pub mod run;
pub mod store;

pub use contract::contract;
pub use failure::Failure;
pub use rule::{Broken, Rule};

/// Compiles the programs of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
