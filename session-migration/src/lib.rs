//! Moves sessions from an old backend to a server-side backend, without logging users out.
//!
//! [`MigratingSessions`] is a [`SessionInterface`](session_core::SessionInterface) over both
//! backends. Use it in place of the new backend, from the deployment that changes the backend until
//! the *end date*.
//!
//! - A session that the new backend does not have is opened from the old backend.
//! - The first change of a session moves it. A renewal that is due also moves it.
//! - The values, the login, the label, the creation time and the lifetimes stay the same. Between
//!   two stores, the id and the handle also stay the same.
//! - After the end date, the old backend is not read.
//!
//! | old backend | pass | also needed |
//! |---|---|---|
//! | another store | [`ServerSideSessions`](session_core::ServerSideSessions) | nothing |
//! | a signed or sealed cookie | [`OldCookies`] around its interface | a secret key |
//! | a third-party interface, such as Flask-Session's | the interface | an implementation of [`OldSessions`] |
//!
//! # Guarantees
//!
//! For sessions from another store, the guarantees of
//! [`ServerSideSessions`](session_core::ServerSideSessions) apply. No change to a live session is
//! lost, and no ended session is revived. These guarantees hold for requests that overlap, for lost
//! replies and for a process that stops during a move. Only one of several requests moves the
//! session. This is the request that marks the old record at the version that it copied. The other
//! requests add their changes to the new record.
//!
//! All processes must use [`MigratingSessions`] with the same end date. A process that only has the
//! old backend loses no change and revives no session. It opens an empty session in place of a
//! moved session. For ten minutes after the move, this process drops the changes of the empty
//! session and sets no cookie.
//!
//! # Sessions from a cookie
//!
//! A copy of a cookie cannot be ended. Therefore a copy of an old cookie may open the session, as
//! it was in the cookie, until the end date. Until then, a logout of the session has the outcome
//! [`BrowserOnly`](session_core::Outcome::BrowserOnly). For ten minutes after a logout, the cookie
//! that was sent with the logout opens no session. Therefore a concurrent request does not undo the
//! logout. Choose an early end date. The longest lifetime of the old sessions is sufficient.
//!
//! A copy of a cookie that is sent while the session is alive opens the moved session, not a second
//! session.
//!
//! # Limits
//!
//! - Sessions of an owner that are stored in cookies cannot be listed or ended, and do not count
//!   for `max_sessions`, until they have moved.
//! - Both backends must have the same cookie name.
//! - Remember-me series do not move, because they are not sessions.
//!
//! # Examples
//!
//! ```
//! use std::time::{Duration, SystemTime};
//!
//! use session_core::{Error, ServerSideSessions, SessionConfig};
//! use session_memory::MemoryStore;
//! use session_migration::MigratingSessions;
//!
//! # fn start(end: SystemTime) -> Result<(), Error> {
//! let old = ServerSideSessions::new(MemoryStore::new(), SessionConfig::default());
//! let new = ServerSideSessions::new(MemoryStore::new(), SessionConfig::default());
//! let sessions = MigratingSessions::new(new, old, end)?;
//! # Ok(())
//! # }
//! # start(SystemTime::now() + Duration::from_secs(31 * 24 * 3600)).unwrap();
//! ```

mod cookies;
mod end;
mod id;
mod interface;
mod moving;
mod old;
mod open;
mod owners;
mod place;
mod sessions;

pub use cookies::OldCookies;
pub use id::kept_id;
pub use old::OldSessions;
pub use sessions::MigratingSessions;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
