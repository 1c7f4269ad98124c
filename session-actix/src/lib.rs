//! Sessions for actix-web.
//!
//! [`SessionMiddleware`] adds a session to every request of an application, a scope or a resource.
//! A handler accepts the [`Session`] as an argument. The operator `?` works in functions that
//! return [`Error`] or `actix_web::Error`. A request that does not use its session causes no I/O.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, web};
//! use session_actix::{Error, Session, SessionMiddleware};
//! use session_cookie::{SecretKey, SessionConfig, SignedCookieSessions};
//!
//! async fn visits(session: Session) -> Result<String, Error> {
//!     let visits = session.get("visits")?.unwrap_or(0) + 1;
//!     session.insert("visits", visits)?;
//!     Ok(format!("Visit number {visits}\n"))
//! }
//!
//! #[actix_web::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // For plain HTTP on your own computer. In production: SessionConfig::default().
//!     let config = SessionConfig::development();
//!     let sessions = SignedCookieSessions::new(config, &SecretKey::generate()?)?;
//!     let middleware = SessionMiddleware::new(sessions);
//!     let server = HttpServer::new(move || {
//!         App::new().wrap(middleware.clone()).route("/", web::get().to(visits))
//!     });
//!     Ok(server.bind("127.0.0.1:3000")?.run().await?)
//! }
//! ```
//!
//! # Behaviour
//!
//! | event | result |
//! |---|---|
//! | a handler returns a response, with any status | the session is saved, and the response sets the cookie |
//! | the inner service returns an error instead of a response | the session is saved, and the response of the error sets the cookie |
//! | a response body is streamed | the headers are sent before the first chunk; later changes fail with `ErrorKind::Committed`; a body that obtains the session for the first time fails with the same error |
//! | a connection is upgraded, for example to a WebSocket | the response to the handshake sets the cookie; later changes need `Session::reopen` |
//! | a handler panics | nothing is saved, and the client does not receive the new id of an earlier `Session::save`, unless an inner middleware converts the panic into a response |
//! | the client disconnects | actix-web runs the handler to completion, and the session is saved. With `HttpServer::h1_allow_half_closed(false)`, the handler is dropped and nothing is saved |
//! | the save fails | the response is replaced by an error response: 503 if the backend is down, otherwise 500. The error response still sets the cookie of an earlier `Session::save` |
//! | the backend is down when a handler obtains the session | 503 before the handler runs, or an anonymous session, depending on [`on_outage`](SessionMiddleware::on_outage) |
//! | there is no middleware | the extractor responds with 500 and logs the missing middleware; `Option<Session>` is `None` |
//! | two middlewares have the same cookie name | both share the session of the outer middleware |
//! | two middlewares have different cookie names | there are two sessions, distinguished by [`marked`](SessionMiddleware::marked); with the same marker, a handler obtains the session of the inner middleware |
//! | the save of an outer middleware fails | the error response also has the cookies of the inner middlewares, whose sessions are saved |
//!
//! # Features
//!
//! | feature | default | content |
//! |---|---|---|
//! | `testing` | no | the module `testing`: a client for tests of whole applications |

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

pub mod csrf;
mod error;
mod extract;
pub mod guard;
mod middleware;
pub mod remember;
mod request;
mod response;
mod session;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::Error;
pub use extract::{MarkedSession, Session};
pub use middleware::{ResponseFuture, SessionMiddleware, SessionService};
pub use request::{RequestSession, request_session, request_session_marked};

#[doc(no_inline)]
pub use session_core::OutagePolicy;
