//! Sessions in the memory of one process. Use it for development, tests and services that run as
//! one process and may lose their sessions when the process stops.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use session_core::SessionConfig;
//! use session_memory::{MemorySessions, MemoryStore};
//! use session_tower::{Error, Session, SessionLayer};
//!
//! async fn visits(session: Session) -> Result<String, Error> {
//!     session.update("visits", |visits: Option<u64>| Some(visits.unwrap_or(0) + 1))?;
//!     Ok(format!("Visit number {}\n", session.get::<u64>("visits")?.unwrap_or(0)))
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // development() allows plain HTTP. In production, use SessionConfig::default().
//!     let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::development());
//!     let app = Router::new().route("/", get(visits)).layer(SessionLayer::new(sessions));
//!     Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?)
//! }
//! ```
//!
//! # Several instances
//!
//! Each process has its own sessions. With several instances, a user who logged in on one instance
//! is not logged in on another instance. Use Redis or a SQL database instead, with a [`Cached`] in
//! front of it if necessary.
//!
//! # Guarantees
//!
//! No recorded change to a live session is lost, and no ended session is revived, even if requests
//! overlap. All sessions are lost when the process stops.
//!
//! # Capacity
//!
//! A store limits the number of sessions, by default to [100,000](MemoryStore::DEFAULT_CAPACITY),
//! and their size in bytes. [`MemoryStoreBuilder`] sets both limits. When the store is full, a new
//! session evicts other records in this order:
//!
//! 1. sessions that expired more than [`MAX_CLOCK_SKEW`](session_core::store::MAX_CLOCK_SKEW) ago
//! 2. sessions without an owner, the least recently used ones first
//! 3. sessions with an owner, the least recently used ones first
//! 4. tombstones, which lead from the old id of a session with an owner to its new id
//!
//! Therefore visitors cannot log out users. If all other sessions have an owner, a new session
//! without an owner is not stored. The visitor then has a new session with each request. A new
//! login is never refused. The user of an evicted session has to log in again. A store for more
//! than 1,000 sessions consists of up to 64 shards. Each shard evicts its least recently used
//! session.
//!
//! Each new session also removes a few expired sessions. To remove all expired sessions at once,
//! call [`Sweep::sweep`](session_core::store::Sweep::sweep). The store has no clock. It compares
//! the expiry with the creation times of new sessions.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod builder;
mod cached;
mod hash;
mod index;
mod lists;
mod owners;
mod shard;
mod store;
mod table;

use session_core::ServerSideSessions;

pub use builder::MemoryStoreBuilder;
pub use cached::{Cached, CachedBuilder};
pub use store::MemoryStore;

/// Sessions in memory.
///
/// # Examples
///
/// Clones of a store share its records:
///
/// ```
/// use session_core::SessionConfig;
/// use session_memory::{MemorySessions, MemoryStore};
///
/// let store = MemoryStore::with_capacity(10_000);
/// let sessions = MemorySessions::new(store.clone(), SessionConfig::default());
/// assert!(store.is_empty() && sessions.store().is_empty());
/// ```
pub type MemorySessions = ServerSideSessions<MemoryStore>;
