//! Sessions in the memory of one process: nothing to run beside the application, and gone when it ends.
//!
//! ```
//! use session_core::SessionConfig;
//! use session_memory::MemorySessions;
//!
//! let sessions = MemorySessions::new(SessionConfig::default());
//! ```
//!
//! # When to choose it
//!
//! For one process whose sessions may end with it: development, tests, a small service. On several instances a user would
//! be logged in on one and not on the next.
//!
//! # What it promises
//!
//! No recorded change to a live session is lost and no ended session comes back, whatever requests overlap.
//!
//! # When it is full
//!
//! It keeps at most [100,000 sessions](MemoryStore::DEFAULT_CAPACITY), or as many as you say. One more, and the session that was not used for the
//! longest time is evicted: its owner finds an empty session, as after a logout, and logs in again. A fresh login is never
//! refused. Expired sessions leave by the same door, or at once through [`Sweep`](session_core::Sweep).

mod config;
mod hash;
mod owners;
mod place;
mod store;

pub use config::MemorySessions;
pub use store::MemoryStore;
