//! A middleware that forwards only requests that a guard admits, and the extractors [`CurrentUser`]
//! and [`Next`].
//!
//! [`session_core::guard`] contains the guards, their responses and the trait of users. Place the
//! middleware inside the [`SessionMiddleware`](crate::SessionMiddleware):
//!
//! ```
//! use std::time::Duration;
//!
//! use actix_web::{App, Responder, web};
//! use session_actix::guard::{CurrentUser, GuardMiddleware, Guards, Next, Owners};
//! use session_actix::{Error, Session, SessionMiddleware};
//! use session_core::SessionConfig;
//! use session_memory::{MemorySessions, MemoryStore};
//!
//! async fn account(CurrentUser(user): CurrentUser<String>) -> String {
//!     format!("Hello, {user}")
//! }
//!
//! // The login page has a form without an action, so that the query of the page stays.
//! async fn log_in(session: Session, next: Next) -> Result<impl Responder, Error> {
//!     // ... check the password ...
//!     session.log_in("ada", None).await?;
//!     Ok(web::Redirect::to(next.or("/").to_owned()).see_other())
//! }
//!
//! let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::default());
//! let guards = Guards::new(Owners);
//! let critical = guards.recent_login_required(Duration::from_mins(10));
//! let app = App::new()
//!     .wrap(SessionMiddleware::new(sessions))
//!     .route("/login", web::post().to(log_in))
//!     .service(
//!         web::resource("/password").wrap(GuardMiddleware::new(critical)).get(account),
//!     )
//!     .service(
//!         web::scope("/account")
//!             .wrap(GuardMiddleware::new(guards.login_required()))
//!             .route("", web::get().to(account)),
//!     );
//! ```
//!
//! The middleware guards the session of the session middleware without a marker.

mod extract;
mod middleware;
mod rejection;

pub use extract::{CurrentUser, Next};
pub use middleware::{GuardMiddleware, GuardService};
pub use rejection::Rejection;

#[doc(no_inline)]
pub use session_core::guard::{
    Denied, Guard, GuardError, Guards, Loaded, Owners, UserError, Users, local_path,
};
