//! Sessions in a signed or a sealed cookie. Flask reads and writes the signed cookie. The client
//! cannot read the sealed cookie.
//!
//! The client stores the whole session. Your [`SecretKey`] protects the session from changes. No
//! store is needed, and no old data needs to be removed. However, these limits apply:
//!
//! - The session must be small, because browsers ignore cookies of more than about 4 KB. The save
//!   of a larger session fails, unless the configuration has
//!   [`OversizePolicy::Warn`](session_core::OversizePolicy::Warn).
//! - Concurrent changes overwrite each other, because the browser stores the cookie of the last
//!   response. A slow response can undo a logout.
//! - A copied cookie stays valid until it expires or the key is replaced. Logging out does not
//!   invalidate copies of the cookie.
//! - A session that was [reopened](session_core::Session::reopen) after the response cannot be
//!   changed.
//!
//! | | [`SignedCookieSessions`] | [`SealedCookieSessions`] |
//! |---|---|---|
//! | readers of the session | every client that has the cookie | the server |
//! | compatible with Flask, or with Starlette and FastAPI | yes | no |
//! | idle and absolute timeouts | no: the format has no field for them | yes |
//! | cookie size of a session of 300 bytes | about 435 bytes | about 460 bytes |
//!
//! ```
//! use session_cookie::{SecretKey, SessionConfig, SignedCookieSessions};
//!
//! let key = SecretKey::generate()?;
//! let sessions = SignedCookieSessions::new(SessionConfig::default(), &key)?;
//! # Ok::<(), session_core::Error>(())
//! ```
//!
//! # Sharing a session with Flask
//!
//! Use the same key and the same cookie settings in both applications. [`session_core::flask`] has
//! types for Flask's tuples, bytes, `Markup`, UUIDs and datetimes, and
//! [`take_flashes`](session_core::Session::take_flashes) reads Flask's flash messages.
//!
//! The cookie has the format of `URLSafeTimedSerializer` of itsdangerous, with the salt
//! `cookie-session`, HMAC key derivation and SHA-1. SHA-1 is Flask's default. Collisions of SHA-1
//! do not break HMAC-SHA-1. Both applications can use [`Digest::Sha256`] instead.
//!
//! # Sharing a session with Starlette and FastAPI
//!
//! [`SignedCookieSessions::starlette`] reads and writes the cookie of Starlette's
//! `SessionMiddleware`: ordinary base64 of JSON, and the signature of `TimestampSigner`.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod base64url;
mod compression;
#[cfg(test)]
mod fuzz;
mod in_use;
mod payload;
mod rules;
mod sealed;
mod signed;
mod signer;

pub use compression::Compression;
pub use sealed::{SealedCookieSessions, SealedCookieSessionsBuilder};
pub use signed::{SignedCookieSessions, SignedCookieSessionsBuilder};
pub use signer::Digest;

#[doc(no_inline)]
pub use session_core::{SessionConfig, config::SecretKey};
