//! The sessions that Python's [Flask-Session] 0.8 keeps in Redis, as a [`SessionInterface`]: a Flask application and a
//! Rust service behind one host share a login that lives on the server.
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
//! # What is stored
//!
//! The key `session:<id>` holds the whole session in msgpack or JSON, and lives for the session's lifetime, or for
//! [`permanent_lifetime`](session_core::SessionConfig::permanent_lifetime) if the session ends with the browser. The
//! cookie holds the id, signed if [told so](FlaskSessionRedisBuilder::signed_with). Redis counts the time, by its own
//! clock.
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
//! What is text in this table reads as text, in Rust as in Python. Python's date shows no fraction of a second here,
//! its map with whole numbers for keys has text instead, and its NaN is null: but a value that nobody changes is
//! written back as Python stored it. A Python `datetime` without a zone is text already when Python stores it. What was
//! stored in a form that does not fit here (a pickle, a msgpack extension) is a fresh session and a warning in the log.
//!
//! # What is not promised
//!
//! - **The last save of the whole session wins**, as in Flask-Session: of two requests that change one session at
//!   once, one change is lost. Use a store under [`ServerSideSessions`] where that matters and no Python takes part.
//! - A save by this crate never brings back a session that was ended meanwhile: its changes are dropped
//!   ([`Outcome::Dropped`]). A save by Flask-Session does, and by default it saves on each request; set
//!   `SESSION_REFRESH_EACH_REQUEST = False` there.
//! - The login is stored under the key `_login`, which Python shows and keeps. Nothing lists the
//!   sessions of an owner.
//! - After a new id, the old one is gone at once: what a request that is on its way with it writes is dropped.
//! - A session in which nothing is left but `_permanent` has ended, as in Flask-Session, whichever call emptied it.
//! - [`Session::is_permanent`] is what the handler says; Flask-Session makes each new session permanent unless
//!   `SESSION_PERMANENT = False`.
//! - An id of fewer than 22 characters (`SESSION_ID_LENGTH` below 16) is not looked for: it can be guessed.
//! - Idle and absolute timeouts are refused: the format has no place for what they need.
//!
//! [Flask-Session]: https://flask-session.readthedocs.io
//! [`Bytes`]: session_core::flask::Bytes
//! [`DateTime`]: session_core::flask::DateTime
//! [`Markup`]: session_core::flask::Markup
//! [`Tuple`]: session_core::flask::Tuple
//! [`Uuid`]: session_core::flask::Uuid
//! [`Outcome::Dropped`]: session_core::Outcome::Dropped
//! [`ServerSideSessions`]: session_core::ServerSideSessions
//! [`Session::is_permanent`]: session_core::Session::is_permanent
//! [`SessionInterface`]: session_core::SessionInterface

mod builder;
mod convert;
mod id;
mod keys;
mod sessions;
mod signer;

pub use builder::FlaskSessionRedisBuilder;
pub use convert::Format;
pub use sessions::FlaskSessionRedis;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
