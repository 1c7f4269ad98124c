//! Sessions for Rust web applications, modelled on Flask's. Each visitor has a dictionary of
//! values, which a backend stores in a cookie, in memory, in Redis or in a SQL database.
//!
//! This crate contains the code that all backends and framework adapters share. It does not depend
//! on a framework, runtime or database driver.
//!
//! # Applications
//!
//! Use the crate `session-kit`, which re-exports this crate with an adapter (`session-tower` for
//! axum and tower, `session-actix`) and a backend (`session-cookie`, `session-memory`,
//! `session-redis`, `session-sql`). Handlers use a [`Session`] with every backend:
//!
//! ```
//! use session_core::{Error, Key, Session};
//!
//! const CART: Key<Vec<u64>> = Key::new("cart");
//!
//! fn add_to_cart(session: &Session, product: u64) -> Result<(), Error> {
//!     session.update(CART, move |cart| {
//!         let mut cart = cart.unwrap_or_default();
//!         cart.push(product);
//!         Some(cart)
//!     })?;
//!     session.flash("Added to your cart")
//! }
//! ```
//!
//! | task | page |
//! |---|---|
//! | store values and flash messages, log in and out | [`Session`] |
//! | choose settings, keys and lifetimes | [`SessionConfig`], [`config`] |
//! | require a login, a recent login or a permission | [`guard`] |
//! | protect forms against CSRF | [`csrf`] |
//! | log a user in again after the session has ended | [`remember`] |
//! | list and end the sessions of a user | [`OwnerSessions`] |
//! | count, list and end all sessions | [`admin`] |
//! | end all sessions of a user when the password changes | [`login`] |
//! | handle an error | [`Error`] |
//! | log and count events | [`events`] |
//! | share sessions with a Flask application | [`flask`], [`flask_login`] |
//! | test a function that accepts a session, test expiry | [`Session`], [`ManualClock`] |
//!
//! To test whole applications without a network, enable the feature `testing` of the adapter. Its
//! `TestClient` sends requests and stores cookies.
//!
//! # Stores
//!
//! To store sessions on a server, implement [`store::SessionStore`]: five calls on opaque bytes.
//! [`ServerSideSessions`] converts the store into sessions, and handles ids, merging, expiry and
//! rotation. Start at [`store`].
//!
//! # Interfaces
//!
//! To control the whole session yourself, as a signed cookie does, implement [`SessionInterface`].
//! Start at [`interface`]. To change a hook of an existing interface, wrap it in
//! [`interface::Hooked`].
//!
//! # Adapters
//!
//! To support another web framework, start at [`request`].
//!
//! # Checking a backend or an adapter
//!
//! The crate `session-conformance` has one test for each rule in this documentation. It checks
//! stores, interfaces and adapters, of this project and of third parties.

pub mod admin;
pub mod config;
mod cookie;
pub mod csrf;
mod engine;
mod error;
pub mod events;
pub mod flask;
pub mod flask_login;
#[cfg(test)]
mod fuzz;
pub mod guard;
pub mod interface;
pub mod login;
mod outcome;
mod record_format;
pub mod remember;
pub mod request;
mod request_view;
mod scan;
mod session;
pub mod store;

/// The attribute for implementations of [`SessionInterface`] and [`store::SessionStore`], from the
/// crate `async-trait`.
pub use async_trait::async_trait;

pub use config::{
    Clock, ManualClock, OversizePolicy, Refresh, SessionConfig, SessionConfigBuilder,
};
pub use cookie::{CookieAttributes, SameSite};
pub use engine::ServerSideSessions;
pub use error::{Error, ErrorKind};
pub use flask::flash::Flash;
pub use interface::{OwnedSession, OwnerSessions, SessionInterface};
pub use outcome::Outcome;
pub use request::OutagePolicy;
pub use session::{Key, Session, SessionKey};
