//! Remember-me: a cookie that logs a user in again after the session has ended.
//!
//! Applications create [`RememberMe`] and add the layer of an adapter:
//! `session_tower::remember::RememberLayer` or `session_actix::remember::RememberMiddleware`. This
//! layer must be inside the session layer, and outside of [guards](crate::guard) and the
//! [CSRF](crate::csrf) layer. After a login with the checkbox, the handler calls
//! [`Remember::start`]. This module has the parts that do not depend on a framework.
//!
//! # Tokens
//!
//! The login starts a *series*, which is a record in the store of the sessions. The cookie has a
//! single-use token of the series. A request that sends the token and has no login receives a
//! session and the next token. Tokens are derived from a [`SecretKey`](crate::config::SecretKey),
//! so that the store contains no token. The cookie has the name of the session cookie with the
//! suffix `-remember`, and the prefix `__Host-` if the session cookie is `Secure`.
//!
//! | token | result |
//! |---|---|
//! | the newest | a session, and the next token |
//! | the previous token, until its successor was used and for one minute longer | a session, and another successor |
//! | an older token, or an unused token after another successor was used | theft: the series and its session end |
//! | a forged token, or a token of a series that has ended or expired | the cookie is removed |
//!
//! The previous token is accepted because the response with its successor may be lost, and because
//! tabs are restored in parallel. Each response has another successor. If a browser and a thief
//! both have a token, the second use ends the series. [`Event::Theft`] reports a theft, so that the
//! application can warn the user.
//!
//! [`Event::Theft`]: crate::events::Event::Theft
//!
//! A series has one session, at first the session of the login. A restored session ends the
//! previous session. Therefore the last of parallel requests has the session. If the browser has
//! the session cookie of another request, its next request uses the remember-me token.
//!
//! # The restored session
//!
//! - A restored session has the owner and the [stamp](crate::login#stamps) of the login that
//!   started the series. A [guard](crate::guard) compares the stamp.
//! - A restored session does not count as a recent login:
//!   [`authenticated_at`](crate::Session::authenticated_at) is 1970.
//! - A restored session counts for [`max_sessions`](crate::SessionConfig::max_sessions) at the next
//!   login, as the oldest session.
//!
//! # The end of a series
//!
//! [`log_out`](crate::Session::log_out) and a login of another user end the series of this browser,
//! and [`end_all`](crate::OwnerSessions::end_all) ends all series of the user.
//! [`end`](crate::OwnerSessions::end) and [`end_others`](crate::OwnerSessions::end_others) end no
//! series.
//!
//! After a change of the password, change the stamp. Guards then end every restored session. To
//! continue to remember this browser, call [`Remember::start`] again.

mod request;
mod series;
mod settings;
mod token;

pub use request::{Remember, RememberRequest};
pub use settings::RememberMe;

/// The first byte of the record of a series. The engine recognizes this byte, and uses smaller
/// numbers for its own records.
const RECORD_KIND: u8 = 4;
