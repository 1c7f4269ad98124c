//! A middleware against cross-site request forgery (CSRF), and the extractor [`Csrf`].
//!
//! [`session_core::csrf`] documents the decision table, the settings and the form of tokens. Place
//! the middleware inside the [`SessionMiddleware`](crate::SessionMiddleware), and around all routes
//! that change data. actix-web calls the last added middleware first:
//!
//! ```
//! use actix_web::{App, web};
//! use session_actix::csrf::{Csrf, CsrfConfig, CsrfMiddleware};
//! use session_actix::{Error, SessionMiddleware};
//! use session_cookie::{SecretKey, SessionConfig, SignedCookieSessions};
//!
//! async fn form(csrf: Csrf) -> Result<web::Html, Error> {
//!     Ok(web::Html::new(format!(
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
//! let app = App::new()
//!     .wrap(CsrfMiddleware::new(CsrfConfig::builder(&key).build()?))
//!     .wrap(SessionMiddleware::new(sessions))
//!     .service(web::resource("/").get(form).post(buy));
//! # Ok(())
//! # }
//! ```
//!
//! The middleware protects the session of the session middleware without a marker. To exempt a
//! route, pass the pattern of its resource with the prefixes of all scopes to
//! [`CsrfConfigBuilder::exempt`].

mod extract;
mod middleware;
mod rejection;

pub use extract::Csrf;
pub use middleware::{CsrfMiddleware, CsrfService};
pub use rejection::Rejection;

#[doc(no_inline)]
pub use session_core::csrf::{CheckError, CsrfConfig, CsrfConfigBuilder, Reason, Refused};
