//! Sessions for axum and for any tower HTTP service.
//!
//! [`SessionLayer`] adds a session to every request. With the feature `axum`, which is enabled by
//! default, a handler accepts the [`Session`] as an argument, and the operator `?` works with
//! [`Error`]. A request that does not use its session causes no I/O.
//!
//! ```
//! use axum::{Router, routing::get};
//! use session_cookie::{SecretKey, SessionConfig, SignedCookieSessions};
//! use session_tower::{Error, Session, SessionLayer};
//!
//! async fn visits(session: Session) -> Result<String, Error> {
//!     let visits = session.get::<u64>("visits")?.unwrap_or(0) + 1;
//!     session.insert("visits", visits)?;
//!     Ok(format!("visit {visits}"))
//! }
//!
//! # fn main() -> Result<(), session_core::Error> {
//! let sessions = SignedCookieSessions::new(SessionConfig::default(), &SecretKey::generate()?)?;
//! let app: Router = Router::new().route("/", get(visits)).layer(SessionLayer::new(sessions));
//! # Ok(())
//! # }
//! ```
//!
//! # Behaviour
//!
//! | event | result |
//! |---|---|
//! | a handler returns a response, with any status | the session is saved, and the response sets the cookie |
//! | a response body is streamed | the headers are sent before the first chunk; later changes fail with `ErrorKind::Committed`; a body that obtains the session for the first time fails with the same error |
//! | a handler panics | nothing is saved, and the client does not receive the new id of an earlier `Session::save`, unless an inner layer converts the panic into a response |
//! | the inner service returns an error instead of a response | nothing is saved, and the error is returned |
//! | the client disconnects | the handler is dropped, and nothing is saved |
//! | the save fails | the response is replaced by an error response: 503 if the backend is down, otherwise 500. The error response still sets the cookie of an earlier `Session::save` |
//! | the backend is down when a handler obtains the session | 503 before the handler runs, or an anonymous session, depending on [`on_outage`](SessionLayer::on_outage) |
//! | there is no layer | the extractor responds with 500 and logs the missing layer; `Option<Session>` is `None` |
//! | two layers have the same cookie name | both share the session of the outer layer |
//! | two layers have different cookie names | there are two sessions, distinguished by [`marked`](SessionLayer::marked); with the same marker, a handler obtains the session of the inner layer |
//! | the save of an outer layer fails | the error response also has the cookies of the inner layers, whose sessions are saved |
//!
//! # Features
//!
//! | feature | default | content |
//! |---|---|---|
//! | `axum` | yes | the extractor, and [`Error`] as an axum response |
//! | `matched-path` | yes | the exemption of axum's routes from [CSRF protection](csrf), for which axum records the route of each request |
//! | `testing` | no | the module `testing`: a client for tests of whole applications |

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod body;
pub mod csrf;
mod error;
#[cfg(feature = "axum")]
mod extract;
pub mod guard;
mod layer;
mod original_uri;
pub mod remember;
mod response;
#[doc = include_str!("../LAYERS.md")]
pub mod layer_orders {}
#[cfg(feature = "testing")]
pub mod testing;

pub use body::ResponseBody;
pub use error::Error;
#[cfg(feature = "axum")]
pub use extract::{MarkedSession, Session};
pub use layer::{
    ResponseFuture, SessionLayer, SessionService, request_session, request_session_marked,
};

#[doc(no_inline)]
pub use session_core::{OutagePolicy, request::RequestSession};
