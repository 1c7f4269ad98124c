//! Administration: counting, listing and ending all sessions of a store, for operators.
//!
//! These operations are for a command-line tool or an operator's page. For the pages of users, see
//! [`OwnerSessions`](crate::OwnerSessions). The operations need a store that implements
//! [`Scan`](crate::store::Scan), such as the stores in memory, in Redis and in SQL. The tool
//! `session-cli` has the operations as commands.
//!
//! [`ServerSideSessions::all`](crate::ServerSideSessions::all) returns all sessions, and
//! [`pages_of`](crate::ServerSideSessions::pages_of) returns all sessions of one owner.
//! [`session_of`](crate::ServerSideSessions::session_of) returns one session with its values.
//! [`move_to`](AllSessions::move_to) moves all sessions to another store.
//!
//! The memory use does not depend on the number of sessions, except 32 bytes for each session of
//! the owner in `pages_of`.
//!
//! # Examples
//!
//! Ending the sessions that no request has used for 90 days:
//!
//! ```
//! use std::time::{Duration, SystemTime};
//!
//! use session_core::admin::Selection;
//! use session_core::store::Scan;
//! use session_core::{Error, ServerSideSessions};
//!
//! async fn end_idle<S: Scan>(
//!     sessions: &ServerSideSessions<S>,
//!     now: SystemTime,
//! ) -> Result<u64, Error> {
//!     let days = Duration::from_secs(90 * 24 * 60 * 60);
//!     sessions.all().end(Selection::NotSeenSince(now - days)).await
//! }
//! ```

pub use crate::engine::{
    AllSessions, MovedSessions, OwnerPages, Selection, StoredPage, StoredSession,
};
