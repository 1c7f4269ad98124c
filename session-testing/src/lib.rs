//! A client for tests of web applications with sessions. It runs in the process of the test,
//! without a browser, a network or a running server.
//!
//! Add this crate to `dev-dependencies` if your application uses `session-tower`, `session-actix`
//! or another adapter of `session-core`. The client works with every backend.
//!
//! | to test | use |
//! |---|---|
//! | a function that accepts a [`Session`](session_core::Session) | a session made by hand, see [below](#functions-that-accept-a-session) |
//! | a page that needs a logged-in user | [`Browser::session_transaction`] |
//! | a whole application, with its routes and redirects | [`TestClient`] of `session_tower::testing` or `session_actix::testing` |
//! | an application of another framework | [`TestClient`] with your [`Application`] |
//! | expiry and timeouts | [`ManualClock`](session_core::ManualClock), which the [`Browser`] also uses for its cookies |
//!
//! # Applications
//!
//! A [`TestClient`] sends requests and follows redirects. Its [`Browser`] stores cookies as a
//! browser does. This example uses axum and the client of `session-tower` (feature `testing`):
//!
//! ```
//! use std::sync::Arc;
//! use std::time::{Duration, SystemTime};
//!
//! use axum::Router;
//! use axum::response::Redirect;
//! use axum::routing::{get, post};
//! use session_core::{ManualClock, SessionConfig, SessionInterface};
//! use session_memory::{MemorySessions, MemoryStore};
//! use session_tower::testing::TestClient;
//! use session_tower::{Error, Session, SessionLayer};
//!
//! fn app(sessions: Arc<dyn SessionInterface>) -> Router {
//!     let greet = async |session: Session| match session.get::<String>("user")? {
//!         Some(user) => Ok(format!("Hello {user}")),
//!         None => Ok::<_, Error>("Please log in".to_owned()),
//!     };
//!     let log_in = async |session: Session, user: String| {
//!         session.log_in(&user, None).await?;
//!         session.insert("user", user)?;
//!         Ok::<_, Error>(Redirect::to("/"))
//!     };
//!     Router::new()
//!         .route("/", get(greet))
//!         .route("/login", post(log_in))
//!         .layer(SessionLayer::new(sessions))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! // In a #[tokio::test]:
//! let clock = ManualClock::at(SystemTime::now());
//! let config = SessionConfig::builder()
//!     .clock(clock.clone())
//!     .idle_timeout(Duration::from_secs(3600))
//!     .build()?;
//! let sessions: Arc<dyn SessionInterface> =
//!     Arc::new(MemorySessions::new(MemoryStore::new(), config));
//! let mut client = TestClient::new(app(Arc::clone(&sessions)), sessions);
//!
//! // Log in with HTTP requests:
//! let response = client.post("/login", "text/plain", "ada").await?;
//! assert_eq!(response.status(), 303);
//! assert_eq!(client.follow(response).await?.text(), "Hello ada");
//!
//! // Change the session without HTTP, and inspect it:
//! client.browser_mut().session_transaction(async |session| session.insert("user", "bob")).await?;
//! assert_eq!(client.get("/").await?.text(), "Hello bob");
//! assert_eq!(client.browser().session().await?.owner().as_deref(), Some("ada"));
//!
//! // Let the session expire:
//! clock.advance(Duration::from_secs(3700));
//! assert_eq!(client.get("/").await?.text(), "Please log in");
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # Functions that accept a session
//!
//! [`Opened::into_session`](session_core::interface::Opened::into_session) creates a session
//! without a request. This function needs only `session-core`:
//!
//! ```
//! use session_core::interface::Opened;
//! use session_core::{Error, Session};
//!
//! fn count_visit(session: &Session) -> Result<(), Error> {
//!     session.update("visits", |visits: Option<u64>| Some(visits.unwrap_or(0) + 1))
//! }
//!
//! let session = Opened::from_payload(r#"{"visits":41}"#)?.into_session();
//! count_visit(&session)?;
//! assert_eq!(session.get::<u64>("visits")?, Some(42));
//! # Ok::<(), Error>(())
//! ```
//!
//! # Limits
//!
//! - The client does not resolve redirects to relative paths, and runs no scripts.
//! - The browser has no list of public suffixes and ignores `SameSite`. Every request counts as
//!   same-site.

mod browser;
mod client;
mod cookie;
mod origin;
mod request;
mod response;

use std::fmt;

use session_core::{Error, ErrorKind};

pub use browser::Browser;
pub use client::{Application, TestClient};
pub use request::Request;
pub use response::TestResponse;

fn rejected(reason: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Configuration, format!("browsers reject this cookie: {reason}"))
}
