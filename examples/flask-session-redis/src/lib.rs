//! Sessions in Redis that are compatible with Python's [Flask-Session] 0.8, as a
//! [`SessionInterface`]. A Flask application and a Rust service on the same host can share a login
//! that is stored on the server.
//!
//! ```no_run
//! use flask_session_redis::FlaskSessionRedis;
//! use session_core::SessionConfig;
//!
//! # async fn start() -> Result<(), session_core::Error> {
//! let sessions = FlaskSessionRedis::connect("redis://localhost", SessionConfig::default()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Stored data
//!
//! The key `session:<id>` contains the whole session in msgpack or JSON. It expires after the
//! lifetime of the session, or after
//! [`permanent_lifetime`](session_core::SessionConfig::permanent_lifetime) if the session ends with
//! the browser. The cookie contains the id, which is signed if
//! [`signed_with`](FlaskSessionRedisBuilder::signed_with) was called. Redis measures the time with
//! its own clock.
//!
//! | a session's value | msgpack | JSON |
//! |---|---|---|
//! | text, `bool`, null, numbers of 64 bits | the same | the same |
//! | [`Bytes`] | the same | base64 text |
//! | [`DateTime`] | the same, in whole seconds | text as in RFC 3339 |
//! | [`Uuid`] | text | text |
//! | [`Tuple`] | an array | an array |
//! | [`Markup`], numbers beyond 64 bits | an error when saved | an error when saved |
//!
//! A value that is text in this table is read as text, both in Rust and in Python. A Python date is
//! read without its fraction of a second. Integer keys of a Python map are read as text, and NaN as
//! null. A value that does not change is written back exactly as Python stored it. Python itself
//! stores a `datetime` without a time zone as text. A session in an unsupported form (a pickle, a
//! msgpack extension) opens as a fresh session, and a warning is logged.
//!
//! # Limits
//!
//! - **The last save of the whole session wins**, as in Flask-Session. If two requests change one
//!   session at the same time, one change is lost.
//! - To keep the changes of both requests, use a store under [`ServerSideSessions`]. Python
//!   applications cannot share these sessions.
//! - A save by this crate never revives a session that was ended in the meantime. The changes of
//!   this save are dropped ([`Outcome::Dropped`]).
//! - A save by Flask-Session revives an ended session, and by default Flask-Session saves on each
//!   request. Set `SESSION_REFRESH_EACH_REQUEST = False` in the Flask application.
//! - The login is stored under the key `_login`, which Python shows and preserves. The sessions of
//!   an owner cannot be listed.
//! - After a rotation, the old id is removed at once. The changes of a concurrent request with the
//!   old id are dropped.
//! - A session without any key but `_permanent` is removed, as in Flask-Session.
//! - A handler makes a session permanent with [`Session::set_permanent`]. Flask-Session makes each
//!   new session permanent unless `SESSION_PERMANENT = False`.
//! - An id of fewer than 22 characters (`SESSION_ID_LENGTH` below 16) is not looked up, because it
//!   can be guessed.
//! - Idle and absolute timeouts are refused, because the format cannot store their data.
//!
//! # Moving to another backend
//!
//! This interface is also an old backend for `session-migration`. A service that replaces the Flask
//! application passes this interface to [`MigratingSessions`], and users stay logged in. The mark
//! of a moved session is stored under `session:moved:<id>`. The Flask application must no longer
//! run, because it would create a new session for a moved session.
//!
//! [Flask-Session]: https://flask-session.readthedocs.io
//! [`MigratingSessions`]: session_migration::MigratingSessions
//! [`Bytes`]: session_core::flask::Bytes
//! [`DateTime`]: session_core::flask::DateTime
//! [`Markup`]: session_core::flask::Markup
//! [`Tuple`]: session_core::flask::Tuple
//! [`Uuid`]: session_core::flask::Uuid
//! [`Outcome::Dropped`]: session_core::Outcome::Dropped
//! [`ServerSideSessions`]: session_core::ServerSideSessions
//! [`Session::set_permanent`]: session_core::Session::set_permanent
//! [`SessionInterface`]: session_core::SessionInterface

mod builder;
mod convert;
mod id;
mod keys;
mod migration;
mod sessions;
mod signer;

pub use builder::FlaskSessionRedisBuilder;
pub use convert::Format;
pub use sessions::FlaskSessionRedis;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
