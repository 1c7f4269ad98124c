//! A layer for remember-me, which logs users in again, and the extractor [`Remember`].
//!
//! [`session_core::remember`] documents the rules of tokens and the settings. Place the layer
//! inside the [`SessionLayer`](crate::SessionLayer), and outside of guards and of the
//! [`CsrfLayer`](crate::csrf::CsrfLayer):
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::{Router, routing::post};
//! use session_core::SessionConfig;
//! use session_core::config::SecretKey;
//! use session_memory::{MemorySessions, MemoryStore};
//! use session_tower::remember::{Remember, RememberLayer, RememberMe};
//! use session_tower::{Error, Session, SessionLayer};
//!
//! async fn log_in(session: Session, remember: Remember) -> Result<(), Error> {
//!     // ... check the password ...
//!     session.log_in("ada", None).await?;
//!     // If the user has ticked the checkbox:
//!     Ok(remember.start().await?)
//! }
//!
//! # fn main() -> Result<(), session_core::Error> {
//! let key = SecretKey::generate()?; // in production: SecretKey::from_env("SECRET_KEY")?
//! let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::default());
//! let sessions = Arc::new(sessions);
//! let remember_me = RememberMe::new(Arc::clone(&sessions), &key)?;
//! let app: Router = Router::new()
//!     .route("/login", post(log_in))
//!     .layer(RememberLayer::new(remember_me))
//!     .layer(SessionLayer::new(sessions));
//! # Ok(())
//! # }
//! ```
//!
//! A request with the cookie of remember-me opens its session, even if no handler needs the
//! session. Add the routes of static files outside the layer.

#[cfg(feature = "axum")]
mod extract;
mod layer;

#[cfg(feature = "axum")]
pub use extract::Remember;
pub use layer::{RememberLayer, RememberService};

pub use crate::csrf::ResponseBody;
#[doc(no_inline)]
pub use session_core::remember::RememberMe;
