//! A layer that forwards only requests that a guard admits, and the extractors [`CurrentUser`] and
//! [`Next`].
//!
//! [`session_core::guard`] contains the guards, their responses and the trait of users. Place the
//! layer inside the [`SessionLayer`](crate::SessionLayer):
//!
//! ```
//! use std::time::Duration;
//!
//! use axum::response::Redirect;
//! use axum::{Router, routing::{get, post}};
//! use session_core::SessionConfig;
//! use session_memory::{MemorySessions, MemoryStore};
//! use session_tower::guard::{CurrentUser, GuardLayer, Guards, Next, Owners};
//! use session_tower::{Error, Session, SessionLayer};
//!
//! async fn account(CurrentUser(user): CurrentUser<String>) -> String {
//!     format!("Hello, {user}")
//! }
//!
//! // The login page has a form without an action, so that the query of the page stays.
//! async fn log_in(session: Session, next: Next) -> Result<Redirect, Error> {
//!     // ... check the password ...
//!     session.log_in("ada", None).await?;
//!     Ok(Redirect::to(next.or("/")))
//! }
//!
//! let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::default());
//! let guards = Guards::new(Owners);
//! let critical = Router::new()
//!     .route("/password", get(account))
//!     .route_layer(GuardLayer::new(guards.recent_login_required(Duration::from_mins(10))));
//! let users = Router::new()
//!     .route("/account", get(account))
//!     .route_layer(GuardLayer::new(guards.login_required()));
//! let app: Router = users
//!     .merge(critical)
//!     .route("/login", post(log_in))
//!     .layer(SessionLayer::new(sessions));
//! ```
//!
//! The layer checks the session of the [`SessionLayer`](crate::SessionLayer) without a marker.
//! Under `Router::nest`, the next page has the complete path if the feature `axum` is enabled.
//! Without this feature, no outer layer may change the path.

#[cfg(feature = "axum")]
mod extract;
mod layer;
mod rejection;

#[cfg(feature = "axum")]
pub use extract::{CurrentUser, Next};
pub use layer::{GuardLayer, GuardService, ResponseFuture};
pub use rejection::Rejection;

pub use crate::csrf::ResponseBody;
#[doc(no_inline)]
pub use session_core::guard::{
    Denied, Guard, GuardError, Guards, Loaded, Owners, UserError, Users, local_path,
};
