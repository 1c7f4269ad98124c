//! A middleware for remember-me, which logs users in again, and the extractor [`Remember`].
//!
//! [`session_core::remember`] documents the rules of tokens and the settings. Place the middleware
//! inside the [`SessionMiddleware`](crate::SessionMiddleware), and outside of guards and of the
//! [`CsrfMiddleware`](crate::csrf::CsrfMiddleware). actix-web calls the last added middleware
//! first:
//!
//! ```
//! use std::sync::Arc;
//!
//! use actix_web::{App, HttpResponse, web};
//! use session_actix::remember::{Remember, RememberMe, RememberMiddleware};
//! use session_actix::{Error, Session, SessionMiddleware};
//! use session_core::SessionConfig;
//! use session_core::config::SecretKey;
//! use session_memory::{MemorySessions, MemoryStore};
//!
//! async fn log_in(session: Session, remember: Remember) -> Result<HttpResponse, Error> {
//!     // ... check the password ...
//!     session.log_in("ada", None).await?;
//!     // If the user has ticked the checkbox:
//!     remember.start().await?;
//!     Ok(HttpResponse::Ok().finish())
//! }
//!
//! # fn main() -> Result<(), session_core::Error> {
//! let key = SecretKey::generate()?; // in production: SecretKey::from_env("SECRET_KEY")?
//! let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::default());
//! let sessions = Arc::new(sessions);
//! let remember_me = RememberMe::new(Arc::clone(&sessions), &key)?;
//! let app = App::new()
//!     .wrap(RememberMiddleware::new(remember_me))
//!     .wrap(SessionMiddleware::new(sessions))
//!     .route("/login", web::post().to(log_in));
//! # Ok(())
//! # }
//! ```
//!
//! A request with the cookie of remember-me opens its session, even if no handler needs the
//! session. Add the routes of static files outside the middleware.

mod extract;
mod middleware;

pub use extract::Remember;
pub use middleware::{RememberMiddleware, RememberService};

#[doc(no_inline)]
pub use session_core::remember::RememberMe;
