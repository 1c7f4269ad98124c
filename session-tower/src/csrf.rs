//! A layer against cross-site request forgery (CSRF), and the extractor [`Csrf`].
//!
//! [`session_core::csrf`] documents the decision table, the settings and the form of tokens. Place
//! the layer inside the [`SessionLayer`](crate::SessionLayer), and around all routes that change
//! data:
//!
//! ```
//! use axum::response::Html;
//! use axum::{Router, routing::get};
//! use session_cookie::{SecretKey, SessionConfig, SignedCookieSessions};
//! use session_tower::csrf::{Csrf, CsrfConfig, CsrfLayer};
//! use session_tower::{Error, SessionLayer};
//!
//! async fn form(csrf: Csrf) -> Result<Html<String>, Error> {
//!     Ok(Html(format!(
//!         "<form method=post><input type=hidden name=csrf_token value={}><button>Buy</button>",
//!         csrf.token()?
//!     )))
//! }
//!
//! async fn buy() -> &'static str {
//!     "bought"
//! }
//!
//! # fn main() -> Result<(), session_core::Error> {
//! let key = SecretKey::generate()?; // in production: SecretKey::from_env("SECRET_KEY")?
//! let sessions = SignedCookieSessions::new(SessionConfig::default(), &key)?;
//! let app: Router = Router::new()
//!     .route("/", get(form).post(buy))
//!     .layer(CsrfLayer::new(CsrfConfig::builder(&key).build()?))
//!     .layer(SessionLayer::new(sessions));
//! # Ok(())
//! # }
//! ```
//!
//! The CSRF layer protects the session of the `SessionLayer` that has no marker. To exempt a route
//! by its pattern, add the layer with `Router::layer`, so that axum matches the route first.
//! Without the feature `matched-path`, no route is exempt.

mod body;
#[cfg(feature = "axum")]
mod extract;
mod layer;
mod rejection;

pub use body::{RequestBody, ResponseBody};
#[cfg(feature = "axum")]
pub use extract::Csrf;
pub use layer::{CsrfLayer, CsrfService, ResponseFuture};
pub use rejection::Rejection;

#[doc(no_inline)]
pub use session_core::csrf::{CheckError, CsrfConfig, CsrfConfigBuilder, Reason, Refused};
