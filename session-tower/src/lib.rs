//! Sessions for tower and axum.
//!
//! [`SessionLayer`] wraps any tower HTTP service; with the feature `axum` (on by default) a handler takes a [`Session`] as
//! an argument, and [`Error`] makes `?` work in it. A request that never asks for its session costs nothing.
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
//! # What happens when
//!
//! | | |
//! |---|---|
//! | a handler returns, with whatever status | the session is saved and the cookie set: error responses carry it too |
//! | a body is streamed | the headers went before its first chunk; a later change is an error of kind `Sealed` |
//! | a handler panics | nothing is saved, unless something inside the layer turns the panic into a response |
//! | the inner service returns an error instead of a response | nothing is saved; the error passes through |
//! | the client goes away | the handler is dropped, and nothing is saved |
//! | saving fails | the response is replaced by an error: 503 if the backend is down, otherwise 500 |
//! | the backend is down when the session is asked for | 503 before the handler runs, or an anonymous session: [`on_outage`](SessionLayer::on_outage) |
//! | there is no layer | the extractor answers 500 and logs what is missing; `Option<Session>` is `None` |
//! | there are two layers of the same cookie name | one session: the inner layer hands out the outer's |
//! | there are two layers of different names | two sessions, told apart by a marker type: [`SessionLayer::marked`]; without one, a handler sees the inner layer's |

mod error;
#[cfg(feature = "axum")]
mod extract;
mod layer;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::Error;
#[cfg(feature = "axum")]
pub use extract::Session;
pub use layer::{ResponseFuture, SessionLayer, SessionService, request_session};

#[doc(no_inline)]
pub use session_core::{OnOutage, RequestSession};
