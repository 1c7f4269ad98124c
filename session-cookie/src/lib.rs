//! Sessions in a cookie: signed, in Flask's format both ways, or sealed, so that the client cannot read them.
//!
//! The whole session travels with the client, under your [`SecretKey`], so that nobody can change it. There is nothing to run and
//! nothing to clean up. In return:
//!
//! - keep it small: browsers drop cookies above some 4 KB;
//! - of two requests that change the session at the same time, the browser keeps the response that came last: the other's
//!   change is lost, and a logout can be undone by a slow response. Only a server-side backend can promise otherwise;
//! - a copied cookie stays valid until it expires or the key is rotated; removing it in one browser removes no copy.
//!
//! | | [`SignedCookieSessions`] | [`SealedCookieSessions`] |
//! |---|---|---|
//! | who can read the session | whoever holds the cookie: put nothing into it that the user may not read | the server |
//! | Flask reads and writes it | yes | no |
//! | idle and absolute timeouts | no: its format has no place for them | yes |
//! | a session of 300 bytes takes | about 435 | about 460 |
//!
//! ```
//! use session_cookie::SignedCookieSessions;
//! use session_core::{SecretKey, SessionConfig};
//!
//! let key = SecretKey::new("a-secret-of-32-bytes-or-more-0123456789")?;
//! let sessions = SignedCookieSessions::new(SessionConfig::default(), &key)?;
//! # Ok::<(), session_core::Error>(())
//! ```
//!
//! # Sharing a login with Flask
//!
//! Give both the same key and the same cookie settings, and read what the other stored: Flask's tuples, bytes, `Markup`,
//! UUIDs and datetimes through [`session_core::tagged`], flash messages through
//! [`take_flashes`](session_core::Session::take_flashes). The format is itsdangerous' `URLSafeTimedSerializer` with the salt
//! `cookie-session`, HMAC key derivation and SHA-1. HMAC-SHA-1 is not broken by the collisions of SHA-1, and it is what
//! Flask reads by default; both sides can be set to [`Digest::Sha256`].

mod base64url;
mod compression;
mod payload;
mod sealed;
mod signed;
mod signer;

pub use compression::Compression;
pub use sealed::{SealedCookieSessions, SealedCookieSessionsBuilder};
pub use signed::{SignedCookieSessions, SignedCookieSessionsBuilder};
pub use signer::Digest;

#[doc(no_inline)]
pub use session_core::{SecretKey, SessionConfig};
