//! Responses with `Vary: Cookie`, which depend on the cookie: axum.
//!
//! A response depends on the cookie if its handler obtained the session.

use axum::Router;
use axum::extract::Request;
use axum::routing::{get, post};
use session_core::SessionConfig;
use session_memory::{MemorySessions, MemoryStore};
use session_tower::{Error, Session, SessionLayer, request_session};

/// Returns the same response for all visitors, so any cache may store it.
async fn books() -> &'static str {
    "All books\n"
}

/// A handler with a session argument obtains the session, even if it reads nothing.
async fn mine(session: Session) -> Result<String, Error> {
    Ok(format!("The books of {}\n", session.get::<String>("user")?.unwrap_or("guest".to_owned())))
}

/// Obtains the session only for a personal price. Therefore the list price stays cacheable.
async fn price(request: Request) -> Result<String, Error> {
    if request.uri().query() != Some("personal") {
        return Ok("The list price is 30\n".to_owned());
    }
    let Some(handle) = request_session(request.extensions()) else {
        return Ok(String::new());
    };
    let user = handle.session().await?.get::<String>("user")?;
    Ok(format!("Your price is {}\n", if user.is_some() { 25 } else { 30 }))
}

async fn log_in(session: Session) -> Result<&'static str, Error> {
    session.insert("user", "Ada")?;
    Ok("Hello, Ada\n")
}

pub(crate) fn app() -> Router {
    let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::development());
    Router::new()
        .route("/", get(books))
        .route("/mine", get(mine))
        .route("/price", get(price))
        .route("/login", post(log_in))
        .layer(SessionLayer::new(sessions))
}
