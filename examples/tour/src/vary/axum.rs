//! Which responses depend on the cookie: those whose session was asked for, and they say `Vary: Cookie`. axum.

use axum::Router;
use axum::extract::Request;
use axum::routing::{get, post};
use session_core::SessionConfig;
use session_memory::MemorySessions;
use session_tower::{Error, Session, SessionLayer, request_session};

/// The same for everybody: any cache may keep it.
async fn books() -> &'static str {
    "All books\n"
}

/// Taking the session as an argument is asking for it, even to read nothing.
async fn mine(session: Session) -> Result<String, Error> {
    Ok(format!("The books of {}\n", session.get::<String>("user")?.unwrap_or("nobody".to_owned())))
}

/// Asks for the session only if the visitor wants a price of their own, so that the list price stays cacheable.
async fn price(request: Request) -> Result<String, Error> {
    if request.uri().query() != Some("personal") {
        return Ok("The list price is 30\n".to_owned());
    }
    let Some(handle) = request_session::<()>(request.extensions()) else { return Ok(String::new()) };
    let user = handle.session().await?.get::<String>("user")?;
    Ok(format!("Your price is {}\n", if user.is_some() { 25 } else { 30 }))
}

async fn log_in(session: Session) -> Result<&'static str, Error> {
    session.insert("user", "Ada")?;
    Ok("Hello, Ada\n")
}

pub(crate) fn app() -> Router {
    let sessions = MemorySessions::new(SessionConfig::development());
    Router::new()
        .route("/", get(books))
        .route("/mine", get(mine))
        .route("/price", get(price))
        .route("/login", post(log_in))
        .layer(SessionLayer::new(sessions))
}
