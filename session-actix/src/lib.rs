//! Sessions for actix-web.
//!
//! [`SessionMiddleware`] wraps an application, a scope or a resource; a handler takes a [`Session`] as an argument, and
//! [`Error`] makes `?` work in it. A request that never asks for its session costs nothing.
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
//!     // development(): plain HTTP on your own machine. In production: SessionConfig::default().
//!     let sessions = SignedCookieSessions::new(SessionConfig::development(), &SecretKey::generate()?)?;
//!     let middleware = SessionMiddleware::new(sessions);
//!     let server = HttpServer::new(move || App::new().wrap(middleware.clone()).route("/", web::get().to(visits)));
//!     Ok(server.bind("127.0.0.1:3000")?.run().await?)
//! }
//! ```
//!
//! # What happens when
//!
//! | | |
//! |---|---|
//! | a handler returns, with whatever status | the session is saved and the cookie set: error responses carry it too |
//! | the inner service returns an error instead of a response | the session is saved, and the error's response carries it |
//! | a body is streamed | the headers went before its first chunk; a later change is an error of kind `Sealed` |
//! | a connection is upgraded, to a WebSocket for example | the response to the handshake carries the session; later changes go through `Session::reopen` |
//! | a handler panics | nothing is saved, unless something inside the middleware turns the panic into a response |
//! | the client goes away | actix-web lets the handler finish, and the session is saved; with `HttpServer::h1_allow_half_closed(false)` it drops the handler, and nothing is saved |
//! | saving fails | the response is replaced by an error: 503 if the backend is down, otherwise 500 |
//! | the backend is down when the session is asked for | 503 before the handler runs, or an anonymous session: [`on_outage`](SessionMiddleware::on_outage) |
//! | there is no middleware | the extractor answers 500 and logs what is missing; `Option<Session>` is `None` |
//! | there are two middlewares of the same cookie name | one session: the inner one hands out the outer's |
//! | there are two middlewares of different names | two sessions, told apart by a marker type: [`SessionMiddleware::marked`]; without one, a handler sees the inner one's |

mod error;
mod extract;
mod middleware;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::Error;
pub use extract::Session;
pub use middleware::{ResponseFuture, SessionMiddleware, SessionService, request_session};

#[doc(no_inline)]
pub use session_core::{OnOutage, RequestSession};
