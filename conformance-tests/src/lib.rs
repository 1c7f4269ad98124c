//! The rules for session backends and framework adapters, as tests. Use this crate to check your
//! backend or adapter.
//!
//! Add the crate as a dev-dependency, and one line to a file under `tests/`:
//!
//! ```
//! # use session_memory::MemoryStore;
//! session_conformance::store_suite!(async { MemoryStore::new() });
//! ```
//!
//! Every rule becomes a separate `#[test]`. `CONTRACT.md`, next to this crate's `Cargo.toml`, lists
//! all rules.
//!
//! | to check | run |
//! |---|---|
//! | a [`SessionStore`](session_core::store::SessionStore) | [`store_suite!`], and [`interface_suite!`] with [`ServerSideSessions`](session_core::ServerSideSessions) over the store |
//! | a [`Scan`](session_core::store::Scan) | the functions of [`scan`] |
//! | a [`SessionInterface`](session_core::SessionInterface) | [`interface_suite!`] |
//! | an adapter for a web framework | [`adapter_suite!`] |
//! | a running application, in any language | the program `check-application`, feature `application` |

pub mod adapter;
#[cfg(feature = "application")]
pub mod application;
mod harness;
pub mod interface;
mod macros;
mod report;
mod rule;
mod rules;
#[doc(hidden)]
pub mod runner;
pub mod scan;
pub mod store;

pub use report::{Failure, contract};
pub use rule::{Rule, RuleViolation};

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
